"""An alert as a person reads it: how grave, what is new in whose words, who is named, why, and where to read on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Console
from rich.text import Text

from pipelines.wording import counted
from schemas.records import iso

SEVERITY_STYLE = {"CRITICAL": "bold white on red", "HIGH": "bold red", "MEDIUM": "bold yellow", "LOW": "cyan", "INFO": "dim"}
MOST_SIGNALS, MOST_ACTORS = 6, 8
HANGING = 2
"""Columns by which the second line of a paragraph stands further in than its first."""
NARROWEST = 40
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What could move a terminal's cursor, change its colours or turn its text round; no news needs it."""

Paragraph = tuple[int, Text]
"""How far in, in columns, and what."""


def paragraphs(alert: dict[str, Any]) -> Iterator[Paragraph]:
    """The alert (as schemas/alert.avsc has it) as paragraphs.

    Raises KeyError, TypeError, IndexError, AttributeError, ValueError or OverflowError for what is no alert.
    """
    when = iso(alert["event_time"])[:16].replace("T", " ")
    head = Text()
    head.append(f" {alert['severity']} ", SEVERITY_STYLE[alert["severity"]])
    head.append(_clean(f" {when}  {alert['watch']}  {alert['action'].lower()}  "), "dim")
    head.append(_clean(alert["headline"]), "bold")
    yield 0, head
    new = [s for s in alert["signals"] if s["new"]] or alert["signals"][:1]
    blocks = _blocks(new)
    for block in blocks[:MOST_SIGNALS]:
        yield from _block(block)
    if len(blocks) > MOST_SIGNALS:
        yield 3, Text(f"and {len(blocks) - MOST_SIGNALS} more", "dim")
    if alert["actors"]:
        names = ", ".join(_clean(a["name"]) for a in alert["actors"][:MOST_ACTORS])
        yield 3, Text.assemble(("named: ", "dim"), names)
    if alert["absorbed"]:
        yield 3, Text(_clean(f"takes in: {', '.join(alert['absorbed'])}"), "dim")
    yield 3, Text(_clean(f"why: {alert['reason']}  ({_counts(alert)})"), "dim")
    latest = alert["entries"][-1]
    yield 3, Text(_clean(f"{latest['outlet']}  {latest['url']}"), "dim")


def print_alert(console: Console, alert: dict[str, Any]) -> None:
    """Print the paragraphs and an empty line: wrapped to a terminal's width; a line each where no terminal is.

    Raises what `paragraphs` raises, before anything is printed.
    """
    width = max(console.width, NARROWEST) if console.is_terminal else 0
    lines = [line for indent, text in paragraphs(alert) for line in _wrapped(console, indent, text, width)]
    console.print(Text("\n").join([*lines, Text()]), soft_wrap=True)


def _wrapped(console: Console, indent: int, text: Text, width: int) -> Iterator[Text]:
    room = width - indent - HANGING
    lines = text.wrap(console, room) if width and text.cell_len > width - indent else [text]
    for number, line in enumerate(lines):
        line.rstrip()
        yield Text(" " * (indent + (HANGING if number else 0))) + line


def _blocks(signals: Iterable[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The signals, those together that say the same in the same words of other parties."""
    blocks: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for s in signals:
        blocks.setdefault((s["type"], s["modality"], s["evidence"], s["attributed_to"], s["entry_id"]), []).append(s)
    return list(blocks.values())


def _block(signals: list[dict[str, Any]]) -> Iterator[Paragraph]:
    signal, parties = signals[0], _clean(_parties(signals))
    colour = "green" if signal["direction"] == "deescalatory" else "red"
    told = Text.assemble((_clean(signal["label"]), colour), (_clean(f" ({signal['modality']})"), "dim"))
    yield 3, told.append(f"  {parties}" if parties else "")
    by = f", according to {signal['attributed_to']}" if signal["attributed_to"] else ""
    yield 6, Text.assemble(f"“{_clean(signal['evidence'])}”", (_clean(by), "dim"))


def _parties(signals: Iterable[dict[str, Any]]) -> str:
    """ "A, B → C" for A → C and B → C, "A → B; C → D" for pairs that share nobody."""
    targets: dict[str, list[str]] = {}
    for s in signals:
        targets.setdefault(s["source"] or "", []).append(s["target"] or "")
    sources: dict[tuple[str, ...], list[str]] = {}
    for source, theirs in targets.items():
        sources.setdefault(tuple(sorted({*theirs})), []).append(source)
    sides = ((", ".join(filter(None, names)), ", ".join(filter(None, theirs))) for theirs, names in sources.items())
    return "; ".join(filter(None, (" → ".join(filter(None, side)) for side in sides)))


def _counts(alert: dict[str, Any]) -> str:
    entries, outlets = counted(alert["entry_count"], "entry", "entries"), counted(alert["outlet_count"], "outlet")
    return f"{entries}, {alert['origin_count']} independent, {outlets}"


def _clean(text: str) -> str:
    return _CONTROLS.sub(" ", text)
