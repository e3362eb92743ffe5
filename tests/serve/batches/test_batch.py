"""Many prompts in process: each drawn once and billed once, by the sandbox's own ledger."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from serve.batches.gateway import Gateway, Reply
from serve.batches.plan import BatchRules
from serve.errors import InvalidRequestError, NotReadyError, StoreError
from serve.sandbox.faults import FaultRule
from serve.schemas import GenerateBody
from tests.serve.batches.conftest import CLOCK, PROMPTS, Bench, Scene, at

ONE_BY_ONE = BatchRules(concurrency=1)


def billed(scene: Scene) -> float:
    """Pictures that the sandbox has charged for."""
    return scene.sandbox.ledger.totals["billed_images"]


async def test_a_batch_is_drawn_once(bench: Bench) -> None:
    """A file and a line a prompt, costs as the vendor billed them; the second run calls nobody."""
    async with bench() as scene:
        tally, purse = await scene.draw(PROMPTS)
        calls = scene.sandbox.ledger.totals
        again, _ = await scene.draw(PROMPTS)
    assert (tally.done, tally.complete, again.before, again.complete) == (4, True, 4, True)
    assert (calls["billed_images"], scene.sandbox.ledger.totals) == (4, calls)
    assert purse.spent == pytest.approx(calls["usd"])
    assert [line.files for line in scene.manifest] == [
        ["0001-a-fox.png"], ["0002-a-red-fox.png"], ["0003-a-fox.png"], ["0004-a-heron.png"]
    ]  # fmt: skip
    assert all((scene.folder / name).stat().st_size for line in scene.manifest for name in line.files)


async def test_a_prompt_that_is_added_is_the_only_one_drawn(bench: Bench) -> None:
    """Rows may move: what is drawn is known by its words."""
    async with bench() as scene:
        await scene.draw(PROMPTS)
        tally, _ = await scene.draw(("a new one", *PROMPTS))
        assert (tally.done, tally.before, billed(scene)) == (1, 4, 5)


async def test_what_failed_for_nothing_is_tried_again(bench: Bench) -> None:
    """A refusal that costs nothing is written down, and the same command draws it later."""
    async with bench(FaultRule(effect="content_block", first=1)) as scene:
        first, _ = await scene.draw(PROMPTS, rules=ONE_BY_ONE)
        failed = [line for line in scene.manifest if line.outcome == "failed"]
        second, _ = await scene.draw(PROMPTS)
        assert (first.done, first.failed, first.complete) == (3, 1, False)
        assert [(line.index, line.billed, line.error and line.error.code) for line in failed] == [
            (1, "no", "moderation_blocked")
        ]
        assert (second.done, second.before, second.complete, billed(scene)) == (1, 3, True, 4)


async def test_an_answer_that_missed_the_manifest_is_replayed(bench: Bench) -> None:
    """Finished in the store, not in the manifest: the same picture comes again, and nobody is called."""
    async with bench() as scene:
        await scene.draw(PROMPTS)
        pictures = {path.name: path.read_bytes() for path in scene.folder.glob("*.png")}
        lines = scene.manifest
        scene.forget_the_end_of(2, 4)
        (scene.folder / "0004-a-heron.png").unlink()
        tally, purse = await scene.draw(PROMPTS)
        assert (tally.done, tally.before, billed(scene)) == (2, 2, 4)
        assert {path.name: path.read_bytes() for path in scene.folder.glob("*.png")} == pictures
        assert [line.request_id for line in scene.manifest] == [line.request_id for line in lines]
        assert purse.spent == pytest.approx(scene.sandbox.ledger.totals["usd"])


async def test_what_may_be_billed_is_not_drawn_twice(bench: Bench) -> None:
    """Cut off after the vendor took it: left alone until --rebill, and then both bills count."""
    async with bench(FaultRule(effect="cut_after", first=1)) as scene:
        first, _ = await scene.draw(PROMPTS, rules=ONE_BY_ONE)
        second, _ = await scene.draw(PROMPTS)
        assert (first.held, second.held, second.complete, billed(scene)) == (1, 1, False, 4)
        third, purse = await scene.draw(PROMPTS, rules=BatchRules(rebill=True))
        assert (third.done, third.complete, billed(scene)) == (1, True, 5)
        assert purse.spent == pytest.approx(scene.sandbox.ledger.totals["usd"])


async def test_a_key_that_the_service_has_forgotten_is_not_trusted(bench: Bench) -> None:
    """A day later nobody knows whether what was sent was drawn."""
    async with bench() as scene:
        await scene.draw(PROMPTS)
        scene.forget_the_end_of(2)
        scene.clock = at(CLOCK, 24 * 3600.0)
        tally, _ = await scene.draw(PROMPTS)
        assert (tally.held, billed(scene)) == (1, 4)


@pytest.mark.parametrize("concurrency", [1, 4])
async def test_the_ceiling_is_never_passed(concurrency: int, bench: Bench) -> None:
    """As many as it pays for, a clean stop, and a higher one goes on; what earlier runs spent counts."""
    rules = BatchRules(concurrency)
    async with bench() as scene:
        first, purse = await scene.draw(PROMPTS, 0.05, rules, intent="preview")
        assert (first.done, first.left, first.failed) == (2, 2, 0)
        assert first.stopped is not None
        assert "--max-cost" in first.stopped
        assert (purse.spent, purse.left) == (0.04, 0.01)
        assert scene.sandbox.ledger.totals["usd"] == 0.04
        second, purse = await scene.draw(PROMPTS, 0.08, rules, intent="preview")
        assert (second.done, second.complete, purse.left) == (2, True, 0.0)


async def test_a_dearer_fallback_cannot_pass_the_ceiling(bench: Bench) -> None:
    """The cheap model fails, the next one costs more than is left: the prompt fails, the ceiling holds."""
    others = [FaultRule(provider=vendor, status=500) for vendor in ("openai", "google")]  # ideogram-v2 is left
    async with bench(FaultRule(model="V_2A", status=500), *others) as scene:
        tally, purse = await scene.draw(["a fox"], 0.05, intent="text_heavy")
        [line] = scene.manifest
        assert (tally.failed, line.billed) == (1, "no")
        assert line.wishes["max_cost"] == 0.05
        assert (scene.sandbox.ledger.totals["usd"], purse.left) == (0, 0.05)
        # With money enough the same command falls back.
        tally, purse = await scene.draw(["a fox"], 1.0, intent="text_heavy")
        assert (tally.complete, purse.spent) == (True, scene.sandbox.ledger.totals["usd"])
        assert purse.spent > 0.05


async def test_a_ceiling_of_nothing_draws_nothing(bench: Bench) -> None:
    """0 is a ceiling."""
    async with bench() as scene:
        tally, _ = await scene.draw(PROMPTS, 0.0)
        assert (tally.left, tally.done, scene.sandbox.ledger.totals["calls"]) == (4, 0, 0)


async def test_another_ceiling_does_not_change_what_was_sent(bench: Bench) -> None:
    """A request whose end nobody knows goes out with its own limit again, or its key would not fit it."""
    async with bench() as scene:
        await scene.draw(PROMPTS, 1.0)
        scene.forget_the_end_of(1, 2)
        tally, purse = await scene.draw(PROMPTS, 2.0)
        assert (tally.done, tally.failed, billed(scene)) == (2, 0, 4)
        assert purse.spent == pytest.approx(scene.sandbox.ledger.totals["usd"])


@pytest.mark.parametrize("ceiling", [None, 2.0])
async def test_what_an_interrupted_run_allowed_is_counted_once(ceiling: float | None, bench: Bench) -> None:
    """It counted as spent; once its answer is there, only its cost does, whether or not this run has a ceiling."""
    async with bench() as scene:
        await scene.draw(PROMPTS, 1.0)
        scene.forget_the_end_of(1, 2)
        tally, purse = await scene.draw(PROMPTS, ceiling)
        assert (tally.done, purse.held) == (2, 0)
        assert purse.spent == scene.notes.spent == pytest.approx(scene.sandbox.ledger.totals["usd"])


async def test_a_wrong_option_fails_before_anything_is_written(bench: Bench) -> None:
    """One error instead of one a prompt."""
    async with bench() as scene:
        with pytest.raises(InvalidRequestError, match="no model 'odd'"):
            await scene.draw(PROMPTS, model="odd")
        assert scene.manifest == []


@pytest.mark.parametrize("ceiling", [None, 0.02])
async def test_a_prompt_that_cannot_be_sent_fails_alone(ceiling: float | None, bench: Bench) -> None:
    """Too long for this service: the others are drawn, and it takes nothing of their money."""
    async with bench(max_prompt_chars=20) as scene:
        tally, _ = await scene.draw(["x" * 21, "a fox"], ceiling)
        assert (tally.done, tally.failed) == (1, 1)
        assert [line.error and line.error.param for line in scene.manifest] == ["prompt", None]


async def test_what_nobody_can_draw_says_why_under_a_ceiling_too(bench: Bench) -> None:
    """It is the row's own limit that is too low, and nothing is sent."""
    async with bench() as scene:
        tally, purse = await scene.draw(["a fox"], 1.0, intent="preview", max_cost=0.001)
        [line] = scene.manifest
        assert (tally.failed, line.billed, line.wishes, purse.left) == (1, "no", {}, 1.0)
        assert "over max_cost 0.001" in (line.error.message if line.error else "")


