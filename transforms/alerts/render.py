"""From a judged story to the alert record that subscribers receive."""

from __future__ import annotations

import hashlib

from schemas.alert import SPEC_VERSION, Alert, AlertActor, AlertEntry, AlertSignal, Producer
from schemas.release import release
from schemas.report import Signal
from schemas.story import Claim, Story
from schemas.watch import Watch
from transforms.alerts.policy import score_story

MAX_ENTRIES = 20
MAX_ACTORS = 20
MAX_SIGNALS = 40
MAX_HEADLINE = 200
MAX_SUMMARY = 2000


def alert_id(story: Story) -> str:
    """Hash (32 hex digits) of watch, story and what changed: the severity reached and the keys of the new claims."""
    judgement = story.judgement
    assert judgement is not None
    parts = (story.watch, story.id, judgement.severity, *judgement.changed)
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def alert_of(story: Story, watch: Watch, models: tuple[str, ...] = ()) -> Alert:
    """The alert of a story whose judgement says `alert`.

    Raises ValueError if the story was not judged worth one.
    """
    judgement = story.judgement
    if judgement is None or not judgement.alert:
        raise ValueError(f"revision {story.revision} of story {story.id} was not judged worth an alert")
    scores = {s.claim.key: s.score for s in score_story(story, watch)}
    labels = {kind.type: kind.label for kind in watch.taxonomy.types}
    claims = sorted(story.claims, key=lambda c: -scores.get(c.key, 0.0))
    latest = next(e for e in reversed(story.entries) if e.id == story.latest)
    signals = tuple(
        _signal(c, labels.get(c.signal.type, c.signal.type), c.revision == story.revision or c.key in judgement.changed)
        for c in claims[:MAX_SIGNALS]
    )
    return Alert(
        spec_version=SPEC_VERSION,
        alert_id=alert_id(story),
        watch=story.watch,
        story_id=story.id,
        absorbed=story.absorbed,
        revision=story.revision,
        action="TRIGGER" if story.alerts <= 1 else "UPDATE",
        severity=judgement.severity,
        severity_rank=judgement.rank,
        score=judgement.score,
        headline=_cut(latest.title or story.title or signals[0].evidence, MAX_HEADLINE),
        summary=_cut(_summary(signals, story), MAX_SUMMARY),
        reason=judgement.reason,
        event_time=latest.time,
        first_time=story.first_time,
        factors=judgement.factors,
        signals=signals,
        actors=_actors(story),
        entries=tuple(
            AlertEntry(e.id, e.version, e.outlet, e.url, e.title, e.time, e.duplicate_of or "")
            for e in story.entries[-MAX_ENTRIES:]
        ),
        entry_count=story.entry_count,
        origin_count=story.origin_count,
        outlet_count=len(story.outlets),
        producer=Producer("vedette", release(), watch.config_hash, models),
    )


def _signal(claim: Claim, label: str, new: bool) -> AlertSignal:
    s: Signal = claim.signal
    return AlertSignal(
        type=s.type,
        label=label,
        direction=s.direction,
        modality=s.modality,
        source=s.source or "",
        target=s.target or "",
        attributed_to=s.attributed_to,
        quantity=s.quantity or 0,
        unit=s.unit,
        bound=s.bound,
        when=s.when,
        earliest=s.earliest,
        latest=s.latest,
        place=s.place,
        plover=s.plover,
        cameo=s.cameo,
        entry_id=claim.entry_id,
        field=s.field,
        start=s.start,
        end=s.end,
        evidence=s.evidence,
        outlets=claim.outlets,
        novelty=claim.novelty,
        new=new,
    )


def _actors(story: Story) -> tuple[AlertActor, ...]:
    named = sorted(zip(story.actors, story.named, strict=True), key=lambda pair: (-pair[1], pair[0].name))
    return tuple(AlertActor(a.id, a.name, a.kind, a.role, a.state, count, a.code) for a, count in named[:MAX_ACTORS])


def describe(signal: AlertSignal) -> str:
    """One line of plain text: what, of which modality, who against whom, and in whose words."""
    between = " → ".join(x for x in (signal.source, signal.target) if x)
    said = f", according to {signal.attributed_to}" if signal.attributed_to else ""
    return f"{signal.label} ({signal.modality}){': ' + between if between else ''}: “{signal.evidence}”{said}"


def _summary(signals: tuple[AlertSignal, ...], story: Story) -> str:
    lines = [describe(s) for s in signals if s.new] or [describe(s) for s in signals[:3]]
    outlets = f"{len(story.outlets)} outlets" if len(story.outlets) > 1 else "one outlet"
    copies = story.entry_count - story.origin_count
    lines.append(f"Reported by {outlets}" + (f", {copies} {'copies' if copies > 1 else 'copy'} not counted." if copies else "."))
    return "\n".join(lines)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
