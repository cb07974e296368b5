"""`vedette topics status`: what is there, what waits, and what went wrong."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cloud import PROJECT, Cloud
from google.pubsub_v1 import types

from pipelines import cli
from pipelines.topics import status

MINE = f"projects/{PROJECT}"


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, list[str]]:
    """What was printed: the words of each line after its first word."""
    assert cli.main(["topics", "status", *arguments]) == 0
    return {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines() if line.strip()}


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def test_the_embedded_server_tells_what_waits_and_what_is_in_hand(emulator: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    topic = emulator.topic("bells")
    emulator.subscriber.create_subscription(
        request=types.Subscription(name=f"{MINE}/subscriptions/grave", topic=topic, filter="attributes:grave")
    )
    for n in range(5):
        emulator.publisher.publish(topic, str(n).encode()).result(timeout=20)
    emulator.subscriber.pull(subscription=emulator.subscription(topic), max_messages=2)
    lines = told(capsys)
    backlog, _, _, *counts = lines["bells"]
    assert (backlog, counts) == ("5", ["2", "2", "0", "0"]), "leased, delivered, acknowledged, dead"
    assert lines["grave"] == ["0", "-", "0", "0", "0", "0"]
    assert "attributes:grave" in lines
    assert "5 published" in " ".join(lines["since"])


def test_dead_letters_are_counted_by_stage_and_reason_and_stay_where_they_are(
    emulator: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    topic = emulator.topic("dead-letters")
    for reason in ("http-status", "not-a-feed", "http-status"):
        emulator.publisher.publish(topic, b"{}", stage="PollFeeds", reason=reason).result(timeout=20)
    cli.main(["topics", "status"])
    out = capsys.readouterr().out
    assert "PollFeeds        http-status         2" in out
    assert "PollFeeds        not-a-feed          1" in out
    assert len(emulator.received(topic)) == 3
    assert list(emulator.publisher.list_topic_subscriptions(topic=topic)) == [emulator.subscription(topic)]


def test_no_dead_letters_are_said_too(emulator: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    emulator.topic("dead-letters")
    assert told(capsys)["no"] == ["dead", "letters:", "dead-letters", "retains", "none"]


def test_a_topic_of_dead_letters_that_is_not_there_is_said(emulator: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys)["no"] == ["dead", "letters:", "there", "is", "no", "topic", "dead-letters"]


def test_another_pubsub_tells_how_things_are_set_up_and_what_it_cannot_tell_is_said(
    emulator: Cloud, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "_held", lambda pubsub: None)  # as Google's service answers: it knows no such call
    cli.main(["topics", "apply", "--watch", "islands"])
    lines = told(capsys)
    assert lines["detect-islands"] == [
        "entries",
        "none",
        *["ack_deadline", "1m,", "retention", "7d,", "expiration", "never,", "retry", "at", "once"],
    ]
    assert lines["alerts"] == ["7d", "vedette-alert", "(JSON)"]
    assert "Cloud Monitoring, which this command does not ask" in " ".join(lines["Google's"])


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "-"), (0.2, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (timedelta(days=3).total_seconds(), "3 d")],
)
def test_ages_are_said_as_people_say_them(seconds: float | None, words: str) -> None:
    assert status.age(seconds) == words
