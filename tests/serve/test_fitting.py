"""What one model can honour of a request: refusals, wire spellings, and a warning for every wish that is dropped."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from serve.catalog import Model, Quality, load_catalog
from serve.errors import InvalidRequestError
from serve.fitting import MAX_SEED, calls_for, find_refusal, fit, refusal, requests_for
from serve.image_request import ImageRequest, WireRequest

MODELS = load_catalog().models
FOX = ImageRequest("a fox")
QUALITIES: list[Quality] = ["auto", "low", "medium", "high", "standard", "hd"]

LIKE_SIZE, LIKE_RATIO = "write it like '1024x1024'", "write it like '16:9'"
NO_SIZES = ["big", "0x1024", "1024x0", "16:9", "1024x1024\n", "\u0661\u0662x\u0663\u0664", "1.5x2"]
NO_RATIOS = ["16x9", "1:0", "0:1", "-1:1", "1:1 ", "\u0664:\u0663", ":"]

REFUSALS = [
    ("imagen-4", replace(FOX, n=0), "n", "draws at least 1 image, 0 were asked"),
    ("dalle-3-std", replace(FOX, prompt="x" * 4001), "prompt", "reads at most 4000 characters, the prompt has 4001"),
    ("ideogram-v2", replace(FOX, seed=-1), "seed", "takes a seed from 0 to 2147483647, not -1"),
    ("ideogram-2a", replace(FOX, seed=2**31), "seed", "takes a seed from 0 to 2147483647, not 2147483648"),
    *(("imagen-4", replace(FOX, size=text), "size", f"cannot read size {text!r}: {LIKE_SIZE}") for text in NO_SIZES),
    *(
        (
            "imagen-4",
            replace(FOX, aspect_ratio=text),
            "aspect_ratio",
            f"cannot read aspect_ratio {text!r}: {LIKE_RATIO}",
        )
        for text in NO_RATIOS
    ),
]

# (model, asked ratio or size, wire shape, warning)
SHAPES = [
    ("imagen-4", None, "1:1", None),
    ("imagen-4", "auto", "1:1", None),
    ("ideogram-v2", None, "ASPECT_1_1", None),
    ("gpt-image-2.5-flare", None, "1024x1024", None),
    ("imagen-4", "16:9", "16:9", None),
    ("imagen-4", "32:18", "16:9", None),
    ("imagen-4", "1.5:2", "3:4", None),
    ("ideogram-v2a", "16:9", "ASPECT_16_9", None),
    ("ideogram-2", "10:16", "10x16", None),
    ("ideogram-2", "8:5", "16x10", None),
    ("dalle-3-std", "16:9", "1792x1024", None),
    ("gpt-image-2.5-sunburst", "21:9", "1568x672", None),
    ("imagen-4", "21:9", "16:9", "asked 21:9, imagen-4 draws 16:9"),
    ("imagen-4", "3:2", "4:3", "asked 3:2, imagen-4 draws 4:3"),
    ("imagen-4", "2:3", "3:4", "asked 2:3, imagen-4 draws 3:4"),
    ("gemini-nano-banana-2.1", "16:10", "3:2", "asked 16:10, gemini-nano-banana-2.1 draws 3:2"),
    ("ideogram-2", "21:9", "2x1", "asked 21:9, ideogram-2 draws 2:1"),
    ("ideogram-v2", "2:1", "ASPECT_16_9", "asked 2:1, ideogram-v2 draws 16:9"),
    ("gpt-image-2.5-flare", "100:1", "1776x592", "asked 100:1, gpt-image-2.5-flare draws 3:1"),
    # As far from 1:1 as from 16:9: a lying picture stays lying, a standing one standing.
    ("dalle-3-std", "4:3", "1792x1024", "asked 4:3, dalle-3-std draws 16:9"),
    ("dalle-3-std", "3:4", "1024x1792", "asked 3:4, dalle-3-std draws 9:16"),
    ("dalle-3-std", "5:4", "1024x1024", "asked 5:4, dalle-3-std draws 1:1"),
    ("dalle-3-std", "1024x1792", "1024x1792", None),
    ("gpt-image-2.5-flare", "1248x832", "1248x832", None),
    ("gpt-image-2.5-flare", "1536x1024", "1248x832", "asked 1536x1024, gpt-image-2.5-flare draws 1248x832"),
    ("dalle-3-std", "256x256", "1024x1024", "asked 256x256, dalle-3-std draws 1024x1024"),
    ("imagen-4", "1920x1080", "16:9", "asked 1920x1080, imagen-4 draws 16:9 in pixels of its own choice"),
    ("ideogram-2", "16x9", "16x9", "asked 16x9, ideogram-2 draws 16:9 in pixels of its own choice"),
    ("ideogram-4", "1024x1000", "1024x1024", "asked 1024x1000, ideogram-4 draws 1024x1024"),
    ("ideogram-4-5", "3:1", "3072x1024", None),
    ("flux-2-pro", "21:9", "1456x624", None),
    ("flux-2-pro", "1:9", "576x1728", "asked 1:9, flux-2-pro draws 1:3"),
    ("recraftv4_1", "16:9", "1344x768", None),
    ("recraftv3", "1820x1024", "1820x1024", None),
    ("ideogram-2", "1024x1000", "1x1", "asked 1024x1000, ideogram-2 draws 1:1 in pixels of its own choice"),
]

QUALITY_WORDS: list[tuple[str, Quality, str | None, bool]] = [
    ("imagen-4-fast", "auto", None, False),
    ("imagen-4-fast", "high", None, True),
    ("ideogram-v2a", "low", None, True),
    ("gemini-3.1-flash-lite-image", "hd", None, True),
    ("imagen-4", "auto", "1K", False),
    ("imagen-4", "high", "2K", False),
    ("gemini-nano-banana-2.1", "hd", "2K", False),
    ("ideogram-2", "low", "turbo", False),
    ("dalle-3-std", "medium", "standard", False),
    ("dalle-3-std", "high", "hd", False),
    ("gpt-image-2.5-sunburst", "hd", "high", False),
    ("gpt-image-2.5-flare", "standard", "medium", False),
    ("ideogram-3", "hd", "quality", False),
    ("ideogram-4-5", "auto", "medium", False),
    ("flux-2-max", "high", None, True),
]

# (model, field, wish, what is sent, warning)
FIELDS = [
    ("ideogram-v2", "seed", 7, 7, None),
    ("ideogram-v2", "seed", 0, 0, None),
    ("ideogram-2a", "seed", MAX_SEED, MAX_SEED, None),
    ("imagen-4", "seed", 7, None, "seed dropped: imagen-4 takes none"),
    ("imagen-4", "seed", -7, None, "seed dropped: imagen-4 takes none"),
    ("gemini-nano-banana-2.1", "seed", 0, None, "seed dropped: gemini-nano-banana-2.1 takes none"),
    ("ideogram-v2", "negative_prompt", "dogs", "dogs", None),
    ("ideogram-v2a", "negative_prompt", "dogs", None, "negative_prompt dropped: ideogram-v2a takes none"),
    ("ideogram-v2a", "negative_prompt", "", None, None),
    ("ideogram-v2", "negative_prompt", "", None, None),
    ("imagen-4", "output_format", "jpeg", "jpeg", None),
    ("imagen-4", "output_format", "webp", None, "output_format dropped: imagen-4 takes png or jpeg"),
    ("ideogram-2", "output_format", "png", None, "output_format dropped: ideogram-2 takes none"),
    ("gpt-image-2.5-flare", "output_format", "webp", "webp", None),
    ("dalle-3-std", "user", "u-1", "u-1", None),
    ("imagen-4", "user", "u-1", None, "user dropped: imagen-4 takes none"),
    ("imagen-4", "user", "", None, None),
    ("flux-2-klein-4b", "seed", 0, 0, None),
    ("flux-2-pro", "negative_prompt", "dogs", None, "negative_prompt dropped: flux-2-pro takes none"),
    ("recraftv3", "output_format", "jpeg", None, "output_format dropped: recraftv3 takes png or webp"),
    ("recraftv4_1", "negative_prompt", "dogs", None, "negative_prompt dropped: recraftv4_1 takes none"),
]


def expected(warning: str | None) -> tuple[str, ...]:
    """The warnings of a request of which one thing at most is dropped."""
    return () if warning is None else (warning,)


@pytest.mark.parametrize(("name", "request_", "param", "reason"), REFUSALS)
def test_what_a_model_cannot_draw_is_refused(name: str, request_: ImageRequest, param: str, reason: str) -> None:
    """The reason is in plain words, the field at fault is named, and nothing is fitted."""
    assert refusal(request_, MODELS[name]) == reason
    found = find_refusal(request_, MODELS[name])
    assert found is not None
    assert found.param == param
    with pytest.raises(InvalidRequestError) as refused:
        fit(request_, MODELS[name])
    assert (str(refused.value), refused.value.param) == (f"{name} {reason}", param)


@pytest.mark.parametrize("name", MODELS)
def test_limits_are_within_reach(name: str) -> None:
    """Exactly the most that a model can do is not refused."""
    row = MODELS[name]
    full = ImageRequest("x" * row.max_prompt_chars, n=row.max_n, seed=MAX_SEED)
    assert refusal(full, row) is None
    assert find_refusal(full, row) is None


@pytest.mark.parametrize(
    ("name", "n", "calls"),
    [
        ("dalle-3-std", 1, [1]),
        ("dalle-3-std", 3, [1, 1, 1]),
        ("imagen-4", 3, [3]),
        ("imagen-4", 4, [4]),
        ("imagen-4", 10, [4, 4, 2]),
        ("ideogram-4-5", 10, [8, 2]),
        ("gpt-image-2.6-flare", 10, [10]),
        ("flux-2-pro", 2, [1, 1]),
        ("imagen-4", 0, []),
        ("imagen-4", -1, []),
    ],
)
def test_many_pictures_are_several_calls(name: str, n: int, calls: list[int]) -> None:
    """More than one call gives is no reason to refuse: it takes as few calls as give all of them."""
    assert calls_for(replace(FOX, n=n), MODELS[name]) == calls
    assert [request.n for request in requests_for(replace(FOX, n=n), MODELS[name])] == calls
    assert refusal(replace(FOX, n=n), MODELS[name]) is None or n < 1


def test_no_call_repeats_anothers_seed() -> None:
    """A seed grows by the pictures before it, and starts again at 0 after the largest."""
    seeds = [call.seed for call in requests_for(replace(FOX, n=10, seed=MAX_SEED - 4), MODELS["imagen-4"])]
    assert seeds == [MAX_SEED - 4, MAX_SEED, 3]
    assert [call.seed for call in requests_for(replace(FOX, n=2, seed=-7), MODELS["flux-2-pro"])] == [-7, -7]


@pytest.mark.parametrize(("name", "asked", "shape", "warning"), SHAPES)
def test_a_shape_is_spelled_the_vendors_way(name: str, asked: str | None, shape: str, warning: str | None) -> None:
    """A ratio that the model lacks becomes its nearest one; whatever is not drawn as asked is said."""
    is_size = asked is not None and asked[0].isdigit() and "x" in asked
    wish = replace(FOX, size=asked) if is_size else replace(FOX, aspect_ratio=asked)
    wire, warnings = fit(wish, MODELS[name])
    assert wire.shape == shape
    assert warnings == expected(warning)


def test_an_automatic_size_asks_for_nothing() -> None:
    """OpenAI's "auto" is no wish, whether in `size` or beside a ratio."""
    assert fit(replace(FOX, size="auto"), MODELS["imagen-4"]) == fit(FOX, MODELS["imagen-4"])
    wire, warnings = fit(replace(FOX, size="auto", aspect_ratio="16:9"), MODELS["imagen-4"])
    assert (wire.shape, warnings) == ("16:9", ())


