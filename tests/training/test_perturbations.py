"""Edits that change no reader's label: what each does, and what none of them touches."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.gadgets import GADGETS
from training.perturbations import FLAGS, PERTURBATIONS, STYLES, add_flags, add_style, be_polite, change_case, variants
from training.perturbations import typo as slip

QUOTED = ['"OPEN late"', "'Grand Hotel'", "\u201cpain d'épices\u201d", "«Мир труд»", "「おはよう」"]
words = st.text(alphabet="abcdefghijklmnopqrstuvwxyzäéñ", min_size=1, max_size=9)
plain = st.lists(words, min_size=1, max_size=12).map(" ".join)
quoting = st.tuples(plain, st.sampled_from(QUOTED), plain).map(" ".join)
seeds = st.integers(0, 2**32 - 1)
each = pytest.mark.parametrize("name", PERTURBATIONS)


def _once(name: str, prompt: str, seed: int) -> str:
    return PERTURBATIONS[name](prompt, np.random.default_rng(seed))


@each
@given(prompt=st.text(max_size=80), seed=seeds)
def test_the_same_seed_gives_the_same_edit(name: str, prompt: str, seed: int) -> None:
    """Edits are pure functions of prompt and generator, of any text at all."""
    assert _once(name, prompt, seed) == _once(name, prompt, seed)


@each
@given(prompt=quoting, seed=seeds)
def test_quoted_words_are_never_touched(name: str, prompt: str, seed: int) -> None:
    """What stands in quotation marks is the picture's own text, and stays letter by letter."""
    quotation = next(text for text in QUOTED if text in prompt)
    assert quotation in _once(name, prompt, seed)


@given(before=plain, inside=plain, seed=seeds)
def test_an_unclosed_quotation_is_protected_to_its_end(before: str, inside: str, seed: int) -> None:
    """A forgotten closing mark does not lay the words open."""
    for name in ("typo", "case"):
        assert _once(name, f'{before} "{inside}', seed).endswith(f'"{inside}')


@given(prompt=plain, seed=seeds)
def test_a_typo_is_one_slip_in_one_long_word(prompt: str, seed: int) -> None:
    """One word of four letters or more changes, by one letter or by two neighbours changing places; else nothing."""
    before, after = prompt.split(" "), slip(prompt, np.random.default_rng(seed)).split(" ")
    assert len(before) == len(after)
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) == any(len(word) >= 4 for word in before)
    for old, new in changed:
        assert len(old) >= 4
        assert abs(len(old) - len(new)) == 1 or sum(a != b for a, b in zip(old, new, strict=True)) in (1, 2)


def test_every_kind_of_slip_occurs() -> None:
    """Swapped, dropped, doubled, and the key beside."""
    slips = {slip("lamp", np.random.default_rng(seed)) for seed in range(200)}
    assert {"almp", "lap", "llamp", "kamp", "lamo"} <= slips
    assert all(len(text) in (3, 4, 5) for text in slips)


@pytest.mark.parametrize(
    ("prompt", "allowed"),
    [
        ("cat --stylize 750", {"cat --stylize 750"}),
        ("a 35mm cat", {"a 35mm cat"}),
        ("\u6771\u4eac\u306e\u591c\u666f", None),
        ("ZZZZ", {"ZZZ", "ZZZZZ", "XZZZ", "ZXZZ", "ZZXZ", "ZZZX"}),
    ],
)
def test_typos_at_the_edges(prompt: str, allowed: set[str] | None) -> None:
    """Flags and numbers are no words; capitals stay capitals; scripts without a keyboard row still get a slip."""
    seen = {slip(prompt, np.random.default_rng(seed)) for seed in range(60)}
    assert seen <= allowed if allowed else prompt not in seen


@given(prompt=quoting, seed=seeds)
def test_a_case_change_changes_case_only(prompt: str, seed: int) -> None:
    """The letters are the same ones."""
    assert change_case(prompt, np.random.default_rng(seed)).casefold() == prompt.casefold()


