"""The champion pointer, and every way to name a bundle."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from classifier import BundleError, ChampionError, FetchError, IntentClassifier
from classifier.bundle import FILES, EncoderInfo, Manifest, write_manifest
from classifier.champion import Champion, keep_bundle, locate, read_champion, read_champions, write_champions
from classifier.home import Home
from tests.conftest import ROOT, TrainedHome

A, B = Champion("1", "a" * 64, "run-a"), Champion("2", "b" * 64, "run-b")


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A bundle of which everything holds that is looked at without loading it."""
    folder = tmp_path / "whole"
    folder.mkdir()
    for name in FILES:
        (folder / name).write_text(f"content of {name}\n")
    encoder = EncoderInfo("tiny", "revision", "e" * 64, 32, 64)
    write_manifest(folder, Manifest(["preview"], encoder, 1.0, 0.5, 0, {}, {}, {}))
    return folder


def test_no_champion_says_to_train(tmp_path: Path) -> None:
    """Before the first promotion the error names the command."""
    with pytest.raises(ChampionError, match="prompt-intent train"):
        read_champion(Home(tmp_path))
    assert read_champions(Home(tmp_path)) == []


def test_the_pointer_remembers_who_was_before(tmp_path: Path) -> None:
    """Written champions come back in order, latest first."""
    home = Home(tmp_path / "new")
    write_champions(home, [B, A])
    assert read_champions(home) == [B, A]
    assert read_champion(home) == B


@pytest.mark.parametrize("content", ["", "[]", '{"version": "1"}', "\x00"])
def test_a_broken_pointer_is_told_from_a_missing_one(tmp_path: Path, content: str) -> None:
    """A pointer that is there and unreadable is an error, never 'no champion'."""
    home = Home(tmp_path)
    home.pointer.write_text(content)
    with pytest.raises(ChampionError, match="promote a version again"):
        read_champion(home)


def test_the_default_is_the_champion(trained: TrainedHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a name, and by the champion's URI, the pointer decides."""
    monkeypatch.setenv("PROMPT_INTENT_HOME", str(trained.home))
    assert locate(None) == trained.bundle
    assert locate("models:/prompt-intent@champion") == trained.bundle
    assert IntentClassifier.from_pretrained().version == trained.answer["bundle"]


def test_without_a_champion_its_uri_says_to_train(tmp_path: Path) -> None:
    """The champion's URI is the pointer's, also where there is none: no registry is asked for it."""
    with pytest.raises(ChampionError, match="prompt-intent train"):
        locate("models:/prompt-intent@champion", Home(tmp_path))


def test_another_version_is_fetched_by_a_child(trained: TrainedHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """A models:/ URI is downloaded by a child process, proven, and kept under its hash."""
    monkeypatch.setenv("PROMPT_INTENT_HOME", str(trained.home))
    assert locate("models:/prompt-intent/1") == trained.bundle
    assert locate(f"runs:/{trained.answer['run_id']}/model") == trained.bundle


def test_an_unknown_version_is_a_fetch_error(trained: TrainedHome) -> None:
    """What the store has not got is said in one line."""
    with pytest.raises(FetchError, match="models:/prompt-intent/99"):
        locate("models:/prompt-intent/99", Home(trained.home))


def test_a_missing_folder_says_what_would_do(tmp_path: Path) -> None:
    """A wrong path names the alternatives."""
    with pytest.raises(FetchError, match="no such folder"):
        locate(tmp_path / "nothing")


def test_a_bundle_is_kept_once(trained: TrainedHome, tmp_path: Path) -> None:
    """Keeping twice gives the same folder, and leaves nothing else behind."""
    home = Home(tmp_path)
    first = keep_bundle(home, trained.bundle)
    assert keep_bundle(home, trained.bundle) == first
    assert [path.name for path in home.bundles.iterdir()] == [trained.answer["bundle"]]


def test_a_bundle_found_by_its_name_is_that_bundle(whole: Path, tmp_path: Path) -> None:
    """A manifest edited after the promotion is served by nobody and kept by nobody, though it fits its files."""
    home = Home(tmp_path / "home")
    kept = keep_bundle(home, whole)
    write_champions(home, [Champion("1", kept.name, "run")])
    assert locate(None, home) == kept
    manifest = json.loads((kept / "manifest.json").read_text())
    (kept / "manifest.json").write_text(json.dumps(manifest | {"threshold": 0.0}))
    with pytest.raises(BundleError, match="remove the folder"):
        locate(None, home)
    with pytest.raises(BundleError, match="remove the folder"):
        keep_bundle(home, whole)


def test_a_champion_whose_bundle_is_gone_says_so(tmp_path: Path) -> None:
    """A pointer to nothing names the folder and what to do."""
    home = Home(tmp_path)
    write_champions(home, [A])
    with pytest.raises(BundleError, match=rf"{A.bundle}: the bundle is gone; promote"):
        locate(None, home)


_TOGETHER = """
import sys
from pathlib import Path
from classifier.champion import Champion, keep_bundle, write_champions
from classifier.home import Home

root, number = Path(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
for round in range(100):
    {work}
"""


def _at_once(work: str, root: Path) -> list[subprocess.Popen[str]]:
    """Four processes that do the same work a hundred times, from the same moment on."""
    command = [sys.executable, "-c", _TOGETHER.format(work=work), str(root)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    started = [subprocess.Popen([*command, str(n)], cwd=ROOT, text=True, **pipes) for n in range(4)]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    return started


def test_writers_at_once_leave_a_whole_pointer(tmp_path: Path) -> None:
    """None trips over another, no reader ever sees a half, and nothing is left beside the pointer."""
    home = Home(tmp_path)
    writers = _at_once('write_champions(Home(root), [Champion(str(round), number * 64, "run")])', tmp_path)
    while any(writer.poll() is None for writer in writers):
        read_champions(home)
    errors = [writer.communicate()[1] for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * 4, errors
    assert read_champion(home).version == "99"
    assert [path.name for path in tmp_path.iterdir()] == ["champion.json"]


def test_a_bundle_kept_by_several_processes_at_once_is_whole(whole: Path, tmp_path: Path) -> None:
    """Who comes second takes what is there."""
    folder = tmp_path / "homes"
    keepers = _at_once(f'keep_bundle(Home(root / str(round)), Path("{whole}"))', folder)
    errors = [keeper.communicate()[1] for keeper in keepers]
    assert [keeper.returncode for keeper in keepers] == [0] * 4, errors
    kept = {tuple(path.name for path in home.glob("bundles/*")) for home in folder.iterdir()}
    assert kept == {(keep_bundle(Home(folder / "0"), whole).name,)}
