"""A checkpoint is there whole or not at all, wherever it is kept, and what cannot be read counts as none."""

from __future__ import annotations

import contextlib
import io
import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from apache_beam.io.filesystem import FileMetadata, FileSystem
from hypothesis import given
from hypothesis import strategies as st

from transforms import checkpoints as module
from transforms.checkpoints import FORMAT, Checkpoint, Checkpoints, Mark

STATE = Checkpoint(b"the state \x00\xff", 1_588_420_800_000_000, "config")


def the_file(directory: Path) -> Path:
    (path,) = directory.glob("*.checkpoint")
    return path


def test_what_was_written_last_is_read(tmp_path: Path) -> None:
    checkpoints = Checkpoints(str(tmp_path / "not/yet/there"), "stories")
    assert checkpoints.read("islands") is None
    checkpoints.write("islands", Checkpoint(b"", 0, ""))
    checkpoints.write("islands", STATE)
    assert checkpoints.read("islands") == STATE
    assert Checkpoints(str(tmp_path / "not/yet/there"), "stories").read("islands") == STATE


def test_keys_and_kinds_are_kept_apart(tmp_path: Path) -> None:
    checkpoints = Checkpoints(str(tmp_path), "stories")
    keys = ["a", "a/b", "a_b", "ä", "a" * 200, "a" * 201, "../a", "A"]
    for n, key in enumerate(keys):
        checkpoints.write(key, Checkpoint(key.encode(), n, ""))
    assert [checkpoints.read(key) for key in keys] == [Checkpoint(key.encode(), n, "") for n, key in enumerate(keys)]
    assert Checkpoints(str(tmp_path), "feeds").read("a") is None
    assert sorted(p.parent for p in tmp_path.rglob("*.checkpoint")) == [tmp_path] * len(keys)


@given(st.binary(), st.integers(0, 2**62), st.text(st.characters(exclude_categories=("Cs",))))
def test_any_state_comes_back(tmp_path_factory: pytest.TempPathFactory, state: bytes, position: int, key: str) -> None:
    checkpoints = Checkpoints(str(tmp_path_factory.getbasetemp() / "any"), "stories")
    checkpoints.write(key, Checkpoint(state, position, "h"))
    assert checkpoints.read(key) == Checkpoint(state, position, "h")


def test_without_a_directory_nothing_is_kept() -> None:
    checkpoints = Checkpoints("", "stories")
    checkpoints.write("islands", STATE)
    assert checkpoints.read("islands") is None


def packed(**changes: Any) -> bytes:
    record = {"format": FORMAT, "key": "islands", "position": 1, "config_hash": "h", "id": "1"}
    return zlib.compress(json.dumps({**record, **changes}).encode() + b"\ns")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not compressed",
        packed()[:-5],
        zlib.compress(b"not json"),
        zlib.compress(b"[1, 2]"),
        zlib.compress(b"\xff"),
        packed(key="mountains"),
        packed(key="mountains", format=FORMAT + 1),
        packed(format=FORMAT + 1, position="soon"),
        packed(position="soon"),
        packed(position=None),
        zlib.compress(b'{"format": 3, "key": "islands", "position": 1, "config_hash": "h"}'),
    ],
)
def test_a_damaged_or_foreign_checkpoint_counts_as_none_and_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, data: bytes
) -> None:
    checkpoints = Checkpoints(str(tmp_path), "stories")
    checkpoints.write("islands", STATE)
    the_file(tmp_path).write_bytes(packed())
    assert checkpoints.read("islands") == Checkpoint(b"s", 1, "h")
    the_file(tmp_path).write_bytes(data)
    assert checkpoints.read("islands") is None
    assert "cannot be used and is ignored" in caplog.text
    checkpoints.write("islands", STATE)
    assert checkpoints.read("islands") == STATE


@pytest.mark.parametrize(
    "data",
    [
        packed(format=FORMAT + 1, position=7),
        packed(format=FORMAT - 1, position=7),
        zlib.compress(b'{"format": 1, "key": "islands", "position": 7, "config_hash": "h", "state": "cw=="}'),
    ],
)
def test_of_a_checkpoint_in_another_format_the_position_is_read_as_if_the_configuration_were_another(
    tmp_path: Path, data: bytes
) -> None:
    checkpoints = Checkpoints(str(tmp_path), "stories")
    checkpoints.write("islands", STATE)
    the_file(tmp_path).write_bytes(data)
    assert checkpoints.read("islands") == Checkpoint(b"", 7, "")


