"""The first page, and the documentation of the API."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.types import Scope

from serve.docs_page import render_docs

STATIC = Path(__file__).parent.parent / "static"
# Asked about each time, answered "not modified" mostly: an upgrade must not meet yesterday's script.
FRESH = {"cache-control": "no-cache"}
router = APIRouter(include_in_schema=False)


@router.get("/")
async def read_page() -> FileResponse:
    """Type a prompt, see a picture."""
    return FileResponse(STATIC / "index.html", headers=FRESH)


class Assets(StaticFiles):
    """The page's scripts, styles and pictures."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """One asset, or "not modified"."""
        response = await super().get_response(path, scope)
        response.headers.update(FRESH)
        return response


@router.get("/docs")
async def read_docs(request: Request) -> HTMLResponse:
    """The OpenAPI document as a page, written here: no CDN, no script."""
    return HTMLResponse(render_docs(request.app.openapi()))
