"""uvicorn, which tells the service that it stops before it waits for the answers under way, not after."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
from contextlib import suppress

import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE

# Objects made before the first sweep for garbage, and sweeps before the next wider one. As Python comes (700, 10, 10),
# 64 requests at once take some 5 % longer.
_SWEEPS = (10_000, 20, 20)


class Server(uvicorn.Server):
    """Sets `closing` when SIGINT or SIGTERM stops it, so that the answers that it waits for come soon."""

    def __init__(self, config: uvicorn.Config, closing: asyncio.Event) -> None:
        super().__init__(config)
        self._closing = closing

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See `uvicorn.Server`."""
        await super().startup(sockets)
        # What a start has made stays until the end, and most of what a request makes goes by itself.
        gc.freeze()
        gc.set_threshold(*_SWEEPS)
        gc.enable()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See `uvicorn.Server`."""
        self._closing.set()
        await super().shutdown(sockets)


def run_server(application: FastAPI, closing: asyncio.Event, host: str, port: int) -> None:
    """Serve until a signal comes, in a process of its own: it sets how that looks for garbage, and when.

    Exits with uvicorn's own code where it cannot start.
    """
    config = uvicorn.Config(
        application,
        host=host,
        port=port,
        access_log=False,
        log_config=None,
        # There are no websockets here, and loading what speaks them takes time.
        ws="none",
        # Forwarded headers are not believed: PROMPT_INTENT_PUBLIC_URL says where we are seen.
        proxy_headers=False,
        server_header=False,
    )
    server = Server(config, closing)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(STARTUP_FAILURE)
