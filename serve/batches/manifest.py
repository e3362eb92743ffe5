"""The memory of a batch: `manifest.jsonl` in its folder, on the disk before a request is sent and after it is answered.

A line "started" holds the idempotency key that the request goes out under. So whatever happens to this process, the
next one asks for the same answer and not for another picture. Of several lines about a prompt the last one counts; when
a run ends, one line a prompt is left.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from serve.batches.gateway import Reply
from serve.batches.items import Identity, Item, canonical
from serve.batches.picture_files import sync_folder, tidy
from serve.errors import Billed, StoreError
from serve.schemas import ErrorDetail
from serve.store.lock import owned

FILE = "manifest.jsonl"
_LOCK = ".batch"


class Line(BaseModel):
    """One prompt's state. Costs are US dollars, `ms` milliseconds, `since` seconds since 1970.

    Attributes:
        wishes: `max_cost`, `optimize` and `deadline_ms` as they were sent with `key`; those that the row has of its own
            are among its `options`.
        since: when `key` was made.
        cost_usd: of all tries of this prompt, what may have been billed included.
        billed: of the last try.
        sandbox: no vendor was called, no dollar is real.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    index: int
    id: JsonValue = None
    prompt_sha256: str
    options: dict[str, JsonValue]
    repeat: int = 0
    outcome: Literal["started", "done", "failed"]
    files: list[str] = []
    request_id: str | None = None
    intent: str | None = None
    model: str | None = None
    vendor_model: str | None = None
    ms: float | None = None
    cost_usd: float = 0.0
    billed: Billed = "no"
    error: ErrorDetail | None = None
    sandbox: bool
    key: str
    since: float
    wishes: dict[str, JsonValue] = {}

    @classmethod
    def started(
        cls, item: Item, key: str, since: float, cost_usd: float, sandbox: bool, wishes: Mapping[str, Any]
    ) -> Self:
        """The line before a request for `item` that repeats none; `cost_usd` of those before it."""
        sha256, _, repeat = item.identity
        return cls(
            index=item.index,
            id=_writable(item.id),
            prompt_sha256=sha256,
            options=dict(item.options),
            repeat=repeat,
            outcome="started",
            cost_usd=cost_usd,
            sandbox=sandbox,
            key=key,
            since=since,
            wishes={name: wish for name, wish in wishes.items() if name not in item.options},
        )

    def left_open(self, reply: Reply) -> Self:
        """The line after an answer that leaves open what became of the request, with the request that it spoke of."""
        told = self.request_id if reply.routing is None else reply.routing.request_id
        return self.model_copy(update={"request_id": told})

    def repeats(self, reply: Reply) -> bool:
        """Whether the very same request has left it open before: then no other answer to it will come."""
        return reply.routing is not None and reply.routing.request_id == self.request_id

    def ended(self, reply: Reply, files: Sequence[Path]) -> Self:
        """The line after the answer to the request that this one was written for."""
        routing = reply.routing
        told = {} if routing is None else routing.model_dump(include={"request_id", "intent", "model", "vendor_model"})
        return self.model_copy(
            update={
                **told,
                "outcome": "done" if reply.error is None else "failed",
                "files": [path.name for path in files],
                "ms": round(reply.ms, 1),
                "cost_usd": round(self.cost_usd + self._cost(reply), 6),
                "billed": reply.billed,
                "error": reply.error,
            }
        )

    def _cost(self, reply: Reply) -> float:
        """US dollars of one try. Of a try that was cut off, all that it was allowed to cost may be on a bill."""
        if reply.routing is None and reply.billed != "no":
            return self.allowed or 0.0
        return reply.cost_usd

    @property
    def allowed(self) -> float | None:
        """US dollars that the request may cost; None where it went out without a limit."""
        limit = self.wishes.get("max_cost", self.options.get("max_cost"))
        return float(limit) if isinstance(limit, int | float) else None

    @property
    def counted_usd(self) -> float:
        """US dollars that count as spent: of a request whose end is not known, all that it may cost."""
        return self.cost_usd + ((self.allowed or 0.0) if self.outcome == "started" else 0.0)

    @property
    def identity(self) -> Identity:
        """Which item this is about."""
        return self.prompt_sha256, canonical(self.options), self.repeat


class Manifest:
    """The lines of one folder. Writing blocks until the disk has them: call it from a worker thread."""

    def __init__(self, path: Path, lines: dict[Identity, Line], size: int) -> None:
        self._path = path
        self._lines = lines
        self._lock = Lock()
        self._file = path.open("ab", buffering=0)
        self._size = size
        # A line cut short by a crash is dropped: nothing was sent before it was whole.
        self._file.truncate(size)

    @property
    def lines(self) -> list[Line]:
        """The last line of every prompt."""
        return list(self._lines.values())

    @property
    def spent(self) -> float:
        """US dollars that all its prompts have cost so far."""
        return sum(line.counted_usd for line in self._lines.values())

    def last(self, item: Item) -> Line | None:
        """What is known of `item`."""
        return self._lines.get(item.identity)

    def append(self, line: Line) -> None:
        """Add a line; it is on the disk when this returns.

        Raises:
            OSError: the disk is full; the file is as it was before.
        """
        data = f"{line.model_dump_json()}\n".encode()
        with self._lock:
            try:
                written = self._file.write(data)
                if written != len(data):
                    raise OSError(f"{self._path.name}: only {written} of {len(data)} bytes could be written")
                os.fsync(self._file.fileno())
            except OSError:
                self._file.truncate(self._size)
                raise
            self._size += len(data)
            self._lines[line.identity] = line

    def close(self) -> None:
        """Leave one line a prompt, in the input's order; where that cannot be written, the long file says the same."""
        self._file.close()
        shorter = self._path.with_name(f".{FILE}.part")
        lines = sorted(self._lines.values(), key=lambda line: line.index)
        with contextlib.suppress(OSError):
            with shorter.open("wb") as file:
                file.writelines(f"{line.model_dump_json()}\n".encode() for line in lines)
                file.flush()
                os.fsync(file.fileno())
            shorter.replace(self._path)
            sync_folder(self._path.parent)


def _writable(own_id: Any) -> Any:
    """A row's own id, None where it holds half a character: no file takes that."""
    try:
        json.dumps(own_id, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return None
    return own_id


@contextmanager
def open_manifest(folder: Path) -> Iterator[Manifest]:
    """The manifest in `folder`, both made if they are not there, and nobody else's until the block ends.

    Raises:
        StoreError: another batch is drawing into the folder, it cannot be written, or its manifest is not ours.
    """
    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _own(stack, folder)
            tidy(folder)
            manifest = _read(folder / FILE)
        except OSError as error:
            raise StoreError(f"{folder}: cannot be written to ({error.strerror}): choose another folder") from error
        stack.callback(manifest.close)
        yield manifest


def _own(stack: ExitStack, folder: Path) -> None:
    try:
        stack.enter_context(owned(folder / _LOCK))
    except StoreError as error:
        raise StoreError(f"{folder}: another batch is drawing into this folder: wait for it, or stop it") from error


def _read(path: Path) -> Manifest:
    data = path.read_bytes() if path.exists() else b""
    size = data.rfind(b"\n") + 1
    lines: dict[Identity, Line] = {}
    for number, raw in enumerate(data[:size].split(b"\n")[:-1], 1):
        try:
            line = Line.model_validate_json(raw)
        except ValidationError as error:
            raise StoreError(
                f"{path}: line {number} is none of this command's: mend it, or choose another folder"
            ) from error
        lines[line.identity] = line
    if not path.exists():
        path.touch()
        sync_folder(path.parent)
    return Manifest(path, lines, size)
