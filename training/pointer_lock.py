"""One process at a time moves the champion: it reads the pointer, judges by it, and writes what follows from it.

An operating-system lock on a file beside the pointer, which goes with its process, also after `kill -9`; the file stays
and means nothing by itself. Who comes second waits: the first is done within a minute. Readers of the pointer need no
lock, since it is replaced in one step.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from classifier.errors import ChampionError
from classifier.home import Home

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        # Gives up after ten seconds, which Windows does not let us choose.
        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)


@contextmanager
def pointer_locked(home: Home) -> Iterator[None]:
    """Move this home's champion alone for the time of the block; waits for whoever else does.

    Raises:
        ChampionError: the lock cannot be had.
    """
    path = home.pointer.with_name(f"{home.pointer.name}.lock")
    with ExitStack() as stack:
        try:
            home.root.mkdir(parents=True, exist_ok=True)
            _lock(stack.enter_context(path.open("ab")).fileno())
        except OSError as error:
            raise ChampionError(f"{path}: cannot be locked ({error}); is another promotion running?") from error
        yield
