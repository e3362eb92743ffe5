"""What is taken for a whole picture, what is not and why, however its bytes are cut into pieces."""

from __future__ import annotations

import random
import struct
import time
import zlib
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from serve.picture_format import (
    PictureCheck,
    PictureFacts,
    PictureFlawError,
    PictureLimits,
    check_picture,
    media_type_of,
)
from tests.serve.generation.sample_pictures import HEIGHT, WIDTH, jpegs, pngs, samples, webps, written

SAMPLES = samples()
MEDIA_TYPES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
SAMPLE = st.sampled_from(sorted(SAMPLES))
SEEDS = st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"\xff\xd8\xff\xda\x00\x02", *SAMPLES.values()])


def verdict(pieces: Iterable[bytes], **declared: str | int | None) -> PictureFacts | str:
    """The facts, or the cause of the refusal."""
    try:
        check = PictureCheck(**declared)  # type: ignore[arg-type]
        for piece in pieces:
            check.feed(piece)
        return check.end()
    except PictureFlawError as flaw:
        return flaw.cause


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_real_picture_is_measured(name: str) -> None:
    """Every kind that Pillow writes passes, with its type and size, in one piece and byte by byte."""
    data = SAMPLES[name]
    expected = PictureFacts(MEDIA_TYPES[name.split(maxsplit=1)[0]], WIDTH, HEIGHT)
    assert check_picture(data) == expected
    assert verdict(data[at : at + 1] for at in range(len(data))) == expected
    assert media_type_of(data[:16]) == expected.media_type


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_every_cut_off_picture_is_refused(name: str) -> None:
    """No beginning of a picture is a picture: each of them is cut off, or too short to tell what it would be."""
    data = SAMPLES[name]
    causes = {verdict([data[:count]]) for count in range(12, len(data))}
    assert causes == {"truncated"}
    assert {verdict([data[:count]]) for count in range(12)} <= {"truncated", "not_a_picture"}


@given(st.sampled_from(sorted(pngs())), st.integers(0), st.integers(0, 7))
def test_one_wrong_bit_in_a_png_is_noticed(name: str, at: int, bit: int) -> None:
    """Checksums cover all of it, so no damage passes."""
    data = bytearray(SAMPLES[name])
    data[at % len(data)] ^= 1 << bit
    assert isinstance(verdict([bytes(data)]), str)


@given(SEEDS, st.data())
def test_the_verdict_does_not_depend_on_the_pieces(seed: bytes, data: st.DataObject) -> None:
    """Damaged, cut and arbitrary bytes get one verdict, and never another error, however they arrive."""
    damaged = bytearray(seed + data.draw(st.binary(max_size=40)))
    for at in data.draw(st.lists(st.integers(0, max(0, len(damaged) - 1)), max_size=4)) if damaged else ():
        damaged[at] = data.draw(st.sampled_from([0, 1, 0x2F, 0xC0, 0xD8, 0xD9, 0xDA, 0xFF]))
    whole = bytes(damaged[: data.draw(st.integers(0, len(damaged)))])
    cuts = sorted({0, len(whole), *data.draw(st.lists(st.integers(0, len(whole)), max_size=9))})
    assert verdict(whole[start:end] for start, end in pairwise(cuts)) == verdict([whole])


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_no_picture(data: bytes) -> None:
    """Nothing passes by chance."""
    assert isinstance(verdict([data]), str)


@given(SAMPLE, st.binary(min_size=1, max_size=50))
def test_bytes_behind_the_end(name: str, tail: bytes) -> None:
    """Behind a PNG or JPEG they belong to nobody and stay; behind a WebP they contradict the length it states."""
    told = verdict([SAMPLES[name], tail])
    assert told == verdict([SAMPLES[name] + tail])
    assert told == ("contradiction" if name.startswith("webp") else check_picture(SAMPLES[name]))


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_the_limits_are_inclusive(name: str) -> None:
    """As many bytes and pixels as the limits say pass; one more does not, and the message says the limit."""
    data, pixels = SAMPLES[name], WIDTH * HEIGHT
    assert check_picture(data, PictureLimits(len(data), pixels)).width == WIDTH
    with pytest.raises(PictureFlawError, match=f"{pixels - 1} pixels") as refused:
        check_picture(data, PictureLimits(len(data), pixels - 1))
    assert refused.value.cause == "too_many_pixels"
    with pytest.raises(PictureFlawError, match=f"{len(data) - 1} bytes") as refused:
        check_picture(data, PictureLimits(len(data) - 1, pixels))
    assert refused.value.cause == "too_many_bytes"


def test_the_default_limits() -> None:
    """64 megapixels and 50 MiB."""
    assert PictureLimits() == PictureLimits(max_bytes=52_428_800, max_pixels=64_000_000)


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_too_large_a_picture_is_refused_at_its_header(name: str) -> None:
    """The size is read when it comes, not at the end: a small part of the file is enough to refuse it."""
    data = SAMPLES[name]
    check = PictureCheck(PictureLimits(max_pixels=1))
    with pytest.raises(PictureFlawError, match=f"{WIDTH}x{HEIGHT}"):
        check.feed(data[: data.index(b"\xff\xda") if name.startswith("jpeg") else 60])


