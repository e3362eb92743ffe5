"""The drawn pictures: size, format, and that the same sketch gives the same bytes."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image

from serve.sandbox.canvas import Format, Sketch, draw

SKETCH = Sketch("V_2A", "banner: SALE 50% OFF, bold orange letters", 512, 384, legible=True)


def opened(data: bytes) -> Image.Image:
    """The decoded picture."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("size", [(1024, 1024), (1408, 768), (592, 1776), (384, 3072)])
def test_a_picture_has_the_asked_size_and_format(form: Format, size: tuple[int, int]) -> None:
    """Width, height and container are exactly the sketch's."""
    image = opened(draw(replace(SKETCH, width=size[0], height=size[1], format=form)))
    assert (image.size, image.format) == (size, form.upper())


def test_the_same_sketch_gives_the_same_bytes() -> None:
    """Drawing is a function of the sketch and the sandbox's seed."""
    assert draw(SKETCH, 3) == draw(SKETCH, 3)


@pytest.mark.parametrize(
    "other",
    [
        replace(SKETCH, prompt="banner: SALE 40% OFF"),
        replace(SKETCH, index=1),
        replace(SKETCH, seed=7),
        replace(SKETCH, model="V_2"),
        replace(SKETCH, legible=False),
    ],
)
def test_another_sketch_gives_other_bytes(other: Sketch) -> None:
    """Prompt, place among several, wire seed, model and spelling all show."""
    assert draw(other) != draw(SKETCH)


def test_another_sandbox_seed_gives_other_bytes() -> None:
    """The sandbox's own seed shows as well."""
    assert draw(SKETCH, 1) != draw(SKETCH, 2)


def test_a_transparent_ground_is_transparent() -> None:
    """A picture without ground has an alpha channel with clear pixels in it."""
    image = opened(draw(replace(SKETCH, prompt="a red cube", transparent=True)))
    assert image.getchannel("A").getextrema() == (0, 255)


@pytest.mark.parametrize(
    "prompt",
    ["", "“" * 32_000, '"' + "W" * 4000 + '"', '"' + "many words " * 500 + '"', "说“你好”\x00\n\t", '"a\u2028b"'],
)
def test_any_prompt_can_be_drawn(prompt: str) -> None:
    """No prompt, however long or odd, breaks the drawing."""
    assert opened(draw(replace(SKETCH, prompt=prompt))).size == (512, 384)