def test_a_crash_while_writing_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints = Checkpoints(str(tmp_path), "stories")
    checkpoints.write("islands", STATE)

    def crash(*_: object) -> None:
        raise OSError("the power went out")

    for moment in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, moment, crash)
            with pytest.raises(OSError, match="power"):
                checkpoints.write("islands", Checkpoint(b"half", 2, "h"))
        assert checkpoints.read("islands") == STATE
    checkpoints.write("islands", Checkpoint(b"whole", 3, "h"))
    assert checkpoints.read("islands") == Checkpoint(b"whole", 3, "h")


def appended(checkpoints: Checkpoints, *segments: bytes) -> Mark:
    mark = checkpoints.write("islands", STATE)
    for n, segment in enumerate(segments):
        mark = checkpoints.append("islands", mark, segment, STATE.position + n + 1)
    return mark


def with_segments(*segments: bytes) -> Checkpoint:
    return replace(STATE, position=STATE.position + len(segments), segments=segments)


def test_segments_are_read_in_the_order_they_were_appended_and_the_last_one_tells_the_position(tmp_path: Path) -> None:
    checkpoints = Checkpoints(str(tmp_path), "stories")
    mark = appended(checkpoints, *(b"%d" % n for n in range(12)))
    assert checkpoints.find("islands") == (with_segments(*(b"%d" % n for n in range(12))), mark)
    assert Mark.read(str(mark)) == mark
    assert checkpoints.read("mountains") is None


def test_a_new_state_leaves_no_segments_behind(tmp_path: Path) -> None:
    checkpoints = Checkpoints(str(tmp_path), "stories")
    appended(checkpoints, b"one", b"two")
    Checkpoints(str(tmp_path), "feeds").append("islands", Mark("other"), b"of another kind", 1)
    checkpoints.write("islands", STATE)
    assert checkpoints.read("islands") == STATE
    assert sorted(p.name.partition("-")[0] for p in tmp_path.iterdir()) == ["feeds", "stories"]


@pytest.mark.parametrize("name", ["[a]", "a*", "a?", "]a[", "[!a]"])
def test_a_directory_whose_name_is_a_pattern_is_a_directory_like_others(tmp_path: Path, name: str) -> None:
    other = Checkpoints(str(tmp_path / "a"), "stories")
    appended(other, b"of another directory")
    checkpoints = Checkpoints(str(tmp_path / name), "stories")
    appended(checkpoints, b"one", b"two")
    checkpoints.write("islands", STATE)
    assert len(list((tmp_path / name).iterdir())) == 1
    assert other.read("islands") == with_segments(b"of another directory")