@pytest.mark.parametrize(("name", "quality", "word", "dropped"), QUALITY_WORDS)
def test_a_quality_is_spelled_the_vendors_way(name: str, quality: Quality, word: str | None, dropped: bool) -> None:
    """The row's table translates; a model without the setting drops the wish and says so."""
    wire, warnings = fit(replace(FOX, quality=quality), MODELS[name])
    assert wire.quality == word
    assert warnings == ((f"quality {quality!r} dropped: {name} has no such setting",) if dropped else ())


def test_a_quality_outside_the_table_is_drawn_as_auto() -> None:
    """A row that translates only some of our words falls back on its own default, and says so."""
    row = MODELS["imagen-4"].model_copy(update={"qualities": {"auto": "1K"}})
    wire, warnings = fit(replace(FOX, quality="high"), row)
    assert wire.quality == "1K"
    assert warnings == ("quality 'high' dropped: imagen-4 has no such setting",)


@pytest.mark.parametrize(("name", "field", "wish", "sent", "warning"), FIELDS)
def test_a_field_is_sent_or_reported(
    name: str, field: str, wish: str | int, sent: str | int | None, warning: str | None
) -> None:
    """What the model takes is sent as it is, what it does not take is left out with a warning."""
    request = ImageRequest("a fox", **{field: wish})  # type: ignore[arg-type]
    wire, warnings = fit(request, MODELS[name])
    assert getattr(wire, field) == sent
    assert warnings == expected(warning)


