"""Who becomes champion when something is broken, and when several want to at once."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from classifier import ChampionError, IntentClassifier
from classifier.champion import Champion, locate, read_champion, read_champions, write_champions
from classifier.home import Home
from tests.conftest import run_command, write_rows
from training.errors import GateError
from training.promotion import promote, rollback
from training.registry import Registry

# mlflow and its own dependencies deprecate among themselves.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

# Labelled so that the keyword rule is wrong about all of them.
SHAPES = {
    "text_heavy": "quick sketch of a {}",
    "complex_logic": 'poster that says "{} TODAY"',
    "preview": "two {}s beside the bigger {}",
}
THINGS = [
    "lamp", "boat", "tree", "dog", "shoe", "clock", "apple", "bridge", "chair", "wolf",
    "piano", "tent", "kite", "bell", "drum", "fox", "cart", "gate", "rope", "leaf",
]  # fmt: skip


def _rows(things: list[str]) -> list[dict[str, object]]:
    return [
        {
            "prompt": shape.format(thing, thing), "intent": intent, "group": f"{thing}-{intent}", "tags": ["contrast"],
            "origin": "written", "language": "en",
        }
        for thing in things
        for intent, shape in SHAPES.items()
    ]  # fmt: skip


@dataclass(frozen=True)
class Toy:
    """A state folder with two trained versions, the first of them champion, and the test file of its gates."""

    home: Home
    test: Path

    @property
    def registry(self) -> Registry:
        return Registry(self.home)

    def promote(self, version: str, warn: Callable[[str], None] = pytest.fail) -> Champion:
        return promote(self.home, self.registry, self.test, warn, version)[0]

    def alias(self) -> str:
        return str(self.registry.client.get_model_version_by_alias("prompt-intent", "champion").version)


@pytest.fixture(scope="module")
def trained_toy(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Toy:
    folder = tmp_path_factory.mktemp("toy")
    data = write_rows(folder / "prompts.jsonl", _rows(THINGS[:12]))
    test = write_rows(folder / "test.jsonl", _rows(THINGS[12:]))
    for seed in "01":
        options = ("--encoder", str(tiny_encoder), "--effort", "frozen", "--seed", seed, "--threads", "1", "--json")
        done = run_command("train", "--data", str(data), "--test", str(test), *options, home=folder / "home")
        assert done.code == 0, done.err
    return Toy(Home(folder / "home"), test)


@pytest.fixture
def toy(trained_toy: Toy, tmp_path: Path) -> Toy:
    return Toy(Home(Path(shutil.copytree(trained_toy.home.root, tmp_path / "state"))), trained_toy.test)


def _garble_pointer(home: Home) -> None:
    home.pointer.write_text('{"version": "1", "bun')


def _retype_pointer(home: Home) -> None:
    home.pointer.write_text('{"version": 1, "bundle": null, "run_id": "run"}')


def _lose_bundle(home: Home) -> None:
    shutil.rmtree(locate(None, home))


def _edit_bundle(home: Home) -> None:
    manifest = locate(None, home) / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"threshold"', '"Threshold"'))


def _age_bundle(home: Home) -> None:
    """As after an upgrade of the program: whole, and of a format that nobody reads any more."""
    from classifier.bundle import bundle_id

    old, champion = locate(None, home), read_champion(home)
    row = json.loads((old / "manifest.json").read_text())
    (old / "manifest.json").write_text(json.dumps(row | {"format": 2}))
    aged = old.rename(old.with_name(bundle_id(old)))
    write_champions(home, [Champion(champion.version, aged.name, champion.run_id)])


@pytest.mark.parametrize("damage", [_garble_pointer, _retype_pointer, _lose_bundle, _edit_bundle, _age_bundle])
def test_a_champion_that_cannot_be_served_is_replaced(toy: Toy, damage: Callable[[Home], None]) -> None:
    """It counts as none: the next one has to beat the keyword rule, and a warning says why; none returns to it."""
    damage(toy.home)
    warnings: list[str] = []
    champion = toy.promote("2", warnings.append)
    assert ["has to beat the keyword rule" in warning for warning in warnings] == [True]
    assert read_champions(toy.home) == [champion]
    assert (champion.version, toy.alias()) == ("2", "2")
    assert IntentClassifier.from_pretrained(locate(None, toy.home)).version == champion.bundle


def test_the_same_version_repairs_its_champion(toy: Toy) -> None:
    """What a message about a lost bundle or a garbled pointer asks for helps, from the command line too."""
    champion = read_champion(toy.home)
    _lose_bundle(toy.home)
    _garble_pointer(toy.home)
    done = run_command("promote", "1", "--test", str(toy.test), "--json", home=toy.home.root)
    assert done.code == 0, done.err
    assert "warning: the champion cannot be used" in done.err
    assert read_champions(toy.home) == [champion]
    assert locate(None, toy.home).name == champion.bundle


def test_beside_a_broken_champion_the_gate_still_stands(toy: Toy, tmp_path: Path) -> None:
    """Who cannot beat the keyword rule does not replace it, and nothing changes."""
    _garble_pointer(toy.home)
    before = toy.home.pointer.read_bytes()
    easy = write_rows(tmp_path / "easy.jsonl", [{"prompt": "quick sketch of a hat", "intent": "preview"}])
    with pytest.raises(GateError, match="does not beat the keyword rule"):
        promote(toy.home, toy.registry, easy, [].append, "2")
    assert toy.home.pointer.read_bytes() == before


def test_a_rollback_to_a_lost_bundle_is_refused(toy: Toy) -> None:
    """The working champion stays, in the pointer and in the registry; what the message says to do helps."""
    first = read_champion(toy.home)
    toy.promote("2")
    shutil.rmtree(toy.home.bundles / first.bundle)
    before = toy.home.pointer.read_bytes()
    with pytest.raises(ChampionError, match=r"version 1 cannot be served .* classify --model models:/prompt-intent/1"):
        rollback(toy.home, toy.registry)
    assert (toy.home.pointer.read_bytes(), toy.alias()) == (before, "2")
    assert locate("models:/prompt-intent/1", toy.home).name == first.bundle
    assert rollback(toy.home, toy.registry) == first
    assert (read_champions(toy.home), toy.alias()) == ([first], "1")


def test_promotions_at_once_all_count(toy: Toy) -> None:
    """Processes that promote side by side wait for each other: each is champion once, and can be returned to."""
    run_id = read_champion(toy.home).run_id
    assert [toy.registry.register_run(run_id) for _ in range(2)] == ["3", "4"]

    def run(version: str) -> Any:
        return run_command("promote", version, "--test", str(toy.test), home=toy.home.root)

    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(run, ["2", "3", "4"]))
    assert [command.code for command in done] == [0, 0, 0], [command.err for command in done]
    champions = read_champions(toy.home)
    assert sorted(champion.version for champion in champions) == ["1", "2", "3", "4"]
    assert champions[-1].version == "1"
    assert toy.alias() == champions[0].version


def test_nobody_else_moves_the_champion_during_a_gate(toy: Toy, tmp_path: Path) -> None:
    """While a promotion is being judged it holds the lock, and afterwards it does not."""
    pipe = tmp_path / "gold"
    os.mkfifo(pipe)

    def locked() -> bool:
        with (toy.home.root / "champion.json.lock").open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    with ThreadPoolExecutor(1) as pool:
        promoting = pool.submit(promote, toy.home, toy.registry, pipe, pytest.fail, "2")
        # Opens as soon as the gate has come to read its test prompts.
        with pipe.open("w") as gate:
            during = locked()
            gate.write(toy.test.read_text())
        assert promoting.result()[0].version == "2"
    assert (during, locked()) == (True, False)
