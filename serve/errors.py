"""Every error the service answers with, by cause.

ServiceError                     status, type, code: OpenAI's envelope
  CatalogError                   catalog.toml or routes.toml is wrong (start-up)
  SettingsError                  settings that cannot be served safely (start-up)
  InvalidRequestError            the caller's request, before any model was asked (400)
  NotAuthenticatedError          our own key is missing or wrong (401)
  ForbiddenError                 wrong Host or foreign Origin (403)
  NotFoundError                  no such image or model (404)
  PayloadTooLargeError           body over the limit (413)
  NotReadyError                  no classifier or no provider to answer with (503)
  ShuttingDownError              the service closes: no call that was to come is made (503)
  OverloadedError                too many requests here at once: shed before any model was asked (429)
  DeadlineError                  the caller's time is up (504)
  BudgetError                    no model can answer for what the caller would pay (400)
  CircuitOpenError               the model has failed too often and rests (503)
  ConflictError                  an equal request is still being answered (409)
  IdempotencyMismatchError       the idempotency key belongs to another request (422)
  StoreError                     the database cannot be used (500, or at start-up)
  ProviderError                  a vendor's answer; one class per kind
    ContentPolicyError           the vendor refuses the prompt or the picture
    ProviderInvalidRequestError  the vendor refuses a parameter
    ModelGoneError               the vendor's id no longer exists
    UpstreamAuthError            our key at the vendor is wrong
    UpstreamQuotaError           our account at the vendor is empty
    RateLimitedError             the vendor asks to wait
    UpstreamTimeoutError         no answer in time: whether it was billed is unknown
    UpstreamError                5xx, a broken body, a cut connection
    EmptyReplyError              200 without a picture

Each may have a `retry_after`: seconds until asking again may help. A provider error says four things the attempt loop
acts on: `retryable` (the same model may answer in a moment), `falls_back` (another model may answer this prompt),
`retry_after` (if the vendor said), `billed`.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from classifier.errors import PromptIntentError

Billed = Literal["yes", "no", "unknown"]


class ServiceError(PromptIntentError):
    """Base of all; `str(error)` is safe to show to a caller and says what to do."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"
    code: str = "internal_error"
    worth_repeating: ClassVar[bool] = True  # False tells the caller's SDK not to send the request again on its own

    def __init__(
        self, message: str, *, param: str | None = None, code: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.param = param
        self.retry_after = retry_after
        if code is not None:
            self.code = code

    @property
    def headers(self) -> dict[str, str]:
        """Extra response headers: that it is not worth repeating, which OpenAI's clients obey before their own rules,
        or else the wait, if it is known, in whole seconds and never shorter than it is.
        """
        if not self.worth_repeating:
            return {"x-should-retry": "false"}
        return {} if self.retry_after is None else {"retry-after": str(max(0, math.ceil(self.retry_after)))}


class CatalogError(ServiceError):
    """The catalogue or the routes cannot be served as they are; names the file and the key."""

    code = "catalog_error"


class SettingsError(ServiceError):
    """The settings contradict each other or are unsafe; names the variable."""

    code = "settings_error"


class InvalidRequestError(ServiceError):
    """The request cannot be understood or honoured; `param` names the field."""

    status = 400
    type = "invalid_request_error"
    code = "invalid_value"


class NotAuthenticatedError(ServiceError):
    """This service's own API key is missing or wrong."""

    status = 401
    type = "invalid_request_error"
    code = "invalid_api_key"


class ForbiddenError(ServiceError):
    """A Host we do not answer to, or a page of another origin."""

    status = 403
    type = "invalid_request_error"
    code = "forbidden"


class NotFoundError(ServiceError):
    """No such thing here."""

    status = 404
    type = "invalid_request_error"
    code = "not_found"


class PayloadTooLargeError(ServiceError):
    """The request body is over the limit."""

    status = 413
    type = "invalid_request_error"
    code = "payload_too_large"


class NotReadyError(ServiceError):
    """Nothing to answer with yet; the message says what is missing."""

    status = 503
    code = "not_ready"


class ShuttingDownError(ServiceError):
    """The service closes, and what it has not asked of vendors by then it does not ask. Its next process answers."""

    status = 503
    code = "shutting_down"


class OverloadedError(ServiceError):
    """No room for this request now; nothing was asked of any vendor. `retry_after` is in seconds."""

    status = 429
    type = "rate_limit_error"
    code = "overloaded"


class DeadlineError(ServiceError):
    """The caller's `deadline_ms` has passed. What was asked of vendors until then is in the answer's attempts."""

    status = 504
    code = "deadline_exceeded"
    worth_repeating = False  # with the same deadline it would only be paid for again


class BudgetError(ServiceError):
    """Every model that could answer costs more than the caller allows; the message names the cheapest."""

    status = 400
    type = "invalid_request_error"
    code = "over_budget"

    def __init__(self, message: str, *, param: str | None = "max_cost") -> None:
        super().__init__(message, param=param)


class CircuitOpenError(ServiceError):
    """The model has failed too often and is left alone, for `retry_after` seconds; nothing was asked of it."""

    status = 503
    code = "circuit_open"


class ConflictError(ServiceError):
    """The first request with this idempotency key is not answered yet. Asking again with the same key is safe."""

    status = 409
    type = "invalid_request_error"
    code = "request_in_progress"


class IdempotencyMismatchError(ServiceError):
    """This idempotency key was used for another body: repeat that body, or send another key."""

    status = 422
    type = "invalid_request_error"
    code = "idempotency_mismatch"


class StoreError(ServiceError):
    """The database cannot be opened, read or written; the message says what to do."""

    code = "storage_error"


class ProviderError(ServiceError):
    """A vendor did not give a picture. Subclasses are the kinds; the vendor's own words reach no caller."""

    status = 502
    code = "upstream_error"
    kind: ClassVar[str] = "upstream_error"
    retryable: ClassVar[bool] = False
    falls_back: ClassVar[bool] = True

    def __init__(
        self,
        message: str,
        *,
        provider: str,
        retry_after: float | None = None,
        billed: Billed = "no",
        upstream_status: int | None = None,
        param: str | None = None,
    ) -> None:
        super().__init__(message, param=param, retry_after=retry_after)
        self.provider = provider
        self.billed = billed
        self.upstream_status = upstream_status


class ContentPolicyError(ProviderError):
    """The vendor blocks this prompt or its picture. Same prompt, same verdict: no retry, no other model."""

    status = 400
    type = "image_generation_user_error"
    code = "moderation_blocked"
    kind = "content_policy"
    falls_back = False


class ProviderInvalidRequestError(ProviderError):
    """The vendor refuses a parameter of this request."""

    status = 400
    type = "invalid_request_error"
    code = "invalid_value"
    kind = "invalid_request"
    falls_back = False


class ModelGoneError(ProviderError):
    """The vendor no longer has this model."""

    status = 404
    type = "invalid_request_error"
    code = "model_not_found"
    kind = "model_gone"


class UpstreamAuthError(ProviderError):
    """The vendor refuses our key. Never a 401 to our caller: that would speak of the caller's key."""

    code = "upstream_auth_error"
    kind = "upstream_auth"


class UpstreamQuotaError(ProviderError):
    """Our account at the vendor has no credit left."""

    status = 503
    code = "upstream_quota_exhausted"
    kind = "upstream_quota"


class RateLimitedError(ProviderError):
    """The vendor asks us to slow down; `retry_after` is in seconds."""

    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"
    kind = "rate_limited"
    retryable = True


class UpstreamTimeoutError(ProviderError):
    """The request was sent and its answer is lost. It may have been drawn and billed: asking again may bill twice."""

    status = 504
    code = "upstream_timeout"
    kind = "upstream_timeout"
    falls_back = False
    worth_repeating = False


class UpstreamError(ProviderError):
    """The vendor failed: 5xx, a refusal of its own making, an unreadable body, or no connection."""

    kind = "upstream_error"
    retryable = True


class EmptyReplyError(ProviderError):
    """The vendor said 200 and sent no picture."""

    code = "empty_reply"
    kind = "empty_reply"
    retryable = True
