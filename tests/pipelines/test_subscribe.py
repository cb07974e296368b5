"""subscribe: an alert as a person and as a program receives it, each once."""

from __future__ import annotations

import io
import json
import threading
from dataclasses import replace
from typing import Any

import pytest
from cloud import Cloud
from factories import NOON, a_claim, a_signal, a_story, a_story_entry, a_watch
from rich.console import Console

from pipelines.subscribe import Once, Printer, receive, text_of
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


def test_a_person_reads_how_grave_it_is_what_is_said_by_whom_and_why_it_alerts() -> None:
    text = text_of(an_alert()).plain
    assert text.splitlines()[0] == " HIGH  2020-05-02 12:00  islands  trigger  Norland [red]gathers[/] ships"
    assert "build-up (asserted)  Norland → Sudland" in text
    assert "“ships [bold]gather[/bold] off \\”, according to the harbour master" in text
    assert "named: Norland" in text
    assert "why: new in this watch: build-up  (1 entry, 1 independent, 1 outlet)" in text
    assert "Plain News  https://plain.example/entry-1" in text


def test_only_the_first_six_new_signals_are_told() -> None:
    signal = an_alert()["signals"][0]
    text = text_of(an_alert(signals=[{**signal, "evidence": f"words {n}"} for n in range(9)])).plain
    assert "words 5" in text
    assert "words 6" not in text
    assert "and 3 more" in text


def test_an_alert_is_shown_once_however_often_it_comes() -> None:
    alert, other = json.dumps(an_alert()).encode(), json.dumps(an_alert("story-2")).encode()
    assert printed(alert, alert, other).count("build-up (asserted)") == 2


def test_a_program_reads_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    alert = an_alert()
    printed(json.dumps(alert).encode(), json.dumps(alert).encode(), form="json")
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == alert


def test_the_memory_of_what_was_shown_is_bounded() -> None:
    once = Once(size=2)
    assert [once.first(id_) for id_ in "abcab"] == [True] * 5
    assert not once.first("b")


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
