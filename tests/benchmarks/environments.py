"""The peers' own environments, made once under `.bench/`: their pins do not agree with ours, nor with one another's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

FOLDER = Path(".bench")
_TORCH = ("torch==2.13.0",)
# What is installed, step by step; torch by itself and first, as in our own README.
PINS: Mapping[str, Sequence[Sequence[str]]] = MappingProxyType(
    {
        "litellm": [["litellm[proxy]==1.106.2", "uvloop"]],
        "onnx": [
            _TORCH,
            [
                "sentence-transformers[onnx]==5.7.0",
                "transformers==4.57.6",
                "optimum==2.1.0",
                "optimum-onnx==0.1.0",
                "fastapi==0.165.0",
                "uvicorn[standard]",
            ],
        ],
        "router": [_TORCH, ["semantic-router[local]==1.1.1"]],
        "passthrough": [["fastapi==0.165.0", "httpx==0.28.1", "httpx-aiohttp==0.2.0", "uvicorn[standard]"]],
    }
)


def python_of(name: str) -> str:
    """The environment's interpreter; the environment is made if it is not there. `ours` is this one."""
    if name == "ours":
        return sys.executable
    folder = FOLDER / name
    python, done = folder / "bin" / "python", folder / "installed"
    if not done.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        for step in PINS[name]:
            subprocess.run([str(python), "-m", "pip", "install", "--quiet", *step], check=True)
        done.touch()
    return str(python)


def version(name: str, package: str) -> str:
    """The version of a package in an environment."""
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    return subprocess.run([python_of(name), "-c", code], check=True, capture_output=True, text=True).stdout.strip()
