"""Draws the sandbox's pictures: a few flat shapes, the wanted words, a caption, and a band that says SANDBOX.

Flat shapes and the lightest compression on purpose: a 1024 x 1024 PNG takes a few hundredths of a second.
"""

from __future__ import annotations

import io
import random
from dataclasses import dataclass
from typing import Literal

from PIL import Image, ImageDraw

from serve.sandbox.lettering import fitted, one_line
from serve.sandbox.wording import garbled, wanted_words, without

Format = Literal["png", "jpeg", "webp"]

_LABEL = "SANDBOX"
_INK, _PAPER = "#14141c", "#ffffff"
_CLEAR = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Sketch:
    """One picture to draw. `width` and `height` are pixels, `quality` is 0 to 100 and ignored by PNG.

    `legible` is whether the model can spell; `index` is the picture's place among those of one request; `seed` is the
    wire's.
    """

    model: str
    prompt: str
    width: int
    height: int
    legible: bool
    index: int = 0
    seed: int | None = None
    format: Format = "png"
    quality: int = 90
    transparent: bool = False


def draw(sketch: Sketch, sandbox_seed: int = 0) -> bytes:
    """The picture's bytes, in exactly the asked format and size. The same sketch and seed give the same bytes."""
    # Repeatable on purpose: nothing here is a secret.
    dice = random.Random(f"{sandbox_seed}/{sketch.model}/{sketch.seed}/{sketch.index}/{sketch.prompt}")  # noqa: S311
    hue = dice.randrange(360)
    ground = _CLEAR if sketch.transparent else _colour(hue, 45, 82)
    image = Image.new("RGBA" if sketch.transparent else "RGB", (sketch.width, sketch.height), ground)
    pen = ImageDraw.Draw(image)
    _draw_shapes(pen, sketch, dice, hue)
    _draw_words(pen, sketch)
    _draw_bands(pen, sketch)
    return _encoded(image, sketch)


def _colour(hue: int, saturation: int, value: int) -> str:
    return f"hsv({hue % 360},{saturation}%,{value}%)"


def _draw_shapes(pen: ImageDraw.ImageDraw, sketch: Sketch, dice: random.Random, hue: int) -> None:
    width, height = sketch.width, sketch.height
    horizon = round(height * dice.uniform(0.5, 0.75))
    if not sketch.transparent:
        pen.rectangle((0, horizon, width, height), fill=_colour(hue + 25, 55, 62))
    for _ in range(dice.randint(4, 7)):
        x, y = dice.randrange(width), dice.randrange(height)
        reach = round(min(width, height) * dice.uniform(0.06, 0.24))
        colour = _colour(hue + dice.choice((30, 150, 180, 210)), dice.randint(35, 75), dice.randint(55, 95))
        _draw_shape(pen, dice.choice(("disc", "ring", "hill", "tile")), (x, y), reach, colour)


def _draw_shape(pen: ImageDraw.ImageDraw, kind: str, centre: tuple[int, int], reach: int, colour: str) -> None:
    x, y = centre
    box = (x - reach, y - reach, x + reach, y + reach)
    if kind == "disc":
        pen.ellipse(box, fill=colour)
    elif kind == "ring":
        pen.ellipse(box, outline=colour, width=max(4, reach // 5))
    elif kind == "hill":
        pen.polygon([(x - 2 * reach, y + reach), (x, y - reach), (x + 2 * reach, y + reach)], fill=colour)
    else:
        pen.rounded_rectangle(box, radius=reach // 4, fill=colour)


def _draw_words(pen: ImageDraw.ImageDraw, sketch: Sketch) -> None:
    words = wanted_words(sketch.prompt)
    if words is None:
        return
    words = words if sketch.legible else garbled(words)
    width, height = round(sketch.width * 0.84), round(sketch.height * 0.5)
    lettering = fitted(words, width, height, largest=min(sketch.width, sketch.height) // 4)
    middle = (sketch.width // 2, sketch.height // 2)
    margin = lettering.size // 3
    top = middle[1] - lettering.height // 2 - margin
    plate = (sketch.width * 0.04, top, sketch.width * 0.96, top + lettering.height + 2 * margin)
    pen.rounded_rectangle(plate, radius=margin, fill=_PAPER)
    lettering.draw(pen, middle, _INK, weight=max(1, lettering.size // 40))


def _draw_bands(pen: ImageDraw.ImageDraw, sketch: Sketch) -> None:
    band = max(32, min(sketch.width, sketch.height) // 14)
    middle = sketch.width // 2
    pen.rectangle((0, 0, sketch.width, band), fill=_INK)
    one_line(_LABEL, sketch.width, band * 2 // 3).draw(pen, (middle, band // 2), "#ffd84d", weight=1)
    pen.rectangle((0, sketch.height - band, sketch.width, sketch.height), fill=_INK)
    small = max(11, band * 2 // 5)
    caption = f"{sketch.model} · {without(sketch.prompt, wanted_words(sketch.prompt))}"
    one_line(caption, round(sketch.width * 0.96), small).draw(pen, (middle, sketch.height - band // 2), _PAPER)


def _encoded(image: Image.Image, sketch: Sketch) -> bytes:
    buffer = io.BytesIO()
    if sketch.format == "png":
        image.save(buffer, "PNG", compress_level=1)
    elif sketch.format == "webp":
        image.save(buffer, "WEBP", quality=sketch.quality, method=0)
    else:
        image.save(buffer, "JPEG", quality=max(1, min(95, sketch.quality)))
    return buffer.getvalue()
