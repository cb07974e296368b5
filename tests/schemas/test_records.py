"""Records are the same after any journey: through Beam's coder, through JSON, through dictionaries."""

from __future__ import annotations

import json

import pytest
from apache_beam import coders
from factories import NOON, a_claim, a_story, an_entry, records
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import schemas
from schemas import Entry, Failure, Report, Story, failure, from_dict, from_json, iso, micros, to_dict, to_json
from schemas.alert import Alert
from schemas.entry import EARLIEST_CREDIBLE, LATEST_CREDIBLE, content_hash, credible_time
from schemas.failure import MAX_PAYLOAD
from schemas.records import FARTHEST_AHEAD, LONGEST_AGO

TRAVELLERS = (Entry, Report, Story, Failure, Alert)


@pytest.mark.parametrize("cls", TRAVELLERS)
def test_a_record_that_went_through_its_row_coder_equals_the_one_that_went_in(cls: type) -> None:
    coder = coders.registry.get_coder(cls)
    assert type(coder).__name__ == "RowCoder"

    @settings(max_examples=25)
    @given(records(cls))
    def round_trip(value: object) -> None:
        back = coder.decode(coder.encode(value))
        assert back == value
        assert hash(back) == hash(value)

    round_trip()


@pytest.mark.parametrize("cls", [Entry, Story, Failure, Alert])
def test_a_record_that_went_through_json_equals_the_one_that_went_in(cls: type) -> None:
    @settings(max_examples=25)
    @given(records(cls))
    def round_trip(value: object) -> None:
        line = to_json(value)
        assert b"\n" not in line
        assert from_json(cls, line) == value
        assert from_dict(cls, to_dict(value)) == value
        assert json.loads(line) == to_dict(value)

    round_trip()


def test_every_public_record_is_frozen_and_hashable() -> None:
    story = a_story(a_claim())
    hash(story)
    with pytest.raises(AttributeError):
        story.title = "another"  # type: ignore[misc]


def test_lists_become_tuples_so_that_records_stay_hashable() -> None:
    story = a_story(a_claim(), outlets=["Plain News"])  # type: ignore[arg-type]
    assert story.outlets == ("Plain News",)


@given(st.datetimes(timezones=st.timezones()))
def test_a_time_survives_iso_8601(moment: object) -> None:
    value = micros(moment)  # type: ignore[arg-type]
    if LONGEST_AGO <= value <= FARTHEST_AHEAD:
        assert micros(iso(value)) == value


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2021-12-04T01:00:00+01:00", "2021-12-04T00:00:00Z"),
        ("2021-12-04 00:00:00", "2021-12-04T00:00:00Z"),
        ("2021-12-04", "2021-12-04T00:00:00+00:00"),
    ],
)
def test_times_are_read_in_utc_unless_they_say_otherwise(text: str, same: str) -> None:
    assert micros(text) == micros(same)


@pytest.mark.parametrize("text", ["", "yesterday", "2021-13-01", "5"])
def test_what_is_no_time_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        micros(text)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("time", 10**30),
        ("time", LONGEST_AGO - 1),
        ("time", "soon"),
        ("published", []),
        ("version", 0),
        ("version", 2**63),
        ("title", None),
        ("backfill", "perhaps"),
    ],
)
def test_an_entry_with_a_wrong_field_is_refused_by_the_fields_name(field: str, value: object) -> None:
    with pytest.raises(ValidationError, match=field):
        from_dict(Entry, {**to_dict(an_entry()), field: value})


def test_an_entry_with_a_missing_field_is_refused_by_the_fields_name() -> None:
    record = to_dict(an_entry())
    del record["outlet"]
    with pytest.raises(ValidationError, match="outlet"):
        from_json(Entry, json.dumps(record))


def test_an_entry_of_a_later_release_with_more_fields_can_be_read() -> None:
    entry = an_entry()
    assert from_json(Entry, json.dumps({**to_dict(entry), "author": "N. N."})) == entry


def test_a_json_line_tells_times_in_words() -> None:
    assert json.loads(to_json(an_entry(time=NOON)))["time"] == "2020-05-02T12:00:00+00:00"


@pytest.mark.parametrize(
    ("published", "seen_at", "time"),
    [
        (None, NOON, NOON),
        (NOON - 5, NOON, NOON - 5),
        (NOON + LATEST_CREDIBLE, NOON, NOON + LATEST_CREDIBLE),
        (NOON + LATEST_CREDIBLE + 1, NOON, NOON),
        (EARLIEST_CREDIBLE, NOON, EARLIEST_CREDIBLE),
        (EARLIEST_CREDIBLE - 1, NOON, NOON),
        (0, NOON, NOON),
    ],
)
def test_a_feeds_date_is_believed_only_if_it_can_be_true(published: int | None, seen_at: int, time: int) -> None:
    assert credible_time(published, seen_at) == time


@given(st.tuples(st.text(), st.text(), st.text()), st.tuples(st.text(), st.text(), st.text()))
def test_different_texts_have_different_hashes(a: tuple[str, str, str], b: tuple[str, str, str]) -> None:
    if "\x1f" not in "".join(a + b):
        assert (content_hash(*a) == content_hash(*b)) == (a == b)


@given(st.text() | st.binary(), st.text(), st.text())
@example("half a pair: \ud800", "\udfff", "\ud800")
def test_any_dead_letter_can_be_written_down(payload: str | bytes, error: str, subject: str) -> None:
    dead = failure("Stage", "reason", error, subject, payload)
    coder = coders.registry.get_coder(Failure)
    assert coder.decode(coder.encode(dead)) == dead
    assert from_json(Failure, to_json(dead)) == dead


@pytest.mark.parametrize(("length", "truncated"), [(MAX_PAYLOAD, False), (MAX_PAYLOAD + 1, True)])
def test_a_dead_letter_says_whether_its_payload_was_cut(length: int, truncated: bool) -> None:
    dead = failure("Stage", "reason", "too long", payload=b"x" * length)
    assert (len(dead.payload), dead.truncated) == (MAX_PAYLOAD, truncated)


def test_the_package_exports_what_it_says() -> None:
    assert all(hasattr(schemas, name) for name in schemas.__all__)
