"""What came of a request, as it is kept: it can be told again, in any format and after a restart, without a vendor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from types import MappingProxyType
from typing import Literal, Self

import pybase64
from pydantic import BaseModel, Field

from serve.errors import ServiceError
from serve.image_store import ImageStore
from serve.job import Job
from serve.off_loop import off_loop
from serve.pictures import Picture
from serve.schemas import ErrorDetail, ImageEntry, Routing

NO_REPEAT: Mapping[str, str] = MappingProxyType({"x-should-retry": "false"})
"""Clients ask again on their own after 429 and 5xx. What was paid for once is theirs to decide."""
# As JSON spells an empty field. No text can look like it: inside one, the quotes would have backslashes.
_HOLE = b'"b64_json":""'


class KeptImage(BaseModel):
    """A stored picture and what its vendor said of it; `width` and `height` in pixels.

    `drawn` are the file's bytes, while they are in memory anyway.
    """

    id: str
    media_type: str
    width: int
    height: int
    revised_prompt: str | None = None
    seed: int | None = None
    drawn: bytes | None = Field(default=None, exclude=True, repr=False)

    @classmethod
    def of(cls, image_id: str, picture: Picture) -> Self:
        """The picture that was stored under `image_id`."""
        return cls(
            id=image_id,
            media_type=picture.media_type,
            width=picture.width,
            height=picture.height,
            revised_prompt=picture.revised_prompt,
            seed=picture.seed,
            drawn=picture.data,
        )

    @property
    def size(self) -> float:
        """Bytes to go through; without end where a disk has to be waited for."""
        return inf if self.drawn is None else len(self.drawn)

    def data(self, store: ImageStore) -> bytes:
        """The file's bytes. NotFoundError: it has been deleted since; ServiceError: it cannot be read."""
        return store.read(self.id) if self.drawn is None else self.drawn


class KeptError(BaseModel):
    """An error as it was answered."""

    status: int
    detail: ErrorDetail
    headers: dict[str, str]


class KeptUsage(BaseModel):
    """Tokens by kind, as the vendor counted them in all the calls that drew."""

    text_input: int = 0
    image_input: int = 0
    text_output: int = 0
    image_output: int = 0


class KeptAnswer(BaseModel):
    """Pictures and the decision behind them, or an error. `created` is in seconds since 1970.

    `background` is what came of the caller's wish for one, None where there was no such wish.
    """

    request_id: str
    created: int
    routing: Routing
    images: list[KeptImage] = []
    background: Literal["opaque", "transparent"] | None = None
    usage: KeptUsage | None = None
    error: KeptError | None = None

    @classmethod
    def of(cls, job: Job, created: float, routing: Routing, *, may_be_billed: bool) -> Self:
        """The answer of a job that has come to its end. `may_be_billed` tells clients not to repeat what failed."""
        answer = cls(request_id=job.request_id, created=int(created), routing=routing)
        if job.failure is not None:
            answer.error = _keep(job.failure, may_be_billed)
            return answer
        answer.images = [
            KeptImage.of(image_id, picture) for image_id, picture in zip(job.image_ids, job.pictures, strict=True)
        ]
        answer.background, answer.usage = _background(job), _usage(job)
        return answer


def _keep(error: ServiceError, may_be_billed: bool) -> KeptError:
    detail = ErrorDetail(message=str(error), type=error.type, param=error.param, code=error.code)
    headers = {**error.headers, **(NO_REPEAT if may_be_billed else {})}
    return KeptError(status=error.status, detail=detail, headers=headers)


def _background(job: Job) -> Literal["opaque", "transparent"] | None:
    row = job.chosen.row if job.chosen else None
    if job.request.background == "transparent":
        return "transparent" if row is not None and row.transparent else "opaque"
    return job.request.background


def _usage(job: Job) -> KeptUsage | None:
    """None where a call that drew was not counted in tokens: half a sum would be taken for the whole."""
    said = [attempt.usage for attempt in job.attempts if attempt.outcome == "ok"]
    counted = [usage for usage in said if usage is not None and usage.image_output_tokens is not None]
    if not counted or len(counted) < len(said):
        return None
    return KeptUsage(
        text_input=sum(usage.text_input_tokens or 0 for usage in counted),
        image_input=sum(usage.image_input_tokens or 0 for usage in counted),
        text_output=sum(usage.text_output_tokens or 0 for usage in counted),
        image_output=sum(usage.image_output_tokens or 0 for usage in counted),
    )


def entries(answer: KeptAnswer, inline: bool, base: str) -> list[ImageEntry]:
    """The pictures as the caller wants them: links below `base`, or (`inline`) empty fields for `render` to fill."""
    return [
        ImageEntry(
            id=image.id,
            url=None if inline else f"{base}/{image.id}",
            b64_json="" if inline else None,
            revised_prompt=image.revised_prompt,
            seed=image.seed,
        )
        for image in answer.images
    ]


async def render(shell: BaseModel, images: Sequence[KeptImage], store: ImageStore) -> bytes:
    """`shell` as JSON, its empty `b64_json` fields, if it has any, filled with the pictures in base64, in order.

    In a worker thread if they are large or on the disk, and without a JSON encoder's look at every character: pictures
    are megabytes.

    Raises:
        NotFoundError: a picture has been deleted since it was drawn.
        ServiceError: its file cannot be read.
    """
    first, *others = shell.model_dump_json().encode().split(_HOLE)
    if not others:
        return first
    return await off_loop(_fill, first, others, images, store, size=sum(image.size for image in images))


def _fill(first: bytes, others: Sequence[bytes], images: Sequence[KeptImage], store: ImageStore) -> bytes:
    parts = [first]
    for image, after in zip(images, others, strict=True):
        parts += (b'"b64_json":"', pybase64.b64encode(image.data(store)), b'"', after)
    return b"".join(parts)