async def test_lost_files_of_done_prompts_are_told(bench: Bench) -> None:
    """Done is done, but somebody should know."""
    async with bench() as scene:
        await scene.draw(PROMPTS)
        (scene.folder / "0002-a-red-fox.png").unlink()
        tally, _ = await scene.draw(PROMPTS)
        assert (tally.before, tally.missing, billed(scene)) == (4, 1, 4)


async def test_somebody_elses_file_is_not_overwritten(bench: Bench) -> None:
    """A picture of the batch takes another name, and the manifest says which."""
    async with bench() as scene:
        scene.folder.mkdir()
        (scene.folder / "0001-a-fox.png").write_bytes(b"mine")
        await scene.draw(["a fox"])
        assert (scene.folder / "0001-a-fox.png").read_bytes() == b"mine"
        assert scene.manifest[0].files == ["0001-a-fox~2.png"]


async def test_the_sandbox_and_vendors_do_not_share_a_folder(bench: Bench, tmp_path: Path) -> None:
    """Else the sandbox's pictures would pass for the real ones."""
    async with bench() as scene:
        await scene.draw(["a fox"])
        lines = (scene.folder / "manifest.jsonl").read_text()
        (scene.folder / "manifest.jsonl").write_text(lines.replace('"sandbox":true', '"sandbox":false'))
        with pytest.raises(StoreError, match="choose another folder"):
            await scene.draw(["a fox"])


