"""Text as large as fits a box: wraps at words, and inside a word where it must. Needs no font file but Pillow's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

from PIL import ImageDraw, ImageFont

_MEASURED_AT = 100
_SMALLEST = 10
_LEADING = 1.2

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@lru_cache(maxsize=128)
def font_of(size: int) -> Font:
    """Pillow's built-in font at `size` pixels. Kept, because each load unpacks the font again."""
    return ImageFont.load_default(size=size)


@dataclass(frozen=True, slots=True)
class Lettering:
    """Lines of text and the font size, in pixels, at which they fit their box."""

    lines: tuple[str, ...]
    size: int

    @property
    def line_height(self) -> int:
        """Pixels from one line to the next."""
        return round(self.size * _LEADING)

    @property
    def height(self) -> int:
        """Pixels that all lines take."""
        return self.line_height * len(self.lines)

    def draw(self, pen: ImageDraw.ImageDraw, centre: tuple[int, int], colour: str, *, weight: int = 0) -> None:
        """Draw the lines centred on `centre`; `weight` thickens the strokes by so many pixels."""
        x, top = centre[0], centre[1] - self.height // 2
        for number, line in enumerate(self.lines):
            spot = (x, top + self.line_height * number + self.line_height // 2)
            pen.text(
                spot, line, font=font_of(self.size), fill=colour, anchor="mm", stroke_width=weight, stroke_fill=colour
            )


def fitted(text: str, width: int, height: int, largest: int) -> Lettering:
    """`text` wrapped at the largest size up to `largest` that fits the box of pixels; too much text loses its end."""
    for size in _sizes(largest):
        lines = _wrapped(text, width, size, inside_words=False)
        if lines is not None and len(lines) * size * _LEADING <= height:
            return Lettering(tuple(lines), size)
    lines = _wrapped(text, width, _SMALLEST, inside_words=True) or [""]
    room = max(1, int(height / (_SMALLEST * _LEADING)))
    return Lettering(tuple(lines[:room]), _SMALLEST)


def one_line(text: str, width: int, size: int) -> Lettering:
    """`text` on one line of `size` pixels, shortened with an ellipsis to `width` pixels."""
    if _width(text, size) > width:
        widths = ((end, _width(text[:end] + "…", size)) for end in range(1, len(text)))
        last = max((end for end, _ in takewhile(lambda pair: pair[1] <= width, widths)), default=0)
        text = text[:last].rstrip() + "…"
    return Lettering((text,), size)


def _sizes(largest: int) -> Iterator[int]:
    size = float(max(largest, _SMALLEST))
    while size >= _SMALLEST:
        yield int(size)
        size *= 0.9


def _width(text: str, size: int) -> float:
    # Measured once at one size and scaled: loading a font for each try costs more than the rounding is worth.
    return font_of(_MEASURED_AT).getlength(text) * size / _MEASURED_AT


def _wrapped(text: str, width: int, size: int, *, inside_words: bool) -> list[str] | None:
    """The lines of `text` at `size`, or None where a word is too wide and may not be broken."""
    lines: list[str] = []
    for paragraph in text.splitlines():
        line = ""
        for word in _pieces(paragraph, width, size) if inside_words else paragraph.split():
            if _width(word, size) > width and not inside_words:
                return None
            joined = f"{line} {word}".strip()
            if line and _width(joined, size) > width:
                lines.append(line)
                joined = word
            line = joined
        lines.append(line)
    return lines


def _pieces(paragraph: str, width: int, size: int) -> Iterator[str]:
    letters = max(1, int(width / max(1.0, _width("W", size))))
    for word in paragraph.split():
        yield from (word[at : at + letters] for at in range(0, len(word), letters))