def test_segments_of_a_state_that_was_replaced_are_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process died after the new state was there, and before the old segments were deleted."""
    checkpoints = Checkpoints(str(tmp_path), "stories")
    appended(checkpoints, b"old one", b"old two")
    monkeypatch.setattr(module, "_delete_segments", lambda *_, **__: None)
    mark = checkpoints.write("islands", STATE)
    assert checkpoints.read("islands") == STATE
    checkpoints.append("islands", mark, b"new one", STATE.position + 1)
    assert checkpoints.read("islands") == with_segments(b"new one")


@pytest.mark.parametrize("damage", [b"", b"not compressed", zlib.compress(b"[]\nx"), zlib.compress(b"{}\nx")])
def test_what_follows_a_damaged_segment_is_not_read_either(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: bytes
) -> None:
    checkpoints = Checkpoints(str(tmp_path), "stories")
    appended(checkpoints, b"one", b"two", b"three")
    (path,) = tmp_path.glob("*.000002")
    path.write_bytes(damage)
    found = checkpoints.find("islands")
    assert found is not None
    assert found[0] == with_segments(b"one")
    assert "and those after it cannot be used" in caplog.text
    checkpoints.append("islands", found[1], b"another two", STATE.position + 2)
    assert checkpoints.read("islands") == with_segments(b"one", b"another two")


def test_of_two_processes_that_append_after_one_state_only_one_is_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    checkpoints = Checkpoints(str(tmp_path), "stories")
    start = appended(checkpoints, b"one")
    ours = checkpoints.append("islands", start, b"two of ours", STATE.position + 2)
    theirs = checkpoints.append("islands", start, b"two of theirs", STATE.position + 2)
    checkpoints.append("islands", ours, b"three of ours", STATE.position + 3)
    assert checkpoints.find("islands") == (with_segments(b"one", b"two of theirs"), theirs)
    assert "another process" in caplog.text
    assert checkpoints.find("islands", upto=start) == (with_segments(b"one"), start)
    assert checkpoints.find("islands", upto=ours) is None


def test_segments_in_another_encoding_are_not_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    mark = appended(Checkpoints(str(tmp_path), "stories", "a"), b"one")
    ours = Checkpoints(str(tmp_path), "stories", "b")
    found = ours.find("islands")
    assert found is not None
    assert found[0] == STATE
    assert "another build" in caplog.text
    assert ours.find("islands", upto=mark) is None
    ours.append("islands", found[1], b"another one", STATE.position + 1)
    assert ours.read("islands") == with_segments(b"another one")


def test_two_processes_that_write_at_once_do_not_write_into_one_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints = Checkpoints(str(tmp_path), "stories")
    pieces, other = module._compressed, Checkpoint(b"the other's", 3, "h")

    def interrupted(record: dict[str, Any], state: bytes) -> Iterator[bytes]:
        patch.setattr(module, "_compressed", pieces)
        yield b"".join(pieces(record, state))
        checkpoints.write("islands", other)
        yield b"more"

    with monkeypatch.context() as patch:
        patch.setattr(module, "_compressed", interrupted)
        with contextlib.suppress(OSError):  # the other has swept the draft away
            checkpoints.write("islands", STATE)
    assert checkpoints.read("islands") == other
    checkpoints.write("islands", STATE)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_crash_while_appending_leaves_what_was_appended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints = Checkpoints(str(tmp_path), "stories")
    mark = appended(checkpoints, b"one")

    def crash(*_: object) -> None:
        raise OSError("the power went out")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", crash)
        with pytest.raises(OSError, match="power"):
            checkpoints.append("islands", mark, b"half", 9)
    assert checkpoints.read("islands") == with_segments(b"one")
    assert checkpoints.append("islands", mark, b"two", STATE.position + 2).segments == 2
    assert checkpoints.read("islands") == with_segments(b"one", b"two")


def test_a_directory_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        Checkpoints(str(tmp_path / "file"), "stories").write("islands", STATE)


class MemoryFileSystem(FileSystem):
    """An object store: a file appears, whole, when its writer is closed."""

    objects: ClassVar[dict[str, bytes]] = {}

    @classmethod
    def scheme(cls) -> str:
        return "checkpointtest"

    def join(self, basepath: str, *paths: str) -> str:
        return "/".join((basepath.rstrip("/"), *paths))

    def split(self, path: str) -> tuple[str, str]:
        head, _, tail = path.rpartition("/")
        return head, tail

    def exists(self, path: str) -> bool:
        return path in self.objects

    def open(self, path: str, mime_type: str = "", compression_type: str = "") -> io.BytesIO:
        return io.BytesIO(self.objects[path])

    def create(self, path: str, mime_type: str = "", compression_type: str = "") -> io.BytesIO:
        objects = self.objects

        class Writer(io.BytesIO):
            def close(self) -> None:
                objects[path] = self.getvalue()
                super().close()

        return Writer()

    def mkdirs(self, path: str) -> None:
        raise NotImplementedError

    def has_dirs(self) -> bool:
        return False

    def _list(self, dir_or_prefix: str) -> Iterator[FileMetadata]:
        yield from (FileMetadata(path, len(data)) for path, data in self.objects.items() if path.startswith(dir_or_prefix))

    def copy(self, source_file_names: list[str], destination_file_names: list[str]) -> None:
        raise NotImplementedError

    def rename(self, source_file_names: list[str], destination_file_names: list[str]) -> None:
        raise NotImplementedError

    def size(self, path: str) -> int:
        return len(self.objects[path])

    def last_updated(self, path: str) -> float:
        raise NotImplementedError

    def checksum(self, path: str) -> str:
        raise NotImplementedError

    def metadata(self, path: str) -> FileMetadata:
        raise NotImplementedError

    def delete(self, paths: list[str]) -> None:
        for path in paths:
            del self.objects[path]


def test_a_state_that_cannot_be_compressed_leaves_the_old_object(monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints = Checkpoints("checkpointtest://bucket/whole", "stories")
    checkpoints.write("islands", STATE)

    def no_memory(*_: object) -> Iterator[bytes]:
        yield b"half"
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(module, "_compressed", no_memory)
        with pytest.raises(MemoryError):
            checkpoints.write("islands", Checkpoint(b"newer", 2, "h"))
    assert checkpoints.read("islands") == STATE
    MemoryFileSystem.objects.clear()


def test_an_object_store_keeps_checkpoints_too() -> None:
    checkpoints = Checkpoints("checkpointtest://bucket/state", "stories")
    assert checkpoints.read("islands") is None
    checkpoints.write("islands", STATE)
    checkpoints.write("islands", Checkpoint(b"newer", 2, "h"))
    assert checkpoints.read("islands") == Checkpoint(b"newer", 2, "h")
    mark = appended(checkpoints, b"one", b"two")
    assert checkpoints.find("islands") == (with_segments(b"one", b"two"), mark)
    checkpoints.write("islands", STATE)
    (path,) = MemoryFileSystem.objects
    assert path.startswith("checkpointtest://bucket/state/stories-islands-")
    assert path.endswith(".checkpoint")
