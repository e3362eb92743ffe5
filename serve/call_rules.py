"""What the operator allows of calls: how often, for how long, and after which errors anybody is asked again."""

from __future__ import annotations

from dataclasses import dataclass

from serve.errors import (
    ContentPolicyError,
    DeadlineError,
    EmptyReplyError,
    ProviderError,
    ServiceError,
    ShuttingDownError,
    StoreError,
    UpstreamTimeoutError,
)
from serve.retry import RetryRule


@dataclass(frozen=True, slots=True)
class CallRules:
    """What the operator allows.

    Attributes:
        retry: how often and how late the same model is asked again.
        patience: seconds that one exchange with a vendor may take.
        deadline: seconds for a whole request whose caller names none.
        rebill: whether a request whose outcome is unknown may be drawn, and billed, again.
        fallback_on_block: whether a prompt that one vendor blocks may be shown to the next, also where the block is
            billed.
    """

    retry: RetryRule
    patience: float
    deadline: float
    rebill: bool = False
    fallback_on_block: bool = False

    def may_go_on(self, error: ServiceError) -> bool:
        """Whether the next candidate may be asked after this error."""
        if not isinstance(error, ProviderError):
            # Nobody was asked. The next one may cost less, or be less busy. Time, disk and our end are one for all.
            return not isinstance(error, DeadlineError | StoreError | ShuttingDownError)
        if isinstance(error, ContentPolicyError):
            return self.fallback_on_block
        if is_spent(error):
            return self.rebill and (error.falls_back or isinstance(error, UpstreamTimeoutError))
        return error.falls_back

    def may_retry(self, error: ProviderError) -> bool:
        """Whether the same model may be asked again after this error."""
        if is_spent(error):
            return self.rebill and (error.retryable or isinstance(error, UpstreamTimeoutError))
        return error.retryable


def is_spent(error: ServiceError) -> bool:
    """Whether the picture may have been drawn and billed, so that another call may pay for it twice."""
    if not isinstance(error, ProviderError):
        return isinstance(error, StoreError)
    # A success without a picture has drawn none: at worst the try is paid for, and users want another one.
    return error.billed != "no" and not isinstance(error, EmptyReplyError)
