"""Every error leaves in OpenAI's envelope `{"error": {"message", "type", "param", "code"}}`, whoever raised it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from serve.errors import InvalidRequestError, NotAuthenticatedError, NotFoundError, ServiceError
from serve.schemas import ErrorDetail, ErrorEnvelope, Routing

_NOT_AN_OBJECT = "the body must be a JSON object, sent with content-type: application/json"
_SERVER_ERROR = 500
_CODES = {"missing": "missing_required_parameter", "extra_forbidden": "unknown_parameter"}


def answer(error: ServiceError, routing: Routing | None = None) -> JSONResponse:
    """The response for one of our own errors, with the decision beside it where there is one."""
    detail = ErrorDetail(message=str(error), type=error.type, param=error.param, code=error.code)
    headers = dict(error.headers)
    if isinstance(error, NotAuthenticatedError):
        headers["www-authenticate"] = "Bearer"
    content = ErrorEnvelope(error=detail, routing=routing).model_dump(mode="json")
    return JSONResponse(content, error.status, headers)


def answer_crash() -> JSONResponse:
    """The response for an exception nobody expected: nothing of it reaches the caller."""
    return answer(ServiceError("something went wrong here; the log has it under this answer's x-request-id"))


def install_error_handlers(app: FastAPI) -> None:
    """Replace FastAPI's own error bodies."""
    app.add_exception_handler(ServiceError, _on_service_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_body)
    app.add_exception_handler(HTTPException, _on_http_exception)


async def _on_service_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, ServiceError):
        raise error
    return answer(error)


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
    param = ".".join(path)
    return InvalidRequestError(f"{param}: {problem['msg']}", param=param, code=_CODES.get(problem["type"]))


def _by_status(status: int) -> ServiceError:
    if status == NotFoundError.status:
        return NotFoundError("no such path; see /docs")
    if status == 405:
        return InvalidRequestError("this path does not take this method; see /docs", code="method_not_allowed")
    if status >= _SERVER_ERROR:
        return ServiceError("something went wrong here")
    return InvalidRequestError("the request cannot be read", code="invalid_json")