@given(SAMPLE, st.sampled_from(["image/png", "image/jpeg", "image/webp"]), st.integers(-3, 3))
def test_a_declaration_must_be_true(name: str, media_type: str, more: int) -> None:
    """A type or length declared elsewhere is compared with what the bytes show."""
    data = SAMPLES[name]
    told = verdict([data], media_type=media_type, length=len(data) + more)
    honest = media_type == MEDIA_TYPES[name.split(maxsplit=1)[0]] and more == 0
    assert told == (check_picture(data) if honest else "contradiction")


@pytest.mark.parametrize("media_type", ["text/html", "image/svg+xml", "image/gif", "nonsense"])
def test_another_declared_type_needs_no_bytes(media_type: str) -> None:
    """Nothing is waited for when the declaration already says that it is no picture of ours."""
    with pytest.raises(PictureFlawError, match="something else"):
        PictureCheck(media_type=media_type)


def chunk(kind: bytes, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


def png(*chunks: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def ihdr(width: int = 1, height: int = 1, depth: int = 8, colour: int = 2, rest: bytes = b"\0\0\0") -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBB", width, height, depth, colour) + rest)


def webp(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(kind + struct.pack("<I", len(load)) + load + b"\0" * (len(load) % 2) for kind, load in chunks)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def sof(width: int = 1, height: int = 1, marker: int = 0xC0) -> bytes:
    return segment(marker, struct.pack(">BHHB", 8, height, width, 1) + b"\1\x11\0")


PIXELS, END = chunk(b"IDAT", b"data"), chunk(b"IEND")
SOI, EOI, SCAN = b"\xff\xd8", b"\xff\xd9", segment(0xDA, b"\1\1\0\0\x3f\0") + b"scan\xff\x00"
CANVAS = (b"VP8X", bytes(10))
STILL = (b"VP8L", b"\x2f" + bytes(5))
ONE_BY_ONE = {
    "png": png(ihdr(), PIXELS, END),
    "png with a palette": png(ihdr(colour=3), chunk(b"PLTE", b"rgb"), PIXELS, chunk(b"IDAT"), END),
    "jpeg": SOI + sof() + SCAN + EOI,
    "jpeg, filled": SOI + b"\xff\xff" + sof() + SCAN + b"\xff\xff" + EOI,
    "jpeg, arithmetic": SOI + sof(marker=0xC9) + SCAN + segment(0xC4, b"table") + SCAN + EOI,
    "webp": webp(STILL),
    "webp, extended": webp(CANVAS, (b"ICCP", b"odd"), STILL, (b"what", b"")),
    "webp, last pad left out": b"RIFF" + struct.pack("<I", 4 + 8 + 5) + webp((b"VP8L", b"\x2f" + bytes(4)))[8:-1],
}
BROKEN = {
    "header not first": png(chunk(b"tEXt"), ihdr(), PIXELS, END),
    "header too long": png(chunk(b"IHDR", bytes(14)), PIXELS, END),
    "two headers": png(ihdr(), ihdr(), PIXELS, END),
    "no width": png(ihdr(width=0), PIXELS, END),
    "no height": png(ihdr(height=0), PIXELS, END),
    "no such depth": png(ihdr(depth=4), PIXELS, END),
    "no such colours": png(ihdr(colour=5), PIXELS, END),
    "no such compression": png(ihdr(rest=b"\1\0\0"), PIXELS, END),
    "no such interlacing": png(ihdr(rest=b"\0\0\2"), PIXELS, END),
    "no pixels": png(ihdr(), END),
    "empty pixels": png(ihdr(), chunk(b"IDAT"), END),
    "palette missing": png(ihdr(colour=3), PIXELS, END),
    "palette late": png(ihdr(), PIXELS, chunk(b"PLTE", b"rgb"), END),
    "palette uneven": png(ihdr(colour=3), chunk(b"PLTE", b"rgba"), PIXELS, END),
    "pixels in two places": png(ihdr(), PIXELS, chunk(b"tEXt"), PIXELS, END),
    "unknown critical chunk": png(ihdr(), chunk(b"CgBI"), PIXELS, END),
    "end with a payload": png(ihdr(), PIXELS, chunk(b"IEND", b"x")),
    "no chunk": png(ihdr(), PIXELS, b"\0\0\0\0<sc>1234", END),
    "chunk of 2 GiB": png(ihdr(), b"\x80\0\0\0IDAT"),
    "no frame": SOI + segment(0xE0, b"JFIF") + EOI,
    "no scan": SOI + sof() + EOI,
    "scan before the frame": SOI + SCAN + sof() + EOI,
    "two frames": SOI + sof() + sof() + SCAN + EOI,
    "height told later": SOI + sof(height=0) + SCAN + EOI,
    "short frame": SOI + segment(0xC0, b"\x08\0\1\0\1") + SCAN + EOI,
    "frame of no components": SOI + segment(0xC0, b"\x08\0\1\0\1\0") + SCAN + EOI,
    "no marker": SOI + b"<svg" + sof() + SCAN + EOI,
    "restart outside a scan": SOI + b"\xff\xd0" + sof() + SCAN + EOI,
    "length below two": SOI + b"\xff\xe0\x00\x01" + sof() + SCAN + EOI,
    "another beginning": SOI + sof() + SCAN + SOI + SCAN + EOI,
    "empty container": webp(),
    "another chunk first": webp((b"ICCP", bytes(20)), STILL),
    "no key frame": webp((b"VP8 ", b"\1\0\0\x9d\x01\x2a\1\0\1\0")),
    "no start code": webp((b"VP8 ", b"\0\0\0\x9d\x01\x2b\1\0\1\0")),
    "no lossless signature": webp((b"VP8L", bytes(10))),
    "canvas without pixels": webp(CANVAS, (b"EXIF", b"x")),
    "two sizes": webp(CANVAS, (b"VP8L", b"\x2f\1" + bytes(4))),
    "animation without frames": webp((b"VP8X", b"\2" + bytes(9)), STILL),
    "frame over the edge": webp((b"VP8X", b"\2" + bytes(9)), (b"ANMF", b"\1" + bytes(20))),
    "chunk over the end": webp((b"VP8L", STILL[1]))[:16] + struct.pack("<I", 99) + STILL[1],
    "half a chunk": b"RIFF" + struct.pack("<I", 4 + 14 + 5) + webp(STILL)[8:] + b"EXIF\0",
}


@pytest.mark.parametrize("name", sorted(ONE_BY_ONE))
def test_the_least_of_each_format_passes(name: str) -> None:
    """The hand-made files that the broken ones are made from are whole, so each of those is refused for its flaw."""
    facts = check_picture(ONE_BY_ONE[name])
    assert (facts.width, facts.height) == (1, 1)


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_what_a_format_forbids_is_damage(name: str) -> None:
    """Something missing, misplaced or impossible is refused although the file goes on to its end."""
    assert verdict([BROKEN[name]]) == "damaged"


@pytest.mark.parametrize("data", [b"GIF89a" + bytes(99), b"<svg/>", b"RIFF1234WAVEfmt ", b"\x89PNX" + bytes(9), b"BM"])
def test_other_formats_are_no_pictures(data: bytes) -> None:
    """What begins as nothing that we serve is told apart from a picture that is broken."""
    assert verdict([data]) == "not_a_picture"


HOSTILE = {
    "stuffed scan": (SOI + sof() + SCAN, b"\xff\x00"),
    "filled scan": (SOI + sof() + SCAN, b"\xff"),
    "filled marker": (SOI, b"\xff"),
    "empty segments": (SOI, segment(0xE0, b"")),
    "empty chunks": (png(ihdr()), chunk(b"tEXt")),
    "empty webp chunks": (b"RIFF\xff\xff\xff\x02WEBPVP8X\x0a\0\0\0" + bytes(10), b"abcd\0\0\0\0"),
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_bytes_take_linear_time(name: str) -> None:
    """Four times the bytes take about four times the time (sixteen, were it quadratic) and are refused in the end."""
    beginning, filling = HOSTILE[name]

    def seconds(count: int) -> float:
        data = beginning + filling * (count // len(filling))
        started = time.process_time()
        assert verdict([data]) in {"truncated", "damaged"}
        return time.process_time() - started

    assert min(seconds(2 << 20) for _ in range(3)) < 10 * min(seconds(1 << 19) for _ in range(3)) + 0.005


@pytest.mark.parametrize("name", ["empty segments", "empty chunks", "empty webp chunks"])
def test_no_picture_has_that_many_parts(name: str) -> None:
    """A file of parts with nothing in them is refused long before its end."""
    beginning, filling = HOSTILE[name]
    check = PictureCheck()
    with pytest.raises(PictureFlawError, match="16384 parts"):
        check.feed(beginning + filling * 16_400)


def test_a_large_picture_passes_in_one_piece() -> None:
    """Longer than the slices it is checked in, in each format."""
    noise = random.Random(1).randbytes(900 * 900 * 3)
    image = Image.frombytes("RGB", (900, 900), noise)
    for data in (written(image, "PNG", compress_level=0), written(image, "WEBP", lossless=True, method=0)):
        assert len(data) > 1 << 20
        assert (check_picture(data).width, check_picture(data).height) == (900, 900)
    wide = Image.frombytes("RGB", (1800, 450), noise)
    assert check_picture(written(wide, "JPEG", quality=100, subsampling=0)).width == 1800


def test_there_is_a_sample_of_each_kind() -> None:
    """The samples are what their names say: progressive, animated, extended."""
    assert b"\xff\xc2" in jpegs()["jpeg progressive"]
    assert b"\xff\xd0" in jpegs()["jpeg with restarts"]
    assert b"fdAT" in pngs()["png animated"]
    assert b"ANMF" in webps()["webp animated"]
    assert b"ALPH" in webps()["webp lossy with alpha"]
    assert webps()["webp lossless"][12:16] == b"VP8L"
    assert webps()["webp lossy"][12:16] == b"VP8 "
