"""All vendors at once, in a process of their own: the sandbox behind real sockets, with its faults and its ledger."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from serve.catalog import load_catalog
from serve.sandbox.app import create_sandbox, served_models
from serve.sandbox.faults import load_faults
from serve.sandbox.ledger import Call

ROOT = Path(__file__).parents[3]
# Seconds. Vendors keep idle connections for minutes; uvicorn's own five are as many as the gateway's client keeps them,
# and now and then a request would be sent just as the other side hangs up.
_KEEP_ALIVE = 75


@dataclass(frozen=True, slots=True)
class Vendors:
    """A running sandbox."""

    origin: str

    @property
    def settings(self) -> dict[str, Any]:
        """The `Settings` of a gateway before these vendors, whatever the environment says."""
        providers = load_catalog().providers.values()
        hosts = {one.base_url_env.lower(): self.origin + one.sandbox_path for one in providers}
        keys = {one.key_env.lower(): "any" for one in providers}
        return {**hosts, **keys, "sandbox": "off", "profile": "story", "api_key": None, "attempts": 3, "rebill": False}

    def ledger(self) -> tuple[Call, ...]:
        """Every call so far, in order.

        Raises:
            RuntimeError: the sandbox has forgotten the oldest of them.
        """
        told = httpx.get(f"{self.origin}/__ledger", timeout=60, trust_env=False).json()
        kept, made = len(told["calls"]), told["totals"]["calls"]
        if kept != made:
            raise RuntimeError(f"the ledger keeps {kept} of {made} calls: let fewer requests come")
        return tuple(Call(**call) for call in told["calls"])


@contextmanager
def vendors(faults: Path, seed: int = 0) -> Iterator[Vendors]:
    """A sandbox with these faults on a free port of 127.0.0.1, for the length of the block."""
    command = [sys.executable, "-m", __name__, str(faults.resolve()), str(seed)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Vendors(process.stdout.readline().strip())
        finally:
            process.terminate()


def _serve(faults: str, seed: str) -> None:
    sandbox = create_sandbox(load_faults(Path(faults), served_models()), seed=int(seed))
    listener = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    config = uvicorn.Config(sandbox, log_level="warning", lifespan="off", timeout_keep_alive=_KEEP_ALIVE)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    _serve(*sys.argv[1:])
