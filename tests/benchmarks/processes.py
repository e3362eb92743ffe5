"""Child processes of a benchmark: pinned to cores, asked over pipes or HTTP, and ended by who started them."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_START_S = 120.0


@dataclass(frozen=True, slots=True)
class Worker:
    """A `peers/classify.py` that waits for texts; `first_s` is from its start to its first answer."""

    process: subprocess.Popen[str]
    first_s: float

    def ask(self, texts: Sequence[str], *, together: bool = False) -> dict[str, Any]:
        """`seconds` a call and `rss_mb`. `together`: all texts in one call."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"texts": list(texts), "together": together}) + "\n")
        self.process.stdin.flush()
        return _said(self.process)


@contextmanager
def worker(python: str, kind: str, threads: int, model: str) -> Iterator[Worker]:
    """A classifier in a process of its own, on as many cores as it has threads."""
    script = str(Path(__file__).parent / "peers" / "classify.py")
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1", "PYTHONPATH": os.getcwd()}
    command = [*_on(range(threads)), python, script, kind, str(threads), model]
    began = time.perf_counter()
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        try:
            _said(process)
            yield Worker(process, time.perf_counter() - began)
        finally:
            process.kill()


@contextmanager
def server(command: Sequence[str], core: int, health: tuple[int, str], **environment: str) -> Iterator[int]:
    """A server on one core, once it answers at `health` (port and path); its process id."""
    with subprocess.Popen(
        [*_on([core]), *command],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            wait_for(*health, process)
            yield process.pid
        finally:
            process.terminate()


def wait_for(port: int, path: str, process: subprocess.Popen[bytes]) -> None:
    """Until a server answers there.

    Raises:
        TimeoutError: it does not, for two minutes, or has ended.
    """
    ends = time.monotonic() + _START_S
    while time.monotonic() < ends and process.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", path)
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        except OSError:
            time.sleep(0.01)
    raise TimeoutError(f"nobody answers on port {port}: run {process.args} by hand to see why")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def rss_mb(pid: int) -> float:
    """A process's resident memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _said(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{process.args} has ended: run it by hand to see why")
    said: dict[str, Any] = json.loads(line)
    return said


def _on(cores: Iterable[int]) -> Sequence[str]:
    return ("taskset", "-c", ",".join(map(str, cores)))
