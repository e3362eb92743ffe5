"""The house rules that a machine can check: who imports whom, what is public, how large things may grow."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import classifier
from tests.conftest import ROOT, TrainedHome

PACKAGES = ("classifier", "training", "serve")
HEAVY = ("torch", "transformers", "sentence_transformers", "sklearn", "mlflow", "pandas", "scipy", "matplotlib")
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}
PYTHON_FILES = [*MODULES.values(), *sorted((ROOT / "tests").rglob("*.py"))]


def _imports(tree: ast.AST, top_level: bool = False) -> Iterator[str]:
    for node in tree.body if top_level and isinstance(tree, ast.Module) else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def _inside(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [
        ("classifier", ("training", "serve", "torch", "sklearn", "sentence_transformers", "fastapi", "httpx")),
        ("training", ("serve", "fastapi", "httpx")),
        ("serve", ("training", *HEAVY)),
        ("serve.sandbox", ("classifier", "training")),
        ("serve.providers", ("serve.sandbox", "classifier")),
    ],
)
def test_imports_flow_one_way(package: str, forbidden: tuple[str, ...]) -> None:
    """training -> classifier <- serve; what a service runs on imports nothing heavy."""
    found = [
        f"{name} imports {target}"
        for name, path in MODULES.items()
        if _inside(name, package)
        for target in _imports(_parsed(path))
        if _inside(target, *forbidden)
    ]
    assert not found


def test_the_sandbox_shares_nothing_with_what_it_judges() -> None:
    """Of this project, the sandbox imports only itself."""
    found = [
        f"{name} imports {target}"
        for name, path in MODULES.items()
        if _inside(name, "serve.sandbox")
        for target in _imports(_parsed(path))
        if _inside(target, *PACKAGES) and not _inside(target, "serve.sandbox")
    ]
    assert not found


def test_no_import_cycles() -> None:
    """At module level, imports between our modules form no circle."""
    graph = {
        name: {target for target in _imports(_parsed(path), top_level=True) if target in MODULES and target != name}
        for name, path in MODULES.items()
        # A package's __init__ re-exports its children; it is the door, not a room.
        if path.name != "__init__.py"
    }
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join([*trail[trail.index(name) :], name])
        if name not in done:
            for target in sorted(graph.get(name, ())):
                visit(target, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_the_public_names() -> None:
    """What `from classifier import ...` offers is decided, not accidental."""
    assert classifier.__all__ == [
        "DEFAULT_INTENTS", "BundleError", "ChampionError", "ClassifierError", "FetchError", "IntentClassifier",
        "Prediction", "parse_intent",
    ]  # fmt: skip
    assert all(hasattr(classifier, name) for name in classifier.__all__)


@pytest.mark.parametrize("path", PYTHON_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_small(path: Path) -> None:
    """Files under 300 lines, functions under 50."""
    text = path.read_text("utf-8")
    assert text.count("\n") <= 300
    functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = [f.name for f in functions if (f.end_lineno or f.lineno) - f.lineno + 1 > 50]
    assert not long


def test_modules_are_nouns_of_their_own() -> None:
    """No drawer for leftovers."""
    drawers = {"utils", "util", "helpers", "helper", "common", "misc"}
    assert not [name for name in MODULES if drawers & set(name.split("."))]


def test_data_holds_no_python() -> None:
    """`data/` is data."""
    assert not list((ROOT / "data").rglob("*.py"))


_WITHOUT_TRAINING = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {heavy!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
import asyncio, httpx
from serve.app import create_app
from serve.settings import Settings

async def main():
    app = create_app(Settings.load())
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            answer = await client.post("/v1/generate", json={{"prompt": "banner: SALE 50% OFF, bold orange letters"}})
            print(answer.status_code, answer.json()["routing"]["model"])

asyncio.run(main())
print(sorted(set(sys.modules) & set({heavy!r})))
"""


def test_serving_needs_nothing_of_training(trained: TrainedHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """With every training library unimportable, a bundle is proven, a prompt classified, and an image drawn."""
    script = _WITHOUT_TRAINING.format(heavy=(*HEAVY, "joblib", "datasketch", "onnx", "sqlalchemy"))
    monkeypatch.setenv("PROMPT_INTENT_HOME", str(trained.home))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "200 ideogram-v2a" in lines
    assert lines[-1] == "[]"


@pytest.mark.parametrize(("module", "extra"), [("mlflow", "train"), ("uvicorn", "serve")])
def test_a_missing_extra_answers_with_the_pip_line(module: str, extra: str, tmp_path: Path) -> None:
    """A command without its extra says what to install, and exits 1."""
    command = {"train": ["promote"], "serve": ["serve"]}[extra]
    script = (
        f"import sys; sys.modules[{module!r}] = None; from classifier.cli import main; sys.argv[1:] = {command}; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert f"pip install 'prompt-intent[{extra}]'" in done.stderr