@pytest.mark.parametrize(
    ("prompt", "cases"),
    [
        ("a red Fox", {"a red fox", "A Red Fox", "A RED FOX"}),
        ('sign "Open Now" (neon)', {'sign "Open Now" (neon)', 'Sign "Open Now" (Neon)', 'SIGN "Open Now" (NEON)'}),
        ("cat --No dogs", {"cat --No dogs", "Cat --No dogs", "CAT --No dogs"}),
        ("the owl on an elm by a dim bay", {"the owl on an elm by a dim bay", "The Owl On An Elm By A Dim Bay"}),
    ],
)  # fmt: skip
def test_the_cases(prompt: str, cases: set[str]) -> None:
    """Lower, title, and upper for short prompts; flags stay as they are."""
    assert {change_case(prompt, np.random.default_rng(seed)) for seed in range(60)} == cases


@given(prompt=plain, seed=seeds)
def test_style_words_are_appended_once_and_before_flags(prompt: str, seed: int) -> None:
    """The prompt stays as it is, the style comes after it, flags stay at the end."""
    styled = add_style(f"{prompt} --ar 3:2", np.random.default_rng(seed))
    assert styled in {f"{prompt}, {style} --ar 3:2" for style in STYLES}


def test_style_words_replace_a_full_stop() -> None:
    """No ".," in the middle."""
    assert add_style("A boat.", np.random.default_rng(0)).startswith("A boat, ")


def test_style_words_start_as_people_paste_them() -> None:
    """Ten sorts or more, the best-known first; none asks for letters, speed or a second thing."""
    assert STYLES[0] == "highly detailed, cinematic lighting, 8k"
    assert len(set(STYLES)) == len(STYLES) >= 10
    assert not [
        style for style in STYLES if re.search(r"\b(?:text|letter|logo|draft|sketch|rough|quick|two|and)", style)
    ]


@given(prompt=plain, seed=seeds)
def test_politeness_goes_around_the_prompt(prompt: str, seed: int) -> None:
    """The prompt stays in one piece, with words before and after it."""
    before, found, after = be_polite(prompt, np.random.default_rng(seed)).partition(prompt)
    assert found
    assert before.strip()
    assert after.strip()


def test_a_request_is_only_greeted() -> None:
    """ "please make make me" is nobody's English."""
    for seed in range(20):
        assert not re.search(
            r"(?:make|draw|generate|of|have) make me", be_polite("make me a cake", np.random.default_rng(seed))
        )


@given(prompt=plain, seed=seeds)
def test_flags_are_appended_once(prompt: str, seed: int) -> None:
    """A second time changes nothing, and a prompt's own flags are left alone."""
    flagged = add_flags(prompt, np.random.default_rng(seed))
    assert flagged == prompt + FLAGS
    assert add_flags(flagged, np.random.default_rng(seed)) == flagged
    assert add_flags("cat --v 5", np.random.default_rng(seed)) == "cat --v 5"


@each
@given(prompt=plain, draws=st.integers(1, 6), seed=st.integers(0, 99))
def test_variants_are_few_new_and_repeatable(name: str, prompt: str, draws: int, seed: int) -> None:
    """At most so many, each once, never the prompt itself, the same for the same seed."""
    found = variants(prompt, PERTURBATIONS[name], draws, seed)
    assert len(found) <= draws
    assert len(set(found)) == len(found)
    assert prompt not in found
    assert found == variants(prompt, PERTURBATIONS[name], draws, seed)


def test_another_seed_gives_other_variants() -> None:
    """The seed matters."""
    drawn = {variants("a weathered fisherman mending nets", slip, 4, seed) for seed in range(10)}
    assert len(drawn) > 5


def test_prompts_draw_apart() -> None:
    """One prompt's draw does not decide another's: a file of prompts meets many styles, not one."""
    prompts = [
        f"a {thing}" for thing in ("lamp", "pear", "tram", "moth", "well", "kite", "oar", "fern", "sled", "drum")
    ]
    styles = {variants(prompt, add_style, 1, 0)[0].removeprefix(prompt) for prompt in prompts}
    assert len(styles) > 3


def test_gadgets_are_many_and_leave_the_prompt_whole() -> None:
    """Twenty or more, before and after, each with a name of its own, the prompt untouched inside."""
    assert len({gadget.name for gadget in GADGETS}) == len(GADGETS) >= 20
    assert min(sum(bool(g.before) for g in GADGETS), sum(bool(g.after) for g in GADGETS)) >= 8
    for gadget in GADGETS:
        assert gadget.around("a pear") == f"{gadget.before}a pear{gadget.after}" != "a pear"
