"""Why bytes are not taken for a picture. It stays among the picture modules, who tell it as a provider's error."""

from __future__ import annotations

from typing import Literal

from classifier.errors import PromptIntentError

Cause = Literal["not_a_picture", "damaged", "truncated", "too_many_pixels", "too_many_bytes", "contradiction"]


class PictureFlawError(PromptIntentError):
    """The first thing wrong with a picture: `cause` for programs, the message as the end of "its picture ..."."""

    def __init__(self, cause: Cause, what: str) -> None:
        super().__init__(what)
        self.cause = cause


def damaged(what: str) -> PictureFlawError:
    """The flaw of a picture that begins as one and breaks its format's rules further on."""
    return PictureFlawError("damaged", f"is damaged: {what}")
