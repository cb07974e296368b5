"""subscribe: an alert as a person and as a program receives it, each once."""

from __future__ import annotations

import argparse
import io
import json
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cloud import Cloud
from factories import NOON, a_claim, a_signal, a_story, a_story_entry, a_watch
from rich.console import Console

from pipelines.alert_text import print_alert
from pipelines.once import Once, OnceFile
from pipelines.subscribe import Printer, receive, since
from schemas import Actor
from schemas.alert import alert_json
from transforms.alerts import AlertPolicy, alert_of


def an_alert(story_id: str = "story-1", **fields: Any) -> dict[str, Any]:
    signal = a_signal(evidence="ships [bold]gather[/bold] off \\", attributed_to="the harbour master")
    actor = Actor("name:norland", "Norland", "state", "", "", (), ())
    entry = a_story_entry(title="Norland [red]gathers[/] ships")
    story = a_story(a_claim(signal), entries=(entry,), id=story_id, actors=(actor,), named=(1,))
    story = replace(story, judgement=AlertPolicy(a_watch())(story, NOON), alerts=1)
    return {**json.loads(alert_json(alert_of(story, a_watch()))), **fields}


def printed(*messages: bytes, form: str = "text") -> str:
    out = io.StringIO()
    show = Printer(form, Console(file=out, width=200))
    for message in messages:
        show(message)
    return out.getvalue()


def told(alert: dict[str, Any], width: int = 200) -> str:
    """What stands on a terminal of that width."""
    out = io.StringIO()
    print_alert(Console(file=out, width=width, force_terminal=True, color_system=None), alert)
    return out.getvalue()


def test_a_person_reads_how_grave_it_is_what_is_said_by_whom_and_why_it_alerts() -> None:
    text = told(an_alert())
    assert text.splitlines()[0] == " HIGH  2020-05-02 12:00  islands  trigger  Norland [red]gathers[/] ships"
    assert "   build-up (asserted)  Norland → Sudland\n" in text
    assert "      “ships [bold]gather[/bold] off \\”, according to the harbour master\n" in text
    assert "   named: Norland\n" in text
    assert "   why: new in this watch: build-up  (1 entry, 1 independent, 1 outlet)\n" in text
    assert "   Plain News  https://plain.example/entry-1\n\n" in text


def test_stories_that_turned_out_to_be_this_one_are_told() -> None:
    assert "takes in" not in told(an_alert())
    assert "   takes in: story-8, story-9\n" in told(an_alert(absorbed=["story-8", "story-9"]))


def test_only_the_first_six_new_signals_are_told() -> None:
    signal = an_alert()["signals"][0]
    text = told(an_alert(signals=[{**signal, "evidence": f"words {n}"} for n in range(9)]))
    assert "words 5" in text
    assert "words 6" not in text
    assert "and 3 more" in text


@pytest.mark.parametrize(
    ("pairs", "parties"),
    [
        ([("Norland", "Sudland"), ("Westland", "Sudland")], "Norland, Westland → Sudland"),
        ([("Norland", "Sudland"), ("Norland", "Westland")], "Norland → Sudland, Westland"),
        ([("Norland", "Sudland"), ("Westland", "Eastland")], "Norland → Sudland; Westland → Eastland"),
        ([(None, "Sudland"), (None, None)], "Sudland"),
    ],
)
def test_what_is_said_of_several_parties_in_the_same_words_is_told_once(pairs: list[tuple[Any, Any]], parties: str) -> None:
    signal = an_alert()["signals"][0]
    text = told(an_alert(signals=[{**signal, "source": a, "target": b} for a, b in pairs]))
    assert text.count("“") == 1
    assert f"   build-up (asserted)  {parties}\n" in text


@pytest.mark.parametrize("width", [40, 60, 80, 100, 140])
def test_text_is_wrapped_to_the_terminal_and_what_follows_stands_further_in(width: int) -> None:
    words = "the harbour is full of grey ships and nobody says what for " * 6
    signal = {**an_alert()["signals"][0], "evidence": words.strip()}
    text = told(an_alert(signals=[signal], headline=words.strip()), width)
    assert max(map(len, text.splitlines())) <= width
    assert "".join(text.split()).count("".join(words.split())) == 2, "every word is there"
    head, evidence = text.splitlines().index(text.splitlines()[0]), text.index("“")
    assert text.splitlines()[head + 1].startswith("  ")
    assert text[evidence:].splitlines()[1].startswith(" " * 8)


def test_where_no_terminal_is_each_thing_is_one_line_and_plain() -> None:
    out = io.StringIO()
    words = "the harbour is full of grey ships " * 10
    print_alert(Console(file=out, width=80), an_alert(headline=words))
    assert words.strip() in out.getvalue().splitlines()[0]
    assert "\x1b" not in out.getvalue()


