"""`vedette why`: what became of an entry, stage by stage, read from a backtest or from a log."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from backtesting import ENTRIES, WATCH, Results, jsonl, run_backtest
from cloud import Cloud

from pipelines import cli


def why(results: Results, capsys: pytest.CaptureFixture[str], entry: str) -> str:
    assert cli.main(["why", entry, "--watch", str(WATCH), "--log", str(results.directory)]) == 0
    return " ".join(capsys.readouterr().out.split())


def test_it_tells_stage_by_stage_what_became_of_an_entry(results: Results, capsys: pytest.CaptureFixture[str]) -> None:
    told = why(results, capsys, "warning")
    assert "Gate passed" in told
    assert "ScoreRelevance" in told
    assert "INVASION_WARNING" in told
    assert "FoldStories" in told
    assert "alert: new in this watch" in told


def test_a_url_is_told_in_one_piece(
    results: Results, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "24")
    url = "https://arbat-chronicle.example/denial"
    assert url in why(results, capsys, url)


def test_it_tells_both_judgements_on_the_nearest_entries_and_what_the_nearness_is_made_of(
    results: Results, capsys: pytest.CaptureFixture[str]
) -> None:
    told = why(results, capsys, "warning")
    assert re.search(
        r"affinity -?0\.\d\d of 0\.\d\d needed: apart from \S+ “.+?” \d+% of the wording \| cosine 0\.\d\d, "
        r"-?0\.\d\d beyond the common",
        told,
    )
    assert re.search(r"words 0\.\d\d: .*actors \d\.\d\d: .*\d h", told)
    assert re.search(
        r"\d+% of the wording: a copy of buildup “.+?” affinity \d\.\d\d of 0\.\d\d needed \| cosine",
        why(results, capsys, "buildup-copy"),
    )
    assert re.search(
        r"\d+% of the wording: takes the place of the version before affinity \d\.\d\d of 0\.\d\d needed \| cosine",
        why(results, capsys, "buildup"),
    )


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("buildup-copy", "repeats the wording of buildup"),
        ("football", "no alert: the entry is not relevant"),
        ("deutsch", "unsupported language"),
        ("climate", "closed: no actor and no term"),
        ("known", "no alert: the feed held it before the watch began"),
        ("https://arbat-chronicle.example/denial", "Kremlin denies plans to invade Ukraine"),
        ("arbat-chronicle.example", "Kremlin denies plans to invade Ukraine"),
    ],
)
def test_it_tells_why_no_alert_was_raised(results: Results, capsys: pytest.CaptureFixture[str], entry: str, reason: str) -> None:
    assert reason in why(results, capsys, entry)


def test_an_entry_that_is_not_there_is_said_so(results: Results, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["why", "nothing", "--watch", str(WATCH), "--log", str(results.directory)]) == 2
    assert "nothing: none of the 12 entries of the log has this id or url" in capsys.readouterr().err


def test_the_results_of_another_watch_are_not_told_by_this_one(results: Results, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["why", "warning", "--watch", "taiwan-strait", "--log", str(results.directory)]) == 2
    told = capsys.readouterr()
    assert f"--log {results.directory}: was written for the watch ukraine, not for taiwan-strait" in told.err
    assert not told.out


@pytest.mark.parametrize(
    ("name", "line", "complaint"),
    [
        ("entries.jsonl", b'{"id": ', "2: is not JSON: expecting value at column 8"),
        ("entries.jsonl", b'["a"]', "2: must be a JSON object"),
        ("entries.jsonl", b'{"id": "x", "url": "u"}', "2: has no actors, compared, duplicate_of, "),
        ("stories.jsonl", b"{}", "2: has no entry_count, id, title, watch: no backtest of this release wrote it"),
        ("stories.jsonl", None, " there is no such file; run the backtest again"),
    ],
)
def test_a_damaged_directory_is_said_with_file_and_line(
    results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, line: bytes | None, complaint: str
) -> None:
    for each, content in results.files().items():
        (tmp_path / each).write_bytes(content)
    if line is None:
        (tmp_path / name).unlink()
    else:
        first, _, rest = (tmp_path / name).read_bytes().partition(b"\n")
        (tmp_path / name).write_bytes(first + b"\n" + line + b"\n" + rest)
    assert cli.main(["why", "warning", "--watch", str(WATCH), "--log", str(tmp_path)]) == 2
    assert f"vedette why: {tmp_path / name}:{complaint}" in capsys.readouterr().err


def test_a_log_without_an_entry_says_why_its_lines_are_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "log").write_bytes(b"\nnot json\n{}\n")
    assert cli.main(["why", "x", "--watch", str(WATCH), "--log", str(tmp_path / "log")]) == 2
    complaint = "x: the log holds no entries, but 2 lines that cannot be read: line 2: is not JSON: expecting value at column 1"
    assert complaint in capsys.readouterr().err


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.jsonl"
    path.write_bytes(jsonl([*reversed(ENTRIES), b"not json", b'{"id": "timeless", "feed": "f", "outlet": "o"}']))
    return path


@pytest.fixture
def undetected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may be detected."""
    monkeypatch.setitem(sys.modules, "pipelines.backtest", None)


@pytest.mark.usefixtures("undetected")
@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ("nothing", "none of the 10 entries of the log has this id or url"),
        ("timeless", "line 12 of the log is no entry: neither published nor seen_at is given"),
    ],
)
def test_an_unknown_entry_is_said_before_anything_is_detected(
    log: Path, capsys: pytest.CaptureFixture[str], entry: str, complaint: str
) -> None:
    assert cli.main(["why", entry, "--watch", str(WATCH), "--log", str(log)]) == 2
    assert f"{entry}: {complaint}" in capsys.readouterr().err


def test_a_log_is_detected_up_to_the_entry_and_says_the_same_as_the_whole(
    results: Results, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = log.parent / "whole"
    run_backtest(source, ENTRIES)
    capsys.readouterr()
    for entry, before in (("buildup-copy", 3), ("warning", 5)):
        assert cli.main(["why", entry, "--watch", str(WATCH), "--log", str(log)]) == 0
        told = capsys.readouterr()
        assert told.err == f"reading the log up to this entry, by time, as a backtest does: {before} entries of 10\n"
        assert cli.main(["why", entry, "--watch", str(WATCH), "--log", str(source / "results")]) == 0
        assert _without_counts(told.out) == _without_counts(capsys.readouterr().out)


def test_a_topic_is_folded_in_its_own_order_as_the_detector_folds_it(emulator: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    topic = emulator.topic("entries")
    earliest, copy, *_ = ENTRIES
    for each in (copy, earliest, ENTRIES[3]):
        emulator.publisher.publish(topic, jsonl([each])).result()
    assert cli.main(["why", "buildup", "--watch", str(WATCH)]) == 0
    told = capsys.readouterr()
    assert told.err == "reading the log up to this entry, as the detector did: 2 entries of 3\n"
    assert "repeats the wording of buildup-copy, in the story" in " ".join(told.out.split())


def _without_counts(told: str) -> str:
    """Without how many entries a story has: those that came later are not in it yet."""
    return re.sub(r"”, \d+ entr(y|ies)", "", " ".join(told.split()))


def test_of_many_entries_with_a_part_of_the_url_the_first_are_told(results: Results, capsys: pytest.CaptureFixture[str]) -> None:
    assert "and 7 more: give the whole url, or the id" in why(results, capsys, ".example/")
