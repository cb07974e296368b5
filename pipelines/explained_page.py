"""An explanation as a page of HTML, complete in itself: no script, no font, nothing from elsewhere."""

from __future__ import annotations

from html import escape
from pathlib import Path
from string import Template

from pipelines.explained import FIELDS, ExplainedActor, ExplainedSignal, Explanation, details, parties, verdict
from pipelines.explained_text import why
from pipelines.marking import ACTOR, SIGNAL, Mark, Piece, pieces
from schemas.records import iso
from schemas.watch import Watch

COLUMNS = ("actor", "code", "kind", "role on the day", "as it stands there", "why")

TEMPLATE = Path(__file__).with_name("explained_page.html")


def page(told: Explanation, watch: Watch) -> str:
    """The page as text."""
    entry = told.entry
    summary = f"<p>{_marked(told, 'summary')}</p>" if entry.summary else ""
    text = "".join(f"<p>{p}</p>" for p in _marked(told, "text").split("\n") if p.strip())
    link = f'<a href="{escape(entry.url)}">{escape(entry.url)}</a>' if entry.url.startswith(("http://", "https://")) else ""
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        watch=escape(watch.title),
        name=escape(entry.title or entry.text[:80] or entry.summary[:80]),
        title=_marked(told, "title"),
        verdict=escape(verdict(told)),
        published=escape(iso(entry.time)[:16].replace("T", " ")),
        link=f" · {link}" if link else "",
        body=summary + text,
        signals="".join(_signal(n, s) for n, s in enumerate(told.signals, 1)) or "<p>No signal is read in it.</p>",
        actors="".join(map(_actor, told.actors)),
    )


def _marked(told: Explanation, name: str) -> str:
    assert name in FIELDS
    html, before = [], frozenset[Mark]()
    for piece in pieces(getattr(told.entry, name), told.marks(name)):
        signals = frozenset(m for m in piece.marks if m.kind == SIGNAL)
        html.append(_piece(told, piece, apart=bool(before and signals - before)))
        before = signals
    return "".join(html)


def _piece(told: Explanation, piece: Piece, apart: bool) -> str:
    going_on = tuple(m for m in piece.marks if m.kind == SIGNAL and m not in piece.ending)
    tags = "".join(_tag(told, m) for m in piece.ending)
    return _wrapped(told, escape(piece.text), piece.marks, apart) + (_wrapped(told, tags, going_on) if tags else "")


def _wrapped(told: Explanation, html: str, marks: tuple[Mark, ...], apart: bool = False) -> str:
    """`apart`: a signal begins where another one is marked to here."""
    if not marks:
        return html
    classes = sorted({_class(told, m) for m in marks}) + ["apart"] * apart
    titles = "; ".join(_title(told, m) for m in marks)
    return f'<mark class="{" ".join(classes)}" title="{escape(titles)}">{html}</mark>'


def _class(told: Explanation, mark: Mark) -> str:
    return f"actor {told.actors[mark.number].actor.kind}" if mark.kind == ACTOR else told.signals[mark.number].signal.direction


def _title(told: Explanation, mark: Mark) -> str:
    if mark.kind == ACTOR:
        actor = told.actors[mark.number].actor
        return actor.name + (f", {actor.role}" if actor.role else "")
    signal = told.signals[mark.number]
    return f"{signal.label} ({signal.signal.modality})"


def _tag(told: Explanation, mark: Mark) -> str:
    if mark.kind == ACTOR:
        actor = told.actors[mark.number].actor
        return f'<span class="tag">{escape(actor.code or actor.kind)}</span>'
    n = mark.number + 1
    return f'<sup><a href="#signal-{n}">{n}</a></sup>'


def _signal(number: int, each: ExplainedSignal) -> str:
    signal = each.signal
    rows = "".join(
        f"<dt>{escape(name)}</dt><dd>{_code(words) if name in ('pattern', 'needs') and each.pattern else escape(words)}</dd>"
        for name, words in (*why(each), *details(signal))
    )
    return (
        f'<section id="signal-{number}" class="card {signal.direction}"><h3><b>{number}</b> {escape(each.label)} '
        f'<small>{escape(signal.modality)}</small></h3><p class="parties">{escape(parties(signal))}</p>'
        f"<blockquote>{escape(signal.evidence)}</blockquote><dl>{rows}</dl></section>"
    )


def _code(words: str) -> str:
    pattern, _, where = words.partition("   ")
    return f"<code>{escape(pattern)}</code>" + (f" <small>{escape(where)}</small>" if where else "")


def _actor(each: ExplainedActor) -> str:
    actor = each.actor
    shown = dict.fromkeys(m.text + (f" ({m.holder})" if m.holder else "") for m in actor.mentions)
    cells = (actor.name, actor.code, actor.kind, actor.role, ", ".join(shown), ", ".join(dict.fromkeys(each.why)))
    return "<tr>" + "".join(f'<td data-name="{n}">{escape(c)}</td>' for n, c in zip(COLUMNS, cells, strict=True)) + "</tr>"
