"""Progress of a long command: a bar on a terminal, a line a stage elsewhere. Training code sees only the protocol."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress


class Progress(Protocol):
    """What a pipeline tells about itself."""

    def stage(self, name: str, total: int | None = None) -> None:
        """A new stage begins; with `total` steps, if they can be counted."""

    def advance(self, steps: int) -> None:
        """So many steps of the stage are done."""


class Bars:
    """`Progress` on a rich console; a context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        self._bars = RichProgress(*columns, console=console, disable=not console.is_terminal)
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._finish(done=kind is None)
        self._bars.stop()

    def stage(self, name: str, total: int | None = None) -> None:
        """End the stage before, and show this one."""
        self._finish(done=True)
        if not self._console.is_terminal:
            self._console.print(name)
        self._task = self._bars.add_task(name, total=total)

    def advance(self, steps: int) -> None:
        """Move the stage's bar."""
        if self._task is not None:
            self._bars.advance(self._task, steps)

    def _finish(self, done: bool) -> None:
        if self._task is None:
            return
        if done:
            total = self._bars.tasks[self._task].total or 1
            self._bars.update(self._task, total=total, completed=total)
        self._bars.stop_task(self._task)
