"""backtest: recorded entries in, the detector's word on each of them out, the same every time."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import fastavro
import pytest
from backtesting import EDIT, ENTRIES, REPLAY, UNREADABLE, WATCH, Results, jsonl, run_backtest
from fastavro.validation import validate

from pipelines import cli
from pipelines.recorded import entry_of
from schemas import micros
from schemas.alert import alert_schema
from schemas.entry import content_hash


def test_every_entry_has_a_line_in_the_order_of_time(results: Results) -> None:
    lines = results.lines("entries.jsonl")
    assert [e["time"] for e in lines] == sorted(e["time"] for e in lines)
    assert len(lines) == len(ENTRIES) + 2
    assert set(results.entries) == {e["id"] for e in ENTRIES}


def test_what_is_relevant_is_told_from_what_is_not(results: Results) -> None:
    outcomes = {id_: entry["outcome"] for id_, entry in results.entries.items()}
    assert outcomes.pop("deutsch") == "unsupported language"
    assert outcomes.pop("football") == outcomes.pop("climate") == "not relevant"
    assert set(outcomes.values()) == {"relevant"}


def test_copies_edits_and_replays_are_told_apart(results: Results) -> None:
    relations = {(e["id"], e["time"][:13]): e["relation"] for e in results.lines("entries.jsonl") if e["relevant"]}
    assert relations["buildup", "2021-12-03T08"] == "new"
    assert relations["buildup-copy", "2021-12-03T09"] == relations["buildup-again", "2021-12-03T08"] == "duplicate"
    assert relations["buildup", "2021-12-03T13"] == "update"
    first, again = sorted(e["relation"] for e in results.lines("entries.jsonl") if e["id"] == "sanctions")
    assert "replay" in (first, again)
    assert {first, again} & {"new", "report"}


def test_each_version_of_an_entry_has_the_judgement_on_its_own_revision(results: Results) -> None:
    first, edit = (e for e in results.lines("entries.jsonl") if e["id"] == "buildup")
    assert first["judgement"]["changed"] != edit["judgement"]["changed"]
    assert first["judgement"]["reason"].startswith("new in this watch")


def test_versions_of_one_time_stand_in_their_order_whatever_their_texts_hash_to(tmp_path: Path) -> None:
    """Each with the judgement on its own revision: an edit that says nothing new does not stand as the alert of the first."""
    first = entry_of(ENTRIES[0])
    titles = (f"{first.title}: what is known after {hours} hours" for hours in range(100))
    title = next(t for t in titles if content_hash(t, first.summary, first.text) < first.content_hash)
    lines = run_backtest(tmp_path, [ENTRIES[0], {**ENTRIES[0], "version": 2, "title": title}]).lines("entries.jsonl")
    assert [(e["title"], e["relation"], e["judgement"]["alert"]) for e in lines] == [
        (first.title, "new", True),
        (title, "update", False),
    ]


def test_the_record_tells_what_each_entry_was_compared_with(results: Results) -> None:
    copy, update = (next(e for e in results.lines("entries.jsonl") if e["relation"] == r) for r in ("duplicate", "update"))
    assert [(c["verdict"], c["entry_id"]) for c in copy["compared"]] == [("duplicate", copy["duplicate_of"])]
    assert [(c["verdict"], c["entry_id"]) for c in update["compared"]] == [("version", update["id"])]
    for entry in results.lines("entries.jsonl"):
        assert entry["story_id_final"] == entry["story_id"], "no two of these stories are one"
        for c in entry["compared"]:
            assert c["verdict"] != "report" or c["affinity"] >= c["needed"]
            assert c["verdict"] != "apart" or c["affinity"] < c["needed"] or entry["relation"] == "report"


def test_times_are_read_with_and_without_a_zone(results: Results) -> None:
    assert results.entries["buildup-copy"]["time"] == "2021-12-03T09:00:00+00:00"
    assert results.entries["buildup-again"]["time"] == "2021-12-03T08:30:00+00:00"


def test_alerts_validate_and_carry_the_words_that_prove_them(results: Results) -> None:
    schema = fastavro.parse_schema(alert_schema())
    texts = {e["id"]: [e, EDIT] if e["id"] == EDIT["id"] else [e] for e in ENTRIES}
    assert results.alerts
    for alert in results.alerts:
        assert validate(alert, schema, strict=True)
        for signal in alert["signals"]:
            found = [text[signal["field"]][signal["start"] : signal["end"]] for text in texts[signal["entry_id"]]]
            assert signal["evidence"] in found


def test_the_build_up_and_the_warning_alert_and_neither_copies_nor_denials_do(results: Results) -> None:
    raised = {alert["entries"][-1]["id"]: {s["type"] for s in alert["signals"] if s["new"]} for alert in results.alerts}
    assert "TROOP_BUILDUP" in raised["buildup"]
    assert "INVASION_WARNING" in raised["warning"]
    assert not {"buildup-copy", "buildup-again", "denial", "football"} & raised.keys()


def test_what_the_feed_held_before_raises_nothing_unless_asked(results: Results, tmp_path: Path) -> None:
    judgement = results.entries["known"]["judgement"]
    assert (judgement["alert"], judgement["reason"]) == (False, "the feed held it before the watch began")
    asked = run_backtest(tmp_path, ENTRIES, alert_on_backfill=True)
    assert asked.entries["known"]["judgement"]["alert"]


def test_each_unreadable_line_is_a_failure_and_blank_lines_are_none(results: Results) -> None:
    failures = results.lines("failures.jsonl")
    assert {(f["stage"], f["reason"]) for f in failures} == {("OpenLines", "unreadable-entry")}
    assert sorted(f["payload"] for f in failures) == sorted(line.decode("utf-8", "replace") for line in UNREADABLE)
    assert {f["payload"]: f["error"] for f in failures}["not json at all"] == "is not JSON: expecting value at column 1"


def test_a_failure_names_the_line_of_the_file(results: Results) -> None:
    lines = (results.directory.parent / "entries.jsonl").read_bytes().splitlines()
    numbers = [int(f["subject"].removeprefix("line ")) for f in results.lines("failures.jsonl")]
    assert [lines[number - 1] for number in numbers] == list(UNREADABLE)
    assert numbers == sorted(numbers)


def test_stories_name_their_entries_and_alerts_their_stories(results: Results) -> None:
    stories = {story["id"]: story for story in results.lines("stories.jsonl")}
    for entry in results.lines("entries.jsonl"):
        assert (entry["story_id"] in stories) == entry["relevant"]
        assert entry["relevant"] or not entry["signals"]
    assert {alert["story_id"] for alert in results.alerts} <= stories.keys()
    buildup = stories[results.entries["buildup"]["story_id"]]
    assert buildup["entry_count"] - buildup["origin_count"] >= 2


def test_the_same_input_in_any_order_gives_the_same_files_byte_for_byte(results: Results, tmp_path: Path) -> None:
    lines: list[Any] = [*ENTRIES, EDIT, REPLAY, *UNREADABLE]
    random.Random(3).shuffle(lines)
    shuffled = run_backtest(tmp_path, lines)
    one, other = shuffled.files(), results.files()
    assert one.pop("failures.jsonl") != other.pop("failures.jsonl"), "they name the lines of the file"
    assert one == other
    told = [{f["payload"]: f["error"] for f in each.lines("failures.jsonl")} for each in (shuffled, results)]
    assert told[0] == told[1]


def test_a_log_is_folded_in_its_own_order_if_that_is_asked_for(tmp_path: Path) -> None:
    """Then the copy that came first is the original, as for the detector; in order of time the two orders say the same."""
    source = tmp_path / "log.jsonl"

    def entries(lines: Any, *options: str) -> list[dict[str, Any]]:
        source.write_bytes(jsonl(lines))
        argv = ["backtest", "--watch", str(WATCH), "--input", str(source), "--output", str(tmp_path / "out"), *options]
        assert cli.main(argv) == 0
        return Results(tmp_path / "out").lines("entries.jsonl")

    again, copy, earliest = ENTRIES[2], ENTRIES[1], ENTRIES[0]
    by_id = {e["id"]: (e["relation"], e["duplicate_of"]) for e in entries([copy, again, earliest], "--log-order")}
    assert by_id == {
        "buildup-copy": ("new", None),
        "buildup-again": ("duplicate", "buildup-copy"),
        "buildup": ("duplicate", "buildup-copy"),
    }
    in_time = sorted(ENTRIES, key=lambda line: (entry_of(line).time, line["id"]))
    assert entries(in_time, "--log-order") == entries(in_time)


def test_all_topics_takes_every_readable_entry_for_relevant(tmp_path: Path) -> None:
    entries = run_backtest(tmp_path, ENTRIES, all_topics=True).entries
    assert all(entry["relevant"] and entry["story_id"] for entry in entries.values())


def test_an_entry_keeps_the_fields_that_a_log_gives_it() -> None:
    entry = entry_of({**ENTRIES[0], "seen_at": "2021-12-05T00:00Z", "version": 3, "backfill": True, "language": "en", "extra": 1})
    assert (entry.version, entry.backfill, entry.language, entry.seen_at) == (3, True, "en", micros("2021-12-05"))
    assert entry.time == entry.published == micros("2021-12-03T08:00Z")


def test_a_date_that_cannot_be_true_is_replaced_by_when_the_entry_was_seen() -> None:
    entry = entry_of({**ENTRIES[0], "published": "1970-01-01", "seen_at": "2021-12-05T00:00Z"})
    assert entry.time == micros("2021-12-05")
    assert entry.published == 0


def test_the_command_writes_the_files_and_sums_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, output = tmp_path / "log.jsonl", tmp_path / "out"
    source.write_bytes(jsonl(ENTRIES[:3]))
    assert cli.main(["backtest", "--watch", str(WATCH), "--input", str(source), "--output", str(output)]) == 0
    assert capsys.readouterr().out == f"3 entries, 3 relevant: 1 story, 1 alert, no failures, in {output}\n"
    assert {p.name for p in output.iterdir()} >= {"entries.jsonl", "stories.jsonl", "alerts.jsonl", "failures.jsonl"}


def test_the_command_says_what_could_not_be_read_and_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, output = tmp_path / "log.jsonl", tmp_path / "out"
    source.write_bytes(jsonl([ENTRIES[8], b"", *UNREADABLE[:4]]))
    assert cli.main(["backtest", "--watch", str(WATCH), "--input", str(source), "--output", str(output)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"1 entry, 0 relevant: 0 stories, 0 alerts, 4 failures, in {output}",
        "  line 3: is not JSON: expecting value at column 1",
        "  line 4: must be a JSON object with the fields of an entry, not list",
        "  line 5: id is missing",
        f"  ... {output / 'failures.jsonl'} has them all",
    ]


def test_an_empty_file_gives_empty_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, output = tmp_path / "log.jsonl", tmp_path / "out"
    source.write_bytes(b"")
    assert cli.main(["backtest", "--watch", str(WATCH), "--input", str(source), "--output", str(output)]) == 0
    assert capsys.readouterr().out.startswith("0 entries, 0 relevant")
    assert (output / "alerts.jsonl").read_bytes() == b""
