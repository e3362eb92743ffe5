"""The floor: FastAPI and httpx over httpx-aiohttp, and nothing else. `python passthrough.py PORT VENDOR_URL`."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from fastapi import FastAPI, Request, Response
from httpx_aiohttp import AiohttpTransport


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """One client for the life of the process."""
    transport = AiohttpTransport(limits=httpx.Limits(max_connections=None))
    async with httpx.AsyncClient(transport=transport, timeout=60) as app.state.client:
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/healthz")
async def healthz() -> str:
    """For who waits for the start."""
    return "ok"


@app.post("/v1/images/generations")
async def generations(request: Request) -> Response:
    """Whatever comes goes on, and whatever comes back goes back."""
    headers = {"authorization": "Bearer sk-bench", "content-type": "application/json"}
    url = f"{sys.argv[2]}/images/generations"
    answer = await app.state.client.post(url, content=await request.body(), headers=headers)
    return Response(answer.content, answer.status_code, media_type="application/json")


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="warning")
