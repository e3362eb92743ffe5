"""Small real pictures in every kind that an image model may send, written by Pillow."""

from __future__ import annotations

import io
import random
from functools import cache
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

WIDTH, HEIGHT = 23, 17
_EXIF = Image.Exif()
_EXIF[0x010E] = "a description"


def _noise(mode: str, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Image.Image:
    pixels = random.Random(7).randbytes(size[0] * size[1] * 4)
    return Image.frombytes("RGBA", size, pixels).convert(mode)


def written(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The file that Pillow writes."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@cache
def pngs() -> dict[str, bytes]:
    """PNG in its colour types, with text, and animated."""
    text = PngInfo()
    text.add_text("Comment", "x" * 300)
    text.add_itxt("parameters", "a prompt", zip=True)
    frames = [_noise("RGB").rotate(turn) for turn in (0, 90, 180)]
    samples = {f"png {mode}": written(_noise(mode), "PNG") for mode in ("1", "L", "LA", "P", "RGB", "RGBA")}
    return samples | {
        "png 16 bit": written(Image.new("I;16", (WIDTH, HEIGHT), 40000), "PNG"),
        "png with text": written(_noise("RGB"), "PNG", pnginfo=text, exif=_EXIF, icc_profile=b"profile" * 9),
        "png animated": written(frames[0], "PNG", save_all=True, append_images=frames[1:], default_image=True),
    }


@cache
def jpegs() -> dict[str, bytes]:
    """JPEG in its colour modes and codings; with Exif, a comment and a colour profile; with restarts."""
    colour = _noise("RGB")
    samples = {f"jpeg {mode}": written(_noise(mode), "JPEG") for mode in ("L", "RGB", "CMYK")}
    return samples | {
        "jpeg progressive": written(colour, "JPEG", progressive=True, quality=95),
        "jpeg with extras": written(colour, "JPEG", exif=_EXIF, comment=b"\xff\xd9", icc_profile=b"p" * 70),
        "jpeg with restarts": written(colour, "JPEG", restart_marker_blocks=1, quality=100, subsampling=0),
    }


@cache
def webps() -> dict[str, bytes]:
    """WebP lossy and lossless, each with and without transparency; with Exif; animated."""
    frames = [_noise("RGB").rotate(turn) for turn in (0, 90, 180)]
    return {
        "webp lossy": written(_noise("RGB"), "WEBP"),
        "webp lossless": written(_noise("RGB"), "WEBP", lossless=True),
        "webp lossy with alpha": written(_noise("RGBA"), "WEBP"),
        "webp lossless with alpha": written(_noise("RGBA"), "WEBP", lossless=True),
        "webp with exif": written(_noise("RGB"), "WEBP", exif=_EXIF),
        "webp animated": written(frames[0], "WEBP", save_all=True, append_images=frames[1:]),
    }


def samples() -> dict[str, bytes]:
    """All of them by name; the name begins with the format."""
    return pngs() | jpegs() | webps()
