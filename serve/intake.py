"""From a caller's body to what is asked: the limits, and the wishes that contradict each other."""

from __future__ import annotations

from fractions import Fraction

from serve.errors import InvalidRequestError
from serve.image_request import ImageRequest
from serve.job import Job
from serve.schemas import ClassifyBody, GenerateBody
from serve.settings import Settings

AUTO = "auto"
# What vendors draw for "16:9" runs from 1792x1024 to 1408x768, 3 % off; the closest two ratios are 6 % apart.
_SAME_SHAPE = Fraction(4, 100)
# An explanation encodes up to sixty variants of its prompt: some seconds at the most.
_MAX_EXPLAINED = 8
_MAX_EXPLAINED_CHARS = 4_000


def read_prompts(body: ClassifyBody, settings: Settings) -> list[str]:
    """The prompts to classify, in order.

    Raises:
        InvalidRequestError: none or both of the fields, too many prompts, or one that is blank or too long.
    """
    if (body.prompt is None) == (body.prompts is None):
        raise InvalidRequestError('give exactly one of "prompt" and "prompts"', param="prompt")
    if body.prompt is not None:
        return [_explicable(_checked(body.prompt, "prompt", settings), "prompt", body)]
    prompts = body.prompts or []
    if len(prompts) > settings.max_batch:
        raise InvalidRequestError(f"at most {settings.max_batch} prompts a call, not {len(prompts)}", param="prompts")
    if body.explain and len(prompts) > _MAX_EXPLAINED:
        raise InvalidRequestError(
            f"at most {_MAX_EXPLAINED} prompts a call can be explained, not {len(prompts)}", param="prompts"
        )
    named = [(prompt, f"prompts.{index}") for index, prompt in enumerate(prompts)]
    return [_explicable(_checked(prompt, name, settings), name, body) for prompt, name in named]


def _explicable(prompt: str, param: str, body: ClassifyBody) -> str:
    if body.explain and len(prompt) > _MAX_EXPLAINED_CHARS:
        raise InvalidRequestError(
            f"a prompt of at most {_MAX_EXPLAINED_CHARS} characters can be explained, this one has {len(prompt)}",
            param=param,
        )
    return prompt


def read_job(body: GenerateBody, settings: Settings, warnings: tuple[str, ...] = ()) -> Job:
    """The job that a body asks for, with what there is to say of it already.

    Raises:
        InvalidRequestError: a text or `n` over its limit, a blank prompt, or wishes that contradict each other.
    """
    size, ratio = read_shape(body.size, body.aspect_ratio)
    if body.background == "transparent" and body.output_format == "jpeg":
        raise InvalidRequestError("a jpeg cannot be transparent: ask for png or webp", param="background")
    request = ImageRequest(
        prompt=_checked(body.prompt, "prompt", settings),
        n=_count(body.n, settings),
        # A size says more than its ratio does.
        aspect_ratio=None if size else ratio,
        size=size,
        quality=body.quality or "auto",
        seed=body.seed,
        negative_prompt=_short(body.negative_prompt or "", "negative_prompt", settings) or None,
        output_format=body.output_format,
        user=body.user,
        background=None if body.background == "auto" else body.background,
    )
    return Job(request, model=_asked(body.model), intent=body.intent, wishes=body.wishes(), warnings=warnings)


def read_shape(size: str | None, ratio: str | None) -> tuple[str | None, str | None]:
    """Size and aspect ratio as they are asked for; "auto" asks for nothing.

    Raises:
        InvalidRequestError: they disagree.
    """
    size, ratio = _asked(size), _asked(ratio)
    if size and ratio and not _agree(size, ratio):
        raise InvalidRequestError(f"size {size} is not {ratio}: give one of them", param="aspect_ratio")
    return size, ratio


def _asked(wish: str | None) -> str | None:
    return None if wish == AUTO else wish


def _count(n: int | None, settings: Settings) -> int:
    if n is not None and n > settings.max_n:
        raise InvalidRequestError(f"at most {settings.max_n} pictures a request", param="n")
    return n or 1


def _checked(prompt: str, param: str, settings: Settings) -> str:
    if not prompt.strip():
        raise InvalidRequestError("the prompt is blank", param=param)
    return _short(prompt, param, settings)


def _short(text: str, param: str, settings: Settings) -> str:
    if len(text) > settings.max_prompt_chars:
        raise InvalidRequestError(f"at most {settings.max_prompt_chars} characters, not {len(text)}", param=param)
    return text


def _agree(size: str, ratio: str) -> bool:
    drawn, asked = (Fraction(*map(int, text.split(mark))) for text, mark in ((size, "x"), (ratio, ":")))
    return abs(drawn / asked - 1) < _SAME_SHAPE
