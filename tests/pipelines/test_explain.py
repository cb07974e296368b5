"""`vedette explain`: a text with its actors and signals, and why each was read. The texts are ours."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from html import unescape
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from factories import a_signal
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from pipelines import alone, cli
from pipelines.backtest import backtest
from pipelines.detect import DetectAlerts
from pipelines.explain import entry_from, explain
from pipelines.explained import ExplainedSignal, Explanation, details, verdict
from pipelines.explained_page import page
from pipelines.explained_text import lines, screen
from pipelines.marking import ACTOR, SIGNAL, Mark, pieces
from pipelines.usage import UsageError
from schemas.entry import Entry
from schemas.records import iso, to_dict
from schemas.watch import Watch, load_watch

sys.path.insert(0, str(Path(__file__).parents[1] / "transforms" / "feeds"))

from feed_server import http, serving

ROOT = Path(__file__).parents[2]
DAY = "2022-02-06"
TEXT = """UK PM warns Putin of <b>tough</b> sanctions as Russia masses 130,000 troops near Ukraine's border
Boris Johnson said Moscow could invade within days. The alliance has sent jets to Lithuania, NATO said.
Macron will hold talks with Zelensky in Kyiv & Odesa on Tuesday."""


def no_web(url: str, published: int) -> Entry:
    raise AssertionError(url)


@pytest.fixture(scope="module")
def watch() -> Watch:
    return load_watch(ROOT / "watches" / "ukraine")


@pytest.fixture(scope="module")
def told(watch: Watch) -> Explanation:
    return explain(entry_from(TEXT, DAY, no_web), watch)


def test_it_reads_what_a_backtest_reads(told: Explanation, watch: Watch, tmp_path: Path) -> None:
    line = to_dict(told.entry) | {"published": DAY, "seen_at": DAY}
    (tmp_path / "in.jsonl").write_text(json.dumps(line), encoding="utf-8")
    backtest(DetectAlerts(watch, in_order=True), tmp_path / "in.jsonl", tmp_path / "out")
    read = json.loads((tmp_path / "out" / "entries.jsonl").read_bytes())
    assert [to_dict(a.actor) for a in told.actors] == read["actors"]
    assert [to_dict(s.signal) for s in told.signals] == read["signals"]
    assert (told.outcome, told.relevance) == (read["outcome"], read["relevance"])
    assert to_dict(told.judgement) == read["judgement"]


def test_every_signal_names_the_pattern_that_stands_in_its_line_of_the_file(told: Explanation) -> None:
    by_pattern = [s for s in told.signals if s.pattern]
    assert by_pattern
    for signal in by_pattern:
        name, _, line = signal.where.partition(":")
        assert signal.pattern[:20] in (ROOT / "watches" / name).read_text(encoding="utf-8").splitlines()[int(line) - 1]


def test_cue_and_roles_are_words_of_the_text(told: Explanation) -> None:
    places = [(s.signal.field, p) for s in told.signals for p in (s.cue, *(p for ps in s.roles.values() for p in ps)) if p]
    assert places
    assert [p.text for f, p in places] == [getattr(told.entry, f)[p.start : p.end] for f, p in places]
    (alleged,) = (s for s in told.signals if s.signal.modality == "alleged")
    assert alleged.cue is not None
    assert alleged.cue.text == "said"


def test_it_tells_who_somebody_is_on_the_day_and_why_the_words_name_them(told: Explanation) -> None:
    actors = {a.actor.name: a for a in told.actors}
    assert (actors["Boris Johnson"].actor.code, actors["NATO"].actor.code) == ("GBRGOV", "IGOWSTNAT")
    assert [m.holder for m in actors["United Kingdom"].actor.mentions] == ["Boris Johnson"]
    assert dict(zip([m.text for m in actors["NATO"].actor.mentions], actors["NATO"].why, strict=True)) == {
        "The alliance": "a noun that means it, as the entry names it",
        "NATO": "a name of the list",
    }


def test_the_page_needs_nothing_from_elsewhere_and_lets_no_markup_of_the_text_through(told: Explanation, watch: Watch) -> None:
    html = page(told, watch)
    assert re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?([^\"'#)>]+)", html) == []
    assert "<script" not in html
    assert "<b>tough" not in html
    heading = re.search(r"<h1>(.*?)</h1>", html, re.S)
    assert heading
    words = unescape(re.sub(r'<span class="tag">.*?</span>|<sup>.*?</sup>|<[^>]+>', "", heading[1]))
    assert words == told.entry.title


def test_where_one_signal_ends_and_another_begins_can_be_seen(told: Explanation, watch: Watch) -> None:
    (first, *_), words = told.signals, told.entry.title.split()
    middle = len(" ".join(words[:3]))

    def over(start: int, end: int) -> ExplainedSignal:
        return replace(first, signal=replace(first.signal, field="title", start=start, end=end))

    touching = replace(told, actors=(), signals=(over(0, middle), over(middle, len(told.entry.title))))
    apart = replace(told, actors=(), signals=(over(0, middle - 2), over(middle, len(told.entry.title))))
    assert (page(touching, watch).count(' apart"'), page(apart, watch).count(' apart"')) == (1, 0)


@pytest.mark.parametrize("shown", ["page", "screen"])
def test_page_and_screen_show_every_actor_and_every_signal(told: Explanation, watch: Watch, shown: str) -> None:
    if shown == "page":
        words = unescape(re.sub(r"<[^>]+>", " ", page(told, watch)))
    else:
        console = Console(width=300, record=True, file=StringIO())
        console.print(screen(told, watch))
        words = console.export_text()
    wanted = {w for a in told.actors for w in (a.actor.name, a.actor.code, a.actor.role)} | {s.label for s in told.signals}
    wanted |= {s.signal.evidence for s in told.signals} | {s.where for s in told.signals} | {verdict(told)}
    wanted |= {told for s in told.signals for told in (s.signal.attributed_to, s.signal.unit, s.signal.when, s.signal.place)}
    wanted |= {told for s in told.signals for told in (s.signal.earliest, s.signal.latest, s.signal.plover, s.signal.cameo)}
    assert {w for w in wanted if w not in words} == set()


@pytest.mark.parametrize(
    ("changes", "row"),
    [
        ({"quantity": 90_000, "unit": "troops", "bound": "most"}, ("how many", "at most 90,000 troops")),
        ({"quantity": 90_000, "unit": "troops", "bound": "least"}, ("how many", "at least 90,000 troops")),
        ({"quantity": 90_000, "bound": "about"}, ("how many", "about 90,000")),
        ({"quantity": 3, "unit": "ships"}, ("how many", "3 ships")),
        ({"earliest": "2022-02-08", "latest": "2022-02-08"}, ("on which days", "2022-02-08")),
        ({"earliest": "2022-02-07", "latest": "2022-02-13"}, ("on which days", "2022-02-07 to 2022-02-13")),
        ({"earliest": "2022-02-07"}, ("on which days", "2022-02-07 or later")),
        ({"latest": "2022-02-13"}, ("on which days", "2022-02-13 or earlier")),
        ({"place": "Norland"}, ("where", "Norland")),
        ({"plover": "MOBILIZE:troops", "cameo": "154"}, ("PLOVER", "MOBILIZE:troops")),
        ({"plover": "MOBILIZE:troops", "cameo": "154"}, ("CAMEO", "154")),
    ],
)
def test_a_detail_is_a_row_of_its_own_and_what_is_not_said_is_none(changes: dict[str, Any], row: tuple[str, str]) -> None:
    bare = details(a_signal())
    assert [name for name, _ in bare] == ["confidence"]
    assert row in details(a_signal(**changes))


@pytest.mark.parametrize("width", [40, 80, 300])
def test_no_line_ends_in_blanks(told: Explanation, watch: Watch, width: int) -> None:
    shown = list(lines(Console(width=width, file=StringIO()), told, watch))
    assert len(shown) > 20
    assert [line for line in shown if line != line.rstrip()] == []
    assert shown[-1]


def test_a_stage_that_fails_on_the_text_is_named(
    watch: Watch, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OverflowError("cannot convert")

    monkeypatch.setattr(alone, "signalled", fails)
    assert cli.main(["explain", TEXT, "--watch", str(watch.directory)]) == 2
    assert "vedette explain: TagSignals failed on it: OverflowError: cannot convert; `detect` would" in capsys.readouterr().err


@pytest.mark.parametrize("width", [80, 100, 140])
def test_an_actor_is_a_line_on_screens_of_any_width(told: Explanation, watch: Watch, width: int) -> None:
    console = Console(width=width, record=True, file=StringIO())
    console.print(screen(told, watch))
    lines = [line.rstrip() for line in console.export_text().splitlines()]
    assert "Boris Johnson  GBRGOV  person, Prime Minister of the United Kingdom" in lines
    assert "    “Russia”: a name of the list; “Moscow”: a seat of government" in lines


def test_an_entry_that_is_not_relevant_is_read_as_the_graph_reads_it(watch: Watch, tmp_path: Path) -> None:
    texts = ("Storm closes schools along the coast", "Shakhtar Donetsk beat Dynamo Kyiv with a late goal", "Sturm an der Küste")
    found = [explain(replace(entry_from(text, DAY, no_web), id=f"e{n}"), watch) for n, text in enumerate(texts)]
    lines = [json.dumps(to_dict(each.entry)) for each in found]
    (tmp_path / "in.jsonl").write_text("\n".join(lines), encoding="utf-8")
    backtest(DetectAlerts(watch, in_order=True), tmp_path / "in.jsonl", tmp_path / "out")
    read = [json.loads(line) for line in (tmp_path / "out" / "entries.jsonl").open("rb")]
    assert [(e.entry.id, e.gated, e.outcome, e.relevance) for e in found] == [
        (r["id"], r["gated"], r["outcome"], r["relevance"]) for r in sorted(read, key=lambda r: r["id"])
    ]
    assert {e.judgement for e in found} == {None}


def test_the_command_writes_the_page_and_answers_in_json(
    told: Explanation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    html = tmp_path / "page.html"
    file = tmp_path / "text.txt"
    file.write_text(TEXT, encoding="utf-8")
    args = ["explain", str(file), "--watch", str(ROOT / "watches" / "ukraine"), "--published", DAY, "--html", str(html)]
    assert cli.main([*args, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == to_dict(told)
    assert html.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_what_is_not_read_is_said_to_be_not_read(watch: Watch) -> None:
    french = explain(entry_from("Macron reçoit Zelensky à l'Élysée", DAY, no_web), watch)
    assert (french.actors, french.signals) == ((), ())
    assert verdict(french) == "Not read: it is not in a language that the watch reads."


# What can be explained


def test_the_first_line_of_a_text_is_its_title() -> None:
    entry = entry_from("A title\n\nAnd a text.", DAY, no_web)
    assert (entry.title, entry.text, iso(entry.time)[:10]) == ("A title", "And a text.", DAY)


def test_a_long_paragraph_has_no_title() -> None:
    entry = entry_from("word " * 100, DAY, no_web)
    assert (entry.title, len(entry.text)) == ("", 499)


def test_a_page_in_a_file_is_taken_apart(tmp_path: Path) -> None:
    said = "The harbour was closed to all ferries for the {}th day, the harbour master said."
    article = "".join(f"<p>{said.format(n)}</p>" for n in range(4, 9))
    file = tmp_path / "page.html"
    head = "<html><head><title>Harbour closed</title></head><body><nav>Home</nav>"
    file.write_text(f"{head}<article>{article}</article></body></html>")
    entry = entry_from(str(file), DAY, no_web)
    assert entry.title == "Harbour closed"
    assert "8th day" in entry.text
    assert "Home" not in entry.text


def test_a_recorded_entry_keeps_its_day_and_its_fields(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "log.jsonl"
    file.write_text('{"id": "e7", "title": "T", "summary": "S", "published": "2021-12-03T08:00Z"}\n{"id": "e8"}\n')
    entry = entry_from(str(file), "", no_web)
    assert (entry.id, entry.title, entry.summary, iso(entry.time)) == ("e7", "T", "S", "2021-12-03T08:00:00+00:00")
    assert capsys.readouterr().err == f"{file}: only line 1 is explained, the first of 2 entries\n"
    assert iso(entry_from(str(file), "2022-01-01", no_web).time)[:10] == "2022-01-01"


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [("x.txt", b"\xff\xfe", "is not UTF-8"), ("x.json", b"{", "is no recorded entry"), ("x.jsonl", b"", "is no recorded entry"),
     ("x.html", b"", "the page is empty"), ("x.txt", b" \n", "there is no text"),
     ("x.json", b'{"a": "', "unterminated string starting at column 7$")],
)  # fmt: skip
def test_a_file_that_says_nothing_is_refused_with_the_reason(tmp_path: Path, name: str, content: bytes, complaint: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=complaint):
        entry_from(str(tmp_path / name), DAY, no_web)


@pytest.mark.parametrize(
    ("what", "complaint"),
    [("no-file.txt", "there is no such file"), ("NO-FILE.JSONL", "there is no such file"),
     ("no/file.md", "there is no such file"), (".", "is a directory"), ("/", "is a directory"),
     ("ftp://a.example/b", "is no http or https URL"), ("http://", "is no http or https URL"),
     ("https://[", "is no URL"), ("http://a.example:x/", "is no URL")],
)  # fmt: skip
def test_what_was_meant_for_a_file_or_an_address_is_not_read_as_a_text(what: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=re.escape(what) + f"'?:? {complaint}"):
        entry_from(what, DAY, no_web)


@pytest.mark.parametrize("text", ["War", "Kyiv.", "A/B", "https://a.example/b says that", "see notes.txt", "x" * 10_000])
def test_a_text_may_begin_or_end_as_a_name_does(text: str) -> None:
    entry = entry_from(text, DAY, no_web)
    assert entry.title + entry.text == text


def test_a_day_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="is no ISO 8601 time"):
        entry_from("text", "yesterday", no_web)


PAGE = (
    "<html><head><title>Ferries turn back</title></head><body><article>"
    + "".join(f"<p>Two ferries turned back on day {n} before the strait was closed to all traffic.</p>" for n in range(6))
    + "</article></body></html>"
)


def test_an_article_is_fetched_as_collect_fetches_it(capsys: pytest.CaptureFixture[str]) -> None:
    with serving() as server:
        url = server.on("/article", http(body=PAGE, Content_Type="text/html"))
        server.on("/robots.txt", http(404))
        args = ["explain", url, "--watch", str(ROOT / "watches" / "ukraine"), "--format", "json"]
        assert cli.main(args) == 2
        assert server.requests == []  # a loopback address is not for everybody
        refused = capsys.readouterr().err
        assert refused.count("not a public address") == 1
        assert "--allow-local-addresses fetches it all the same" in refused
        gone = server.on("/gone", http(404))
        assert cli.main(["explain", gone, *args[2:], "--allow-local-addresses"]) == 2
        assert "Save the page and give the file" in capsys.readouterr().err
        assert cli.main([*args, "--allow-local-addresses"]) == 0
    entry = json.loads(capsys.readouterr().out)["entry"]
    assert (entry["title"], entry["url"]) == ("Ferries turn back", url)
    assert "on day 5" in entry["text"]


# Marks


@given(
    st.text(max_size=30),
    st.lists(st.tuples(st.sampled_from([ACTOR, SIGNAL]), st.integers(0, 3), st.integers(0, 40), st.integers(0, 40)), max_size=6),
)
def test_pieces_are_the_text_and_every_mark_ends_once(text: str, drawn: list[tuple[str, int, int, int]]) -> None:
    marks = [Mark(*d) for d in drawn]
    cut = list(pieces(text, marks))
    assert "".join(p.text for p in cut) == text
    for mark in set(marks):
        under = "".join(p.text for p in cut if mark in p.marks)
        assert under == (text[mark.start : mark.end] if mark.start < mark.end else "")
        assert sum(p.ending.count(mark) for p in cut) == (marks.count(mark) if under else 0)


def test_of_marks_that_end_together_the_inner_one_ends_first() -> None:
    outer, inner = Mark(SIGNAL, 0, 0, 6), Mark(ACTOR, 1, 4, 6)
    assert [(p.text, p.ending) for p in pieces("I see X.", [outer, inner])] == [("I se", ()), ("e ", (inner, outer)), ("X.", ())]


def test_what_of_a_long_text_is_not_read_in_full_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "article.txt"
    path.write_text("Putin and Biden\n" + "Putin and Biden will meet on Tuesday in Geneva. " * 70, encoding="utf-8")
    assert cli.main(["explain", str(path), "--watch", "ukraine", "--published", "2022-01-20"]) == 0
    assert "sentences that may say something are read by patterns only" in capsys.readouterr().err
    assert cli.main(["explain", "Putin and Biden will meet on Tuesday", "--watch", "ukraine"]) == 0
    assert "read by patterns only" not in capsys.readouterr().err
