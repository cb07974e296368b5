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

from pipelines.pubsub import LocalOrReal
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


def test_what_a_topic_retains_is_read_from_the_beginning_and_by_filter(emulator: Cloud) -> None:
    topic = emulator.topic("alerts")
    watch = ("mountains", "islands", "islands")
    sent = [emulator.publisher.publish(topic, b"x", alert_id=str(n), watch=watch[n % 3]) for n in range(1200)]
    assert all(future.result(timeout=20) for future in sent)
    assert len(emulator.received(topic)) == 1200, "a subscription that has had them all does not matter"
    pubsub = LocalOrReal()
    assert len(list(pubsub.retained(topic))) == 1200
    assert pubsub.retained_alert_ids(topic, "mountains") == {str(n) for n in range(0, 1200, 3)}
    assert pubsub.retained_alert_ids(topic, "nothing") == frozenset()


def test_reading_what_is_retained_leaves_no_subscription_behind(emulator: Cloud) -> None:
    topic = emulator.topic("alerts")
    emulator.publisher.publish(topic, b"x").result()
    assert [m.data for m in LocalOrReal().retained(topic)] == [b"x"]
    assert list(emulator.publisher.list_topic_subscriptions(topic=topic)) == [emulator.subscription(topic)]


def test_missing_topics_and_subscriptions_are_made_on_a_local_endpoint(emulator: Cloud) -> None:
    pubsub = LocalOrReal()
    topic, name = "projects/vedette-local/topics/entries", "projects/vedette-local/subscriptions/detect-islands"
    pubsub.ensure_topics(topic)
    pubsub.ensure_topics(topic)
    assert pubsub.ensure_subscription(name, topic)
    assert not pubsub.ensure_subscription(name, topic)
    retention = emulator.publisher.get_topic(topic=topic).message_retention_duration
    assert retention.days == 7


def test_against_a_real_project_nothing_is_made_and_the_commands_are_told(emulator: Cloud) -> None:
    pubsub = LocalOrReal()
    pubsub.local = False  # as if the endpoint were Google's
    topic = "projects/newsroom/topics/entries"
    with pytest.raises(
        Exception, match=r"gcloud pubsub topics create entries --project=newsroom --message-retention-duration=7d"
    ):
        pubsub.ensure_topics(topic)
    with pytest.raises(Exception, match=r"gcloud pubsub subscriptions create detect --project=newsroom --topic="):
        pubsub.ensure_subscription("projects/newsroom/subscriptions/detect", topic)


def test_a_subscription_is_moved_to_a_position_less_a_margin_or_to_the_beginning(emulator: Cloud) -> None:
    topic = emulator.topic("entries")
    for n in range(3):
        emulator.publisher.publish(topic, str(n).encode()).result()
    name = emulator.subscription(topic)
    pubsub = LocalOrReal()
    emulator.received(topic)
    for position in (None, 0):
        pubsub.seek(name, position)
        assert [m.data for m in emulator.received(topic)] == [b"0", b"1", b"2"]
