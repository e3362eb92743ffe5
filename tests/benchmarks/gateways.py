"""Gateways side by side: LiteLLM's proxy, a bare pass-through, and ours with the model given and with "auto".

Each runs on the first core, the vendor and the load on the second; in every round each of them has its turn.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.benchmarks.environments import python_of
from tests.benchmarks.load import images_body, press
from tests.benchmarks.processes import free_port, rss_mb, server
from tests.benchmarks.vendor import LARGE, SLOW

PATH = "/v1/images/generations"
_HERE = Path(__file__).parent
# What is pressed: its name, the vendor's word, clients at once, requests: so many that the beginning and the end, when
# fewer are under way, count for little.
PRESSES: Sequence[tuple[str, str, int, int]] = (
    ("c1", "", 1, 150),
    ("c16", "", 16, 400),
    ("c64", "", 64, 1500),
    ("slow64", SLOW, 64, 1500),
    ("large16", LARGE, 16, 80),
)
MODELS: Mapping[str, str] = MappingProxyType(
    {"litellm": "gpt-image", "passthrough": "any", "ours": "gpt-image-2.5-flare", "auto": "auto"}
)


@dataclass(frozen=True, slots=True)
class Gateways:
    """Ports by name, and the process of each."""

    ports: Mapping[str, int]
    pids: Mapping[str, int]


@contextmanager
def running(home: Path, model: str) -> Iterator[Gateways]:
    """All of them and the vendor. `home` is our state folder, `model` the bundle."""
    with ExitStack() as stack:
        vendor = free_port()
        stack.enter_context(server([sys.executable, "-m", "tests.benchmarks.vendor", str(vendor)], 1, (vendor, "/")))
        url = f"http://127.0.0.1:{vendor}/v1"
        ports, pids = {"direct": vendor}, {}
        for name, (command, health, environment) in _commands(url, home, model).items():
            port = free_port()
            filled = [part.format(port=port) for part in command]
            pids[name] = stack.enter_context(server(filled, 0, (port, health), **environment))
            ports[name] = port
        ports["auto"] = ports["ours"]
        yield Gateways(ports, pids)


def _commands(url: str, home: Path, model: str) -> Mapping[str, tuple[list[str], str, dict[str, str]]]:
    litellm = str(Path(python_of("litellm")).with_name("litellm"))
    config = str(_HERE / "peers" / "litellm.yaml")
    # Without a key LiteLLM does not start, and one would only slow it.
    open_door = {"LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    ours = {
        "OPENAI_API_KEY": "sk-bench",
        "OPENAI_BASE_URL": url,
        "PROMPT_INTENT_HOME": str(home),
        "PROMPT_INTENT_MODEL": model,
        "PROMPT_INTENT_SANDBOX": "off",
        "PROMPT_INTENT_CLASSIFY_CACHE": "0",
        "PROMPT_INTENT_CATALOG": str(_HERE / "peers" / "catalog.toml"),
    }
    return {
        "litellm": (
            [litellm, "--config", config, "--port", "{port}", "--num_workers", "1"],
            "/health/liveliness",
            {**open_door, "VENDOR_URL": url},
        ),
        "passthrough": (
            [python_of("passthrough"), str(_HERE / "peers" / "passthrough.py"), "{port}", url],
            "/healthz",
            {},
        ),
        "ours": ([str(Path(sys.executable).with_name("prompt-intent")), "serve", "--port", "{port}"], "/healthz", ours),
    }


def measure(gateways: Gateways, rounds: int) -> dict[str, Any]:
    """p50 and p99 in milliseconds and requests a second, by gateway, press and round; MB at the start and the end."""
    os.sched_setaffinity(0, {1})
    names = ["direct", *MODELS]
    for name in MODELS:
        asyncio.run(press(gateways.ports[name], PATH, images_body(MODELS[name]), 4, 60))
    started = {name: rss_mb(pid) for name, pid in gateways.pids.items()}
    found: dict[str, Any] = {name: {press_name: [] for press_name, *_ in PRESSES} for name in names}
    memory: dict[str, list[float]] = {name: [] for name in gateways.pids}
    first = 1000
    for _ in range(rounds):
        for what, wish, clients, requests in PRESSES:
            for name in names:
                body = images_body(MODELS.get(name, "any"), wish)
                seen = asyncio.run(press(gateways.ports[name], PATH, body, clients, requests, first))
                first += requests
                figures = {"p50_ms": seen.p50_ms, "p99_ms": seen.p99_ms, "per_second": seen.per_second}
                found[name][what].append(figures)
        for name, pid in gateways.pids.items():
            memory[name].append(rss_mb(pid))
    return {"found": found, "rss_start_mb": started, "rss_mb": memory}
