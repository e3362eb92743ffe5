"""One process owns the store: an operating-system lock on a file beside it.

`recover` calls every running request dead, and equal requests wait for each other in memory: both are wrong as soon as
two processes share the file. The lock goes with its process, also after `kill -9`; the file it is on stays and means
nothing by itself. Nothing waits for it: a second process is refused at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from serve.errors import StoreError

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def owned(path: Path) -> Iterator[None]:
    """Own the store at `path` for the time of the block, through `<path>.lock`. Blocks only on the disk.

    Raises:
        StoreError: another process, or another store of this one, has it.
        OSError: the lock file cannot be created.
    """
    descriptor = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _take(descriptor, path.name)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, name: str) -> None:
    try:
        _lock(descriptor)
    except OSError as error:
        raise StoreError(
            f"{name} is in use by another process: stop that one (one process serves one PROMPT_INTENT_HOME, so no "
            "extra uvicorn workers), or set PROMPT_INTENT_HOME to another folder"
        ) from error
