"""One prompt or many drawn through a gateway: the parts put together, and Ctrl-C minded."""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread

from classifier.explanation import Explanation
from serve.batches.batch import Batch, Tally, Watch
from serve.batches.bodies import read_body
from serve.batches.gateway import Gateway, Reply
from serve.batches.in_process import open_in_process
from serve.batches.items import Item
from serve.batches.manifest import Manifest
from serve.batches.over_http import open_over_http
from serve.batches.picture_files import Target, write_pictures
from serve.batches.plan import BatchRules
from serve.batches.purse import Purse
from serve.clock import Clock
from serve.errors import InvalidRequestError, ServiceError, StoreError
from serve.schemas import GenerateBody
from serve.settings import Settings


@dataclass(frozen=True, slots=True)
class Drawing:
    """What came of one prompt, with what moved the classifier if that was asked for, or a word why nobody knows."""

    reply: Reply
    files: list[Path]
    explanation: Explanation | str | None = None


def open_gateway(settings: Settings, url: str | None, clock: Clock) -> AbstractAsyncContextManager[Gateway]:
    """The service at `url`, or one in this process."""
    return open_in_process(settings, clock) if url is None else open_over_http(url, settings, clock)


async def draw_one(gateway: Gateway, body: GenerateBody, target: Target, *, force: bool, explained: bool) -> Drawing:
    """Have one request drawn and write its pictures.

    Raises:
        ConnectionError: nobody answers.
        StoreError: the pictures cannot be written where they are wanted; they are kept by the service.
    """
    explanation = await _explanation(gateway, body.prompt) if explained else None
    reply = await gateway.draw(body, secrets.token_hex(16))
    if not reply.pictures:
        return Drawing(reply, [], explanation)
    try:
        files = await anyio.to_thread.run_sync(lambda: write_pictures(target, reply.pictures, force=force))
    except OSError as error:
        ids = f"request {reply.routing.request_id}" if reply.routing else "the request"
        raise StoreError(
            f"{target.folder} cannot be written to ({error.strerror}): the pictures of {ids} are kept among the "
            "service's images"
        ) from error
    return Drawing(reply, files, explanation)


async def draw_many(
    gateway: Gateway, manifest: Manifest, folder: Path, items: Sequence[Item], ceiling: float | None,
    rules: BatchRules, clock: Clock, watch: Watch, say: Callable[[str], None],
) -> tuple[Tally, Purse]:  # fmt: skip
    """Draw what the manifest does not have yet. The first Ctrl-C ends it in good order, the second with
    the calls under way.

    Raises:
        ConnectionError: nobody answers.
        StoreError: the folder holds pictures of the other kind, the sandbox's or the vendors'.
        ServiceError: none of the prompts could be drawn this way; says why.
    """
    _check_kind(manifest, gateway, folder)
    await _check_options(gateway, manifest, items, rules)
    purse = Purse(ceiling, manifest.spent)
    batch = Batch(gateway, manifest, folder, purse, rules, clock, watch)
    with _stoppable(batch, say):
        return await batch.run(items), purse


async def _explanation(gateway: Gateway, prompt: str) -> Explanation | str:
    try:
        return await gateway.explain(prompt)
    except ServiceError as error:
        # Without a classifier a request that names its model or intent is drawn all the same.
        return str(error)


def _check_kind(manifest: Manifest, gateway: Gateway, folder: Path) -> None:
    if any(line.sandbox != gateway.sandbox for line in manifest.lines):
        ours, theirs = ("the sandbox", "vendors") if gateway.sandbox else ("vendors", "the sandbox")
        raise StoreError(f"{folder} holds what {theirs} drew, and now {ours} would draw: choose another folder")


async def _check_options(gateway: Gateway, manifest: Manifest, items: Sequence[Item], rules: BatchRules) -> None:
    """Try the options on the first prompt, without drawing: a misspelt model would fail for every one of them."""
    undone = (item for item in items if (last := manifest.last(item)) is None or last.outcome != "done")
    first = next(undone, None)
    if first is None:
        return
    try:
        await gateway.decide(read_body(first.prompt, first.options, rules.wishes))
    except InvalidRequestError as error:
        if error.param != "prompt":
            raise


@contextmanager
def _stoppable(batch: Batch, say: Callable[[str], None]) -> Iterator[None]:
    """SIGINT and SIGTERM stop the batch, and when they come again, cut it off."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def stop() -> None:
        if batch.tally.stopped is None:
            batch.stop("interrupted")
            say("finishing what is being drawn and paid for; interrupt again to end with the calls under way")
        elif task is not None:
            task.cancel()

    numbers = (signal.SIGINT, signal.SIGTERM)
    # Windows, and loops outside of the main thread, handle no signals: there Ctrl-C cuts at once.
    with suppress(NotImplementedError, RuntimeError, ValueError):
        for number in numbers:
            loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        with suppress(NotImplementedError, RuntimeError, ValueError):
            for number in numbers:
                loop.remove_signal_handler(number)