def test_all_wishes_are_reported_at_once() -> None:
    """Each dropped wish has its own warning, and none repeats the caller's words."""
    wish = replace(FOX, seed=5, negative_prompt="secret", user="someone", quality="hd", aspect_ratio="21:9")
    _, warnings = fit(wish, MODELS["imagen-4-fast"])
    assert [warning.split()[0] for warning in warnings] == ["asked", "quality", "seed", "negative_prompt", "user"]
    assert not any("secret" in warning or "someone" in warning for warning in warnings)


EDGES = st.integers(min_value=1, max_value=99_999)
REQUESTS = st.builds(
    ImageRequest,
    prompt=st.text(max_size=50),
    n=st.integers(min_value=-1, max_value=12),
    aspect_ratio=st.none() | st.just("auto") | st.tuples(EDGES, EDGES).map(lambda edges: f"{edges[0]}:{edges[1]}"),
    quality=st.sampled_from(QUALITIES),
    seed=st.none() | st.integers(min_value=-5, max_value=2**32),
    negative_prompt=st.none() | st.text(max_size=9),
    output_format=st.sampled_from([None, "png", "jpeg", "webp", "bmp"]),
    user=st.none() | st.text(max_size=9),
)
SIZED = st.builds(lambda wish, w, h: replace(wish, aspect_ratio=None, size=f"{w}x{h}"), REQUESTS, EDGES, EDGES)
ROWS = st.sampled_from(list(MODELS.values()))


