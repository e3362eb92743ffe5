"""uvicorn, which tells the service that it stops before it waits for the answers under way, not after."""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import suppress

import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE

from serve.heap import keep_freed_memory, sweep_seldom


class Server(uvicorn.Server):
    """Sets `closing` when SIGINT or SIGTERM stops it, so that the answers that it waits for come soon."""

    def __init__(self, config: uvicorn.Config, closing: asyncio.Event) -> None:
        super().__init__(config)
        self._closing = closing

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See `uvicorn.Server`."""
        await super().startup(sockets)
        sweep_seldom()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See `uvicorn.Server`."""
        self._closing.set()
        await super().shutdown(sockets)


def run_server(application: FastAPI, closing: asyncio.Event, host: str, port: int) -> None:
    """Serve until a signal comes, in a process of its own: it sets how that treats memory.

    Exits with uvicorn's own code where it cannot start.
    """
    keep_freed_memory()
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
