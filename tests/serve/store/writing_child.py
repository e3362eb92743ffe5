"""A process that lives to be killed: it takes requests through the store, and prints what had returned, at once.

Run with the store's path and a number that makes its ids its own.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from pathlib import Path

from serve.store import Store
from tests.serve.store.conftest import NOW, Life, image


def _say(*words: str) -> None:
    # Not print: a line must be out of this process before the next step begins.
    os.write(1, (" ".join(words) + "\n").encode())


async def _work(life: Life, name: str) -> None:
    for number in itertools.count():
        request_id = f"{name}.{number}"
        await life.claim(request_id, request_id)
        await life.begin(request_id, intent="preview")
        _say("begun", request_id)
        for attempt in range(2):
            await life.send(request_id, attempt, cost_usd=0.5)
            _say("sent", f"{request_id}/{attempt}")
            # The first is known not to be billed, the second is.
            await life.end(f"{request_id}/{attempt}", *(("no", 0.0), ("yes", 0.25))[attempt])
            _say("ended", f"{request_id}/{attempt}")
        await life.finish(request_id, images=(image(f"{request_id}:image", request_id),))
        _say("finished", request_id)


async def _main(path: Path, life_number: str) -> None:
    async with Store.open(path) as store:
        _say("recovered", str(await store.recover(NOW)))
        await asyncio.gather(*(_work(Life(store), f"{life_number}.{worker}") for worker in range(8)))


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), sys.argv[2]))
