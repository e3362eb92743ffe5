"""Black Forest Labs' FLUX.2: `POST /v1/{model}` takes an order, its `polling_url` is asked until the picture is there.

A row's shapes are "WxH", its `extra` goes into the body's top level. One picture a call. There is no field for a
negative prompt, a quality (a row's model id says it) or a user: they are not sent. The picture comes as a signed link
that is good for ten minutes.

The order is taken on before the first poll. From then on every failure may be billed, unless the vendor says that it
never began; a poll that fails is asked again, and no status of a poll's says anything of the model.
"""

from __future__ import annotations

import re
from typing import Any

import httpx

from serve.errors import CatalogError, ProviderError, UpstreamError
from serve.image_request import DrawnImage, ReadyModel, Usage, WireRequest
from serve.providers.bodies import (
    USER_AGENT,
    amount_at,
    broken_answer,
    given,
    json_object,
    json_request,
    object_at,
    object_or_empty,
    objects_at,
    text_at,
)
from serve.providers.statuses import Complaint, code_at, content_block, refusal

PROVIDER = "bfl"
HOST = "bfl.ai"
# docs.bfl.ai, quick_start/pricing.
USD_A_CREDIT = 0.01

_READY, _MISSING = "Ready", "Task not found"
# What the vendor looked at before it drew, and after (docs.bfl.ai, api_integration/errors).
_BLOCKED_BEFORE, _BLOCKED_AFTER = "Request Moderated", "Content Moderated"
_FAILED = ("Error", "Failed", _MISSING)
_ENDED = frozenset({_READY, _BLOCKED_BEFORE, _BLOCKED_AFTER, *_FAILED})
_HTTPS = 443
_SHAPE = re.compile("([0-9]{1,5})x([0-9]{1,5})")


def build(model: ReadyModel, request: WireRequest) -> httpx.Request:
    """The order for one picture: nobody asks this dialect for more in a call.

    Raises:
        CatalogError: a shape of the row's is not "WxH".
    """
    width, height = _size(request.shape, model)
    body = given(
        prompt=request.prompt, width=width, height=height, seed=request.seed, output_format=request.output_format
    )
    url = f"{model.base_url.rstrip('/')}/v1/{model.row.vendor_model}"
    return json_request(url, {"x-key": model.api_key}, body | model.row.extra)


def follow(response: httpx.Response, model: ReadyModel) -> httpx.Request | None:
    """The next poll, while the order is neither done nor refused.

    Raises:
        UpstreamError: the order's polling address is not the vendor's: the key does not go there, and the picture,
            drawn and billed, stays where it is.
    """
    if _answers_poll(response):
        return _poll(response.request.url, model) if _goes_on(response) else None
    address = text_at(object_or_empty(response), "polling_url") if response.is_success else None
    return None if address is None else _poll(_checked(address, response, model), model)


def read(response: httpx.Response) -> list[DrawnImage]:
    """The link to the picture.

    Raises:
        ContentPolicyError: the prompt is refused (never billed: nothing was begun), or the picture is.
        UpstreamError: the order is done, and there is no link; billed "yes". Or it failed, or the last poll's answer
            cannot be read; billed "unknown".
        ProviderError: the order itself was refused, by its status.
    """
    if _answers_poll(response) and not response.is_success:
        raise broken_answer(response, PROVIDER, f"its poll answered {response.status_code}")
    if not response.is_success:
        raise _refusal(response)
    body = json_object(response, PROVIDER)
    link = text_at(object_at(body, "result"), "sample")
    if text_at(body, "status") == _READY and link is not None:
        return [DrawnImage(url=link)]
    raise _nothing(body, response)


def usage(response: httpx.Response) -> Usage | None:
    """The vendor's own bill: `cost` is in credits, and stands in the answer to the order, at times in a poll's too."""
    credits_ = amount_at(object_or_empty(response), "cost") if response.is_success else None
    return None if credits_ is None else Usage(usd=round(credits_ * USD_A_CREDIT, 6))


def _size(shape: str, model: ReadyModel) -> tuple[int, int]:
    """Width and height in pixels."""
    if (found := _SHAPE.fullmatch(shape)) is None:
        raise CatalogError(
            f"models.{model.row.name}.shapes: {shape!r} is not written like '1024x1024', as bfl_flux needs"
        )
    return int(found[1]), int(found[2])


def _answers_poll(response: httpx.Response) -> bool:
    try:
        return response.request.method == "GET"
    except RuntimeError:  # httpx: an answer that nobody asked for
        return False


def _goes_on(response: httpx.Response) -> bool:
    """Whether a poll's answer is none yet: pending, in a state we have not heard of, or the poll itself failed."""
    if not response.is_success:
        return response.status_code == httpx.codes.TOO_MANY_REQUESTS or response.is_server_error
    status = text_at(object_or_empty(response), "status")
    return status is not None and status not in _ENDED


def _poll(url: httpx.URL, model: ReadyModel) -> httpx.Request:
    headers = {"accept": "application/json", "user-agent": USER_AGENT, "x-key": model.api_key}
    return httpx.Request("GET", url, headers=headers)


def _checked(address: str, response: httpx.Response, model: ReadyModel) -> httpx.URL:
    try:
        url = httpx.URL(address)
    except (httpx.InvalidURL, ValueError) as error:
        raise broken_answer(response, PROVIDER, "its polling address cannot be read") from error
    if not _is_ours(url, httpx.URL(model.base_url)):
        raise broken_answer(response, PROVIDER, "its polling address is on a host that does not get our key")
    return url


def _is_ours(url: httpx.URL, base: httpx.URL) -> bool:
    """Whether the key may go to `url`: the vendor over https, or the very origin that orders are sent to."""
    if url.userinfo:
        return False
    if (url.scheme, _host(url), url.port) == (base.scheme, _host(base), base.port):
        return True
    listed = _host(url) == HOST or _host(url).endswith(f".{HOST}")
    return listed and url.scheme == "https" and url.port in (None, _HTTPS)


def _host(url: httpx.URL) -> str:
    # raw_host is the IDNA spelling in lower case: look-alike letters cannot pass for the vendor's name.
    return url.raw_host.decode("ascii").lower()


def _nothing(body: dict[str, Any], response: httpx.Response) -> ProviderError:
    status = text_at(body, "status")
    if status == _BLOCKED_BEFORE:
        return content_block(response, PROVIDER, "request_moderated")
    if status == _BLOCKED_AFTER:
        return content_block(response, PROVIDER, "content_moderated", billed="unknown")
    if status == _READY:
        return _linkless(response)
    what = f"the order ended as {status!r}" if status in _FAILED else "its answer has no status that we know"
    return broken_answer(response, PROVIDER, what)


def _linkless(response: httpx.Response) -> UpstreamError:
    """No empty reply, which would be ordered again: the vendor has drawn this one, and charges for it."""
    message = f"{PROVIDER}: the order is done, and its answer has no link to the picture; another one is billed again"
    return UpstreamError(message, provider=PROVIDER, billed="yes", upstream_status=response.status_code)


def _refusal(response: httpx.Response) -> ProviderError:
    """422 names the field at fault as the last part of a path: `{"detail": [{"loc": ["body", "width"], ...}]}`."""
    details = objects_at(object_or_empty(response), "detail")
    paths = [detail["loc"] for detail in details if isinstance(detail.get("loc"), list) and detail["loc"]]
    param = code_at({"loc": paths[0][-1]}, "loc") if paths else None
    return refusal(response, PROVIDER, Complaint(param=param))