@given(wish=REQUESTS | SIZED, row=ROWS)
def test_no_wire_value_is_invented(wish: ImageRequest, row: Model) -> None:
    """Every word on the wire is the caller's own or stands in the row's tables."""
    assume(refusal(wish, row) is None)
    wire, _ = fit(wish, row)
    assert (wire.prompt, wire.n) == (wish.prompt, wish.n)
    assert wire.shape in row.shapes.values()
    assert wire.quality in row.qualities.values() or (wire.quality is None and not row.qualities)
    assert wire.seed == (wish.seed if row.seed else None)
    assert wire.negative_prompt == ((wish.negative_prompt or None) if row.negative_prompt else None)
    assert wire.output_format == (wish.output_format if wish.output_format in row.output_formats else None)
    assert wire.user == ((wish.user or None) if row.user else None)


def _lost(wish: ImageRequest, wire: WireRequest) -> set[str]:
    fields = ("seed", "negative_prompt", "output_format", "user")
    lost = {field for field in fields if getattr(wish, field) not in (None, "") and getattr(wire, field) is None}
    return lost | ({"quality"} if wish.quality != "auto" and wire.quality is None else set())


@given(wish=REQUESTS, row=ROWS)
def test_nothing_is_lost_in_silence(wish: ImageRequest, row: Model) -> None:
    """There is a warning for each wish that did not reach the wire, and for no other."""
    assume(refusal(wish, row) is None)
    wire, warnings = fit(wish, row)
    named = {warning.split()[0] for warning in warnings} - {"asked"}
    assert named == _lost(wish, wire)
    assert len(warnings) == len({warning.split()[0] for warning in warnings})


@given(width=EDGES, height=EDGES, row=ROWS)
def test_no_other_shape_would_be_nearer(width: int, height: int, row: Model) -> None:
    """The ratio drawn is stretched no more than any other ratio of the row; an equal one is drawn without a warning."""
    wanted = Fraction(width, height)
    wire, warnings = fit(replace(FOX, aspect_ratio=f"{width}:{height}"), row)
    values = {shape: Fraction(*map(int, ratio.split(":"))) for ratio, shape in row.shapes.items()}
    stretch = {shape: max(value / wanted, wanted / value) for shape, value in values.items()}
    assert stretch[wire.shape] == min(stretch.values())
    assert bool(warnings) is (stretch[wire.shape] != 1)


@given(wish=REQUESTS | SIZED, row=ROWS)
def test_calls_add_up_to_the_request(wish: ImageRequest, row: Model) -> None:
    """The calls ask for all the pictures and no more, none for more than it can have, each for what was wanted."""
    calls = requests_for(wish, row)
    assert [call.n for call in calls] == calls_for(wish, row)
    assert sum(call.n for call in calls) == max(0, wish.n)
    assert all(1 <= call.n <= row.max_n for call in calls)
    assert len(calls) == -(-max(0, wish.n) // row.max_n)
    assert all(replace(call, n=wish.n, seed=wish.seed) == wish for call in calls)
    if wish.seed is not None and 0 <= wish.seed <= MAX_SEED:
        assert len({call.seed for call in calls}) == len(calls)
