"""The manifest: what is in it was on the disk, a torn end does no harm, and one batch at a time writes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from serve.batches.gateway import Reply
from serve.batches.items import Item
from serve.batches.manifest import FILE, Line, open_manifest
from serve.errors import StoreError
from serve.schemas import ErrorDetail

ERROR = ErrorDetail(message="no", type="server_error", param=None, code="upstream_timeout")


def item(index: int, prompt: str = "a fox", own_id: object = None) -> Item:
    """An item with one option."""
    return Item(index, prompt, {"n": 1}, f"{index:04d}", own_id)


def started(of: Item, **wishes: object) -> Line:
    """Its line before it is sent."""
    return Line.started(of, "key", 1000.0, 0.0, sandbox=True, wishes=wishes)


def write(folder: Path, *lines: Line) -> None:
    """One run that appends these lines."""
    with open_manifest(folder) as manifest:
        for line in lines:
            manifest.append(line)


def read(folder: Path) -> list[Line]:
    """What the next run knows."""
    with open_manifest(folder) as manifest:
        return manifest.lines


def test_the_last_line_counts_and_one_is_left(tmp_path: Path) -> None:
    """When a run ends there is one line a prompt, in the order of the input."""
    first, second = started(item(1)), started(item(2, "a heron"))
    done = first.ended(Reply(12.34), [tmp_path / "a.png"])
    write(tmp_path, second, first, done)
    assert read(tmp_path) == [done, second]
    assert len((tmp_path / FILE).read_text().splitlines()) == 2
    assert (done.outcome, done.files, done.ms) == ("done", ["a.png"], 12.3)


def test_a_line_is_in_the_file_once_it_is_appended(tmp_path: Path) -> None:
    """A process that dies afterwards has lost nothing, though it ended nothing."""
    with open_manifest(tmp_path) as manifest:
        manifest.append(started(item(1)))
        assert (tmp_path / FILE).read_text() == f"{started(item(1)).model_dump_json()}\n"


def test_a_torn_end_is_cut_off(tmp_path: Path) -> None:
    """A line that a crash cut short is as if never written, and the next one does not run into it."""
    write(tmp_path, started(item(1)))
    with (tmp_path / FILE).open("a") as file:
        file.write('{"index": 2, "promp')
    write(tmp_path, started(item(3, "a heron")))
    assert [line.index for line in read(tmp_path)] == [1, 3]


def test_a_file_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    """The error names file and line; the file stays as it is."""
    write(tmp_path, started(item(1)))
    text = (tmp_path / FILE).read_text() + '{"my": "own"}\n'
    (tmp_path / FILE).write_text(text)
    with pytest.raises(StoreError, match=r"manifest\.jsonl: line 2 is none of this command's"):
        read(tmp_path)
    assert (tmp_path / FILE).read_text() == text


def test_a_folder_takes_one_batch_at_a_time(tmp_path: Path) -> None:
    """The second is refused at once, and may come when the first has ended."""
    with open_manifest(tmp_path), pytest.raises(StoreError, match="another batch"), open_manifest(tmp_path):
        pass
    assert read(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_said_to_be_one(tmp_path: Path) -> None:
    """A file stands where the folder should be made."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="choose another folder"), open_manifest(tmp_path / "file" / "out"):
        pass


@pytest.mark.parametrize(("own_id", "kept"), [(7, 7), ("x", "x"), (["a", None], ["a", None]), ("\ud800", None)])
def test_a_rows_own_id_is_kept(own_id: object, kept: object, tmp_path: Path) -> None:
    """Whatever JSON it is, but for half a character."""
    write(tmp_path, started(item(1, own_id=own_id)))
    assert read(tmp_path)[0].id == kept


def test_what_may_have_been_billed_counts_as_spent(tmp_path: Path) -> None:
    """Of a request that was sent, or cut off, all that it was allowed to cost."""
    sent = started(item(1), max_cost=0.25)
    assert (sent.counted_usd, sent.ended(Reply(1.0, error=ERROR), []).counted_usd) == (0.25, 0.25)
    refused = ERROR.model_copy(update={"code": "invalid_value"})
    assert sent.ended(Reply(1.0, error=refused), []).counted_usd == 0.0
    write(tmp_path, sent)
    with open_manifest(tmp_path) as manifest:
        assert manifest.spent == 0.25
