"""How large a picture may be. Pixels count because whoever decodes the picture has to hold them all."""

from __future__ import annotations

from dataclasses import dataclass

from serve.picture_format.flaw import PictureFlawError, damaged

# Chunks or segments in one file. Encoders write parts of some KiB; a file of empty ones would only cost time.
MAX_PARTS = 1 << 14


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """Inclusive limits: `max_bytes` of the whole file (50 MiB), `max_pixels` as width times height (64 megapixels)."""

    max_bytes: int = 50 << 20
    max_pixels: int = 64_000_000

    def check_bytes(self, count: int) -> None:
        """Compare a length, declared or come so far.

        Raises:
            PictureFlawError: cause "too_many_bytes".
        """
        if count > self.max_bytes:
            raise PictureFlawError("too_many_bytes", f"is over the limit of {self.max_bytes} bytes")

    def check_size(self, width: int, height: int) -> None:
        """Compare a declared size in pixels.

        Raises:
            PictureFlawError: cause "too_many_pixels", or "damaged" where a side is 0.
        """
        if width == 0 or height == 0:
            raise damaged("it declares a side of no pixels")
        if width * height > self.max_pixels:
            what = f"of {width}x{height} is over the limit of {self.max_pixels} pixels"
            raise PictureFlawError("too_many_pixels", what)
