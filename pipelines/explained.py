"""What a watch reads in one entry and why: the answer of `vedette explain`, however it is shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

from pipelines.marking import ACTOR, SIGNAL, Mark
from schemas.config import LOADER
from schemas.entry import Entry
from schemas.report import Actor, Report, Signal
from schemas.story import Judgement
from schemas.watch import SHARED, Watch
from transforms.actors.reasons import reason
from transforms.actors.tagger import tagger_for as actor_tagger_for
from transforms.signals.reasons import Place, reasons
from transforms.signals.tagger import tagger_for as signal_tagger_for

FIELDS = ("title", "summary", "text")
PATTERNS = "signals.yaml"
BOUNDS = {"most": "at most", "least": "at least", "about": "about", "": ""}


@dataclass(frozen=True)
class ExplainedActor:
    """An actor and, for each of its mentions, why the words were taken for it."""

    actor: Actor
    why: tuple[str, ...]


@dataclass(frozen=True)
class ExplainedSignal:
    """A signal and why it was read.

    label    its type in words
    pattern  the pattern that found it, "" if its meaning did
    where    file and line of the pattern, "" if there is none
    needs    what the sentence had to say as well, "" for nothing
    cue      the words that set its modality, None where pattern or type do
    roles    role -> the words that stand in it
    """

    signal: Signal
    label: str
    pattern: str = ""
    where: str = ""
    needs: str = ""
    cue: Place | None = None
    roles: dict[str, tuple[Place, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Explanation:
    """What became of an entry.

    gated, relevance, outcome  as in Report; threshold: the relevance that the watch asks for
    judgement                  the alert policy's on a story of this entry alone, None if it is not relevant
    """

    watch: str
    entry: Entry
    gated: bool
    relevance: float
    threshold: float
    outcome: str
    actors: tuple[ExplainedActor, ...]
    signals: tuple[ExplainedSignal, ...]
    judgement: Judgement | None

    def marks(self, name: str) -> list[Mark]:
        """The marks on a field of the entry: actors by their names, signals by their evidence."""
        named = [Mark(ACTOR, i, m.start, m.end) for i, a in enumerate(self.actors) for m in a.actor.mentions if m.field == name]
        said = [Mark(SIGNAL, i, s.signal.start, s.signal.end) for i, s in enumerate(self.signals) if s.signal.field == name]
        return named + said


def explanation(report: Report, judgement: Judgement | None, watch: Watch, model: str = "") -> Explanation:
    """The explanation of a report that has been through the detector."""
    actor_tagger = actor_tagger_for(watch)
    actors = tuple(ExplainedActor(a, tuple(reason(actor_tagger, a, m) for m in a.mentions)) for a in report.actors)
    return Explanation(
        watch.name,
        report.entry,
        report.gated,
        report.relevance,
        watch.relevance.threshold,
        report.outcome,
        actors,
        tuple(_signals(report, watch, model)),
        judgement,
    )


def _signals(report: Report, watch: Watch, model: str) -> Iterator[ExplainedSignal]:
    labels = {kind.type: kind.label for kind in watch.taxonomy.types}
    lines = _lines(watch.directory.parent / SHARED / PATTERNS)
    found = reasons(signal_tagger_for(watch, model), report.entry, report.actors, report.signals)
    for signal, why in zip(report.signals, found, strict=True):
        if why is None or why.pattern not in lines:
            yield ExplainedSignal(signal, labels[signal.type], cue=why.cue if why else None)
        else:
            where = f"{SHARED}/{PATTERNS}:{lines[why.pattern]}"
            yield ExplainedSignal(signal, labels[signal.type], why.pattern, where, why.needs, why.cue, why.roles)


@cache
def _lines(path: Path) -> dict[str, int]:
    """Each scalar of a YAML file -> the line on which it first stands."""
    root = yaml.compose(path.read_text(encoding="utf-8"), Loader=LOADER)
    found: dict[str, int] = {}
    for node in _scalars(root) if root else ():
        found.setdefault(node.value, node.start_mark.line + 1)
    return found


def _scalars(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.ScalarNode):
        yield node
    elif isinstance(node, yaml.CollectionNode):
        for child in node.value:
            for each in child if isinstance(child, tuple) else (child,):
                yield from _scalars(each)


def details(signal: Signal) -> list[tuple[str, str]]:
    """What else a signal says, as (name, words), without what it does not say."""
    rows = [
        ("attributed to", signal.attributed_to),
        ("how many", _amount(signal)),
        ("when", signal.when),
        ("on which days", _days(signal.earliest, signal.latest)),
        ("where", signal.place),
        ("PLOVER", signal.plover),
        ("CAMEO", signal.cameo),
        ("confidence", f"{signal.confidence:.2f}"),
    ]
    return [(name, words) for name, words in rows if words]


def _amount(signal: Signal) -> str:
    if signal.quantity is None:
        return ""
    return " ".join(filter(None, (BOUNDS[signal.bound], f"{signal.quantity:,}", signal.unit)))


def _days(earliest: str, latest: str) -> str:
    if earliest and latest:
        return earliest if earliest == latest else f"{earliest} to {latest}"
    return f"{earliest} or later" if earliest else f"{latest} or earlier" if latest else ""


def parties(signal: Signal) -> str:
    """ "Japan → Norway", with "?" for what the text does not say, "" if it says neither."""
    return f"{signal.source or '?'} → {signal.target or '?'}" if signal.source or signal.target else ""


def verdict(told: Explanation) -> str:
    """What became of the entry, in one sentence."""
    if told.outcome == "unsupported language":
        return "Not read: it is not in a language that the watch reads."
    if not told.gated:
        return "Not relevant: it names no actor and no term of the watch's gate."
    measured = f"relevance {told.relevance:.2f}, the watch asks for {told.threshold:.2f}"
    if told.judgement is None:
        return f"Not relevant: {measured}."
    judged = told.judgement
    raised = "would raise an alert" if judged.alert else "would raise no alert"
    return f"Relevant ({measured}). As a story of its own it {raised}: {judged.severity}, {judged.reason}."