class _Interrupting:
    """A gateway that is a real one until its nth drawing, before which something happens."""

    def __init__(self, gateway: Gateway, nth: int, happening: Any) -> None:
        self._gateway = gateway
        self._nth = nth
        self._happening = happening

    @property
    def sandbox(self) -> bool:
        return self._gateway.sandbox

    async def draw(self, body: GenerateBody, key: str) -> Reply:
        self._nth -= 1
        if self._nth == 0:
            self._happening()
        return await self._gateway.draw(body, key)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)


async def test_nobody_answers_any_more(bench: Bench) -> None:
    """The run ends at once; what was sent stays open, and the next run asks for it under its key."""

    def hang_up() -> None:
        raise ConnectionError("nobody answers")

    async with bench() as scene:
        alive, scene.gateway = scene.gateway, _Interrupting(scene.gateway, 2, hang_up)
        tally, _ = await scene.draw(PROMPTS, rules=ONE_BY_ONE)
        assert (tally.done, tally.left, tally.stopped) == (1, 3, "nobody answers")
        open_line = scene.manifest[1]
        assert open_line.outcome == "started"
        scene.gateway = alive
        tally, _ = await scene.draw(PROMPTS)
        assert (tally.done, tally.before, scene.manifest[1].key, billed(scene)) == (3, 1, open_line.key, 4)


async def test_a_full_disk_ends_the_run_and_loses_no_picture(bench: Bench) -> None:
    """The picture is in the service's store: once there is room it is written, and not drawn again."""
    async with bench() as scene:
        # A file where the folder should be is as good as a full disk, and works for root too.
        aside = scene.folder.parent / "aside"
        alive, scene.gateway = scene.gateway, _Interrupting(scene.gateway, 2, lambda: _block(scene.folder, aside))
        tally, _ = await scene.draw(PROMPTS, rules=ONE_BY_ONE)
        assert (tally.done, tally.left, billed(scene)) == (1, 3, 2)
        assert "cannot be written to" in str(tally.stopped)
        scene.folder.unlink()
        aside.rename(scene.folder)
        scene.gateway = alive
        tally, _ = await scene.draw(PROMPTS)
        assert (tally.complete, billed(scene)) == (True, 4)


def _block(folder: Path, aside: Path) -> None:
    folder.rename(aside)
    folder.touch()


async def test_without_a_classifier_unnamed_prompts_fail_at_once(bench: Bench, tmp_path: Path) -> None:
    """One error that says what to do, and no line a prompt."""
    from serve.batches.in_process import open_in_process
    from serve.settings import Settings

    opened: AbstractAsyncContextManager[Gateway] = open_in_process(Settings(home=tmp_path / "home"), CLOCK)
    async with opened as gateway:
        scene = Scene(gateway, None, tmp_path / "out")  # type: ignore[arg-type]
        with pytest.raises(NotReadyError, match="prompt-intent train"):
            await scene.draw(PROMPTS, n=1)