def test_an_alert_cannot_work_the_terminal() -> None:
    """News is text of strangers: nothing in it may move the cursor, ring or turn the line round."""
    evil = "a\x1b[2Jb\x07c\u202ed\x9be\ud83df\ng"
    signal = {**an_alert()["signals"][0], "evidence": evil, "attributed_to": evil, "source": evil, "label": evil}
    text = told(an_alert(headline=evil, reason=evil, signals=[signal]))
    assert not set(text) & set("\x1b\x07\u202e\x9b\ud83d")
    assert len(text.splitlines()) == len(told(an_alert()).splitlines())


def test_an_alert_is_shown_once_however_often_it_comes() -> None:
    alert, other = json.dumps(an_alert()).encode(), json.dumps(an_alert("story-2")).encode()
    assert printed(alert, alert, other).count("build-up (asserted)") == 2


def test_a_program_reads_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    alert = an_alert()
    printed(json.dumps(alert).encode(), json.dumps(alert).encode(), form="json")
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == alert


def test_a_line_of_json_is_one_whatever_the_alert_holds(capsys: pytest.CaptureFixture[str]) -> None:
    alert = an_alert(headline="one\ntwo\u2028three \ud83d four", summary="№ 5")
    printed(json.dumps(alert).encode(), form="json")
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert "№ 5" in out
    assert json.loads(out) == alert


def test_what_could_not_be_printed_is_not_taken_for_shown() -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError("no space left")

    show = Printer("text", Console(file=Full()))
    data = json.dumps(an_alert()).encode()
    for _ in range(2):
        with pytest.raises(OSError, match="no space left"):
            show(data)
    assert show.shown == 0


def test_a_printer_is_full_after_as_many_alerts_as_are_wanted() -> None:
    show = Printer("text", Console(file=io.StringIO()), most=2)
    for story in ("a", "a", "b"):
        assert not show.full
        show(json.dumps(an_alert(story)).encode())
    assert show.full


def test_the_memory_of_what_was_shown_is_bounded() -> None:
    once = Once(size=2)
    for id_ in "abc":
        once.add(id_)
    assert [id_ in once for id_ in "abc"] == [False, True, True]


def test_a_memory_in_a_file_outlives_its_process(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "seen"
    once = OnceFile(path)
    for id_ in "abc":
        once.add(id_)
    assert path.read_text() == "a\nb\nc\n", "each is there before the next alert is shown"
    once.close()
    again = OnceFile(path)
    assert [id_ in again for id_ in "abcd"] == [True, True, True, False]
    again.close()


def test_half_an_id_that_a_kill_left_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "seen"
    path.write_bytes(b"first\nsec\xff")
    once = OnceFile(path)
    once.add("third")
    once.close()
    assert path.read_text() == "first\nthird\n"


def test_a_memory_in_a_file_does_not_grow_without_end(tmp_path: Path) -> None:
    path = tmp_path / "seen"
    once = OnceFile(path, size=10)
    for number in range(1_000):
        once.add(str(number))
        assert len(path.read_text().splitlines()) <= 20
    once.close()
    again = OnceFile(path, size=10)
    assert "999" in again
    assert "989" not in again
    again.close()


def test_two_processes_do_not_share_a_memory(tmp_path: Path) -> None:
    once = OnceFile(tmp_path / "seen")
    with pytest.raises(BlockingIOError):
        OnceFile(tmp_path / "seen")
    once.close()
    OnceFile(tmp_path / "seen").close()


@pytest.mark.parametrize("text", ["2021-11-10T17:40", "2021-11-10 17:40:00+00:00", "2021-11-10"])
def test_since_takes_a_time(text: str) -> None:
    assert since(text).isoformat()[:10] == "2021-11-10"


def test_since_takes_how_long_ago() -> None:
    now = datetime(2021, 11, 10, 17, 40, tzinfo=UTC)
    assert since("2h", now) == datetime(2021, 11, 10, 15, 40, tzinfo=UTC)
    assert since("3d", now) == datetime(2021, 11, 7, 17, 40, tzinfo=UTC)


@pytest.mark.parametrize("text", ["yesterday", "", "2999-01-01", "2 hours", "99999999d"])
def test_since_takes_nothing_else(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"is no time|in the future"):
        since(text)


def test_what_is_no_alert_is_left_out_and_does_not_come_again(emulator: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    topic = emulator.topic("alerts")
    good = json.dumps(an_alert()).encode()
    for data in (b"not json", b"[]", b'"x"', b"{}", json.dumps(an_alert("s2", entries=[])).encode(), good):
        emulator.publisher.publish(topic, data).result()

    shown = threading.Event()

    class Shown(Printer):
        def __call__(self, data: bytes) -> None:
            super().__call__(data)
            shown.set()

    future = receive(emulator.subscription(topic), Shown("text", Console(file=io.StringIO())))
    assert shown.wait(20)
    future.cancel()
    future.result(timeout=20)
    assert capsys.readouterr().err.count("is no alert and is left out") == 5
    assert emulator.received(topic) == []
