"""`GET /v1/images/{id}`: a picture's bytes as the vendor sent them. Its id is all the permission there is."""

from __future__ import annotations

import anyio.to_thread
from fastapi import APIRouter
from fastapi.responses import FileResponse

from serve.endpoints.errors_doc import ERRORS
from serve.service import ServiceDep

# An id never gets other bytes; "private", for a shared cache would hand the picture to whoever asks it.
HEADERS = {"cache-control": "private, max-age=31536000, immutable", "cross-origin-resource-policy": "cross-origin"}
router = APIRouter(tags=["pictures"], responses=ERRORS)


@router.get("/v1/images/{image_id}", summary="Fetch a picture", response_class=FileResponse)
async def read_image(image_id: str, service: ServiceDep) -> FileResponse:
    """PNG, JPEG or WebP, told by the bytes themselves."""
    stored = await anyio.to_thread.run_sync(service.images.find, image_id)
    return FileResponse(stored.path, media_type=stored.media_type, headers=HEADERS)
