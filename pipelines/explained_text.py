"""An explanation on the screen."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pipelines.explained import FIELDS, ExplainedActor, ExplainedSignal, Explanation, details, parties, verdict
from pipelines.marking import ACTOR, pieces
from schemas.watch import Watch

ACTOR_STYLE = "bold underline"
DIRECTIONS = {"escalatory": "on red", "deescalatory": "on green"}


def lines(console: Console, told: Explanation, watch: Watch) -> Iterator[str]:
    """What the console would show, line by line, without the blanks that fill a line up: a file or a pipe would keep them."""
    with console.capture() as shown:
        console.print(screen(told, watch))
    return (line.rstrip() for line in shown.get().rstrip("\n").split("\n"))


def screen(told: Explanation, watch: Watch) -> Group:
    """The text with its actors and signals highlighted, then who they are and why each was read."""
    entry = told.entry
    parts: list[Text | Group] = [Text(f"{watch.name}: {verdict(told)}"), Text()]
    for name in FIELDS:
        if getattr(entry, name):
            parts += [_marked(told, name), Text()]
    parts += [_actor(each) for each in told.actors]
    for number, signal in enumerate(told.signals, 1):
        parts += [Text(), _signal(number, signal)]
    if not told.signals and told.gated:
        parts += [Text(), Text("No signal is read in it.")]
    return Group(*parts)


def _marked(told: Explanation, name: str) -> Text:
    text = Text(style="bold" if name == "title" else "")
    for piece in pieces(getattr(told.entry, name), told.marks(name)):
        styles = [
            ACTOR_STYLE if m.kind == ACTOR else DIRECTIONS[told.signals[m.number].signal.direction] for m in reversed(piece.marks)
        ]
        text.append(piece.text, " ".join(styles))
        for mark in piece.ending:
            if mark.kind == ACTOR:
                text.append(f" {told.actors[mark.number].actor.code or told.actors[mark.number].actor.kind}", "dim")
            else:
                text.append(f" [{mark.number + 1}]", "bold")
    return text


def _actor(each: ExplainedActor) -> Group:
    actor = each.actor
    told = ", ".join(filter(None, (actor.kind, actor.role)))
    head = Text.assemble((actor.name, "bold"), f"  {actor.code}" if actor.code else "", f"  {told}")
    because: dict[str, list[str]] = {}
    for mention, reason in zip(actor.mentions, each.why, strict=True):
        words = f"“{mention.text}”" + (f" ({mention.holder})" if mention.holder else "")
        if words not in because.setdefault(reason, []):
            because[reason].append(words)
    why = Text("; ".join(f"{', '.join(words)}: {reason}" for reason, words in because.items()), "dim")
    return Group(head, Padding(why, (0, 0, 0, 4), expand=False))


def _signal(number: int, each: ExplainedSignal) -> Group:
    signal = each.signal
    label = (f" {each.label} ", f"bold {DIRECTIONS[signal.direction]}")
    head = Text.assemble((f"[{number}] ", "bold"), label, f" {signal.modality}  {parties(signal)}")
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    table.add_row("evidence", Text(f"“{signal.evidence}” {signal.field}[{signal.start}:{signal.end}]"))
    for name, words in (*why(each), *details(signal)):
        table.add_row(name, Text(words))
    return Group(head, Padding(table, (0, 0, 0, 4), expand=False))


def why(each: ExplainedSignal) -> list[tuple[str, str]]:
    """Why a signal was read, as (name, words)."""
    rows = [("pattern", f"{each.pattern}   {each.where}") if each.pattern else ("pattern", "none: by what the sentence means")]
    if each.needs:
        rows.append(("needs", each.needs))
    by = f"by “{each.cue.text}”" if each.cue else "what the words mean by themselves"
    rows.append(("modality", f"{each.signal.modality}, {by}"))
    rows += [(role, ", ".join(f"“{p.text}”" for p in places)) for role, places in each.roles.items()]
    return rows
