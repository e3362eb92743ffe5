"""Every error leaves in OpenAI's envelope `{"error": {"message", "type", "param", "code"}}`, whoever raised it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from serve.answers import NO_REPEAT
from serve.errors import InvalidRequestError, NotAuthenticatedError, NotFoundError, ServiceError
from serve.schemas import ErrorDetail, ErrorEnvelope

_NOT_AN_OBJECT = "the body must be a JSON object, sent with content-type: application/json"
_SERVER_ERROR = 500
_LONGEST_PARAM = 100
_CODES = {"missing": "missing_required_parameter", "extra_forbidden": "unknown_parameter"}


def envelope(error: ServiceError) -> ErrorEnvelope:
    """One of our own errors as callers see it."""
    return ErrorEnvelope(error=ErrorDetail(message=str(error), type=error.type, param=error.param, code=error.code))


def answer(error: ServiceError) -> JSONResponse:
    """The response for one of our own errors."""
    headers = dict(error.headers)
    if isinstance(error, NotAuthenticatedError):
        headers["www-authenticate"] = "Bearer"
    return JSONResponse(envelope(error).model_dump(mode="json"), error.status, headers)


def crash() -> ServiceError:
    """What callers are told of an exception nobody expected: nothing of it reaches them."""
    return ServiceError(
        "something went wrong here, and a picture that was asked for may have been billed; "
        "the log has it under this answer's x-request-id"
    )


def answer_crash() -> JSONResponse:
    """The response for an exception nobody expected. Nobody knows what was done before it: it is not to be repeated."""
    response = answer(crash())
    response.headers.update(NO_REPEAT)
    return response


def install_error_handlers(app: FastAPI) -> None:
    """Replace FastAPI's own error bodies."""
    app.add_exception_handler(ServiceError, _on_service_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_body)
    app.add_exception_handler(HTTPException, _on_http_exception)


async def _on_service_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, ServiceError):
        raise error
    response = answer(error)
    if getattr(request.state, "answered", False):
        # The pictures are drawn and paid for, and only telling of them failed.
        response.headers.update(NO_REPEAT)
    return response


async def _on_invalid_body(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    return answer(_invalid(error.errors()[0]))


async def _on_http_exception(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    response = answer(_by_status(error.status_code))
    response.status_code = error.status_code
    response.headers.update(error.headers or {})
    return response


def _invalid(problem: Mapping[str, Any]) -> InvalidRequestError:
    """What pydantic found first. Its message never repeats the input, which could be a prompt."""
    path = [str(part) for part in problem["loc"][1:]]
    if problem["type"] == "json_invalid":
        return InvalidRequestError("the body is not JSON", code="invalid_json")
    if not path:
        return InvalidRequestError(_NOT_AN_OBJECT, code="invalid_json")
    # A field that nobody knows has whatever name the caller sent.
    param = ".".join(path)[:_LONGEST_PARAM]
    told = "there is no such field; see /docs" if problem["type"] == "extra_forbidden" else problem["msg"]
    return InvalidRequestError(f"{param}: {told}", param=param, code=_CODES.get(problem["type"]))


def _by_status(status: int) -> ServiceError:
    if status == NotFoundError.status:
        return NotFoundError("no such path; see /docs")
    if status == 405:
        return InvalidRequestError("this path does not take this method; see /docs", code="method_not_allowed")
    if status >= _SERVER_ERROR:
        return ServiceError("something went wrong here")
    return InvalidRequestError("the request cannot be read", code="invalid_json")
