"""Ideogram's ratios and resolutions, in pixels."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

# About one megapixel each, with exact ratios.
RATIOS = {
    "1x1": (1024, 1024),
    "3x2": (1248, 832),
    "2x3": (832, 1248),
    "4x3": (1152, 864),
    "3x4": (864, 1152),
    "5x4": (1120, 896),
    "4x5": (896, 1120),
    "16x9": (1280, 720),
    "9x16": (720, 1280),
    "16x10": (1280, 800),
    "10x16": (800, 1280),
    "2x1": (1440, 720),
    "1x2": (720, 1440),
    "3x1": (1776, 592),
    "1x3": (592, 1776),
}
LEGACY_RATIOS = ("1x1", "3x2", "2x3", "4x3", "3x4", "16x9", "9x16", "16x10", "10x16", "3x1", "1x3")

_SHARED = """
512x1536 576x1408 576x1472 576x1536 640x1344 640x1408 640x1472 640x1536 704x1152 704x1216 704x1280 704x1344 704x1408
704x1472 736x1312 768x1088 768x1216 768x1280 768x1344 832x960 832x1024 832x1088 832x1152 832x1216 832x1248 864x1152
896x960 896x1024 896x1088 896x1120 896x1152 960x832 960x896 960x1024 960x1088 1024x832 1024x896 1024x960 1024x1024
1088x768 1088x832 1088x896 1088x960 1120x896 1152x704 1152x832 1152x864 1152x896 1216x704 1216x768 1216x832 1248x832
1280x704 1280x768 1280x800 1312x736 1344x640 1344x704 1344x768 1408x576 1408x640 1408x704 1472x576 1472x640 1472x704
1536x512 1536x576 1536x640
"""
_ONLY_2 = "640x1024 720x1280 768x1024 768x1152 768x1232 1024x640 1024x768 1152x768 1232x768 1280x720"
_ONLY_3 = "800x1280"
# Of 4 and 4.5, which stand on their own: a megapixel, and four.
_SMALL = """
1024x1024 896x1120 1120x896 864x1152 1152x864 832x1248 1248x832 800x1280 1280x800 720x1280 1280x720 720x1440 1440x720
"""
_LARGE = """
2048x2048 1440x2880 2880x1440 1664x2496 2496x1664 1792x2240 2240x1792 1440x2560 2560x1440 1600x2560 2560x1600 1728x2304
2304x1728 1296x3168 3168x1296 1152x2944 2944x1152 1248x3328 3328x1248 1280x3072 3072x1280 1024x3072 3072x1024
"""
_ONLY_4 = "512x1536 1536x512"


def _pixels(names: Iterable[str]) -> dict[str, tuple[int, int]]:
    return {name: (int(name.split("x")[0]), int(name.split("x")[1])) for name in names}


RESOLUTIONS_2 = _pixels(f"{_SHARED} {_ONLY_2}".split())
RESOLUTIONS_3 = _pixels(f"{_SHARED} {_ONLY_3}".split())
RESOLUTIONS_4 = _pixels(f"{_SMALL} {_LARGE} {_ONLY_4}".split())
SIZES_4_5 = _pixels(f"{_SMALL} {_LARGE}".split())


def legacy(prefix: str, name: str) -> str:
    """A ratio or resolution in the legacy spelling: `16x9` is `ASPECT_16_9`."""
    return f"{prefix}_{name.replace('x', '_')}"


def seed_of(prompt: str) -> int:
    """The seed the vendor draws with when it is given none; here the same for the same prompt."""
    return zlib.crc32(prompt.encode()) & 0x7FFFFFFF
