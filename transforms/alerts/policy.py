"""The alert policy: which revision of a story is worth a person's attention, and why or why not.

A revision alerts if it says something new that is serious enough, or if new sources lift the story to a higher severity;
not if it is a copy that adds nothing, if the news is old, if the feed held it before the watch began, or if the story has just
alerted. The answer depends on the story alone (and on the log time), so the same log gives the same alerts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from schemas.alert import SEVERITIES
from schemas.records import MICROSECOND
from schemas.story import Claim, Judgement, Story
from schemas.watch import Watch
from transforms.alerts.severity import Scored, is_indicator, score_claim, strongest

HOUR = timedelta(hours=1) // MICROSECOND


@dataclass(frozen=True)
class AlertPolicy:
    """The policy of a watch. `alert_on_backfill` lets entries alert that the feeds held before the watch began."""

    watch: Watch
    alert_on_backfill: bool = False

    def __call__(self, story: Story, log_time: int) -> Judgement:
        """Judge the revision. `log_time`: the largest entry time folded so far (microseconds)."""
        policy = self.watch.policy
        least = SEVERITIES.index(policy.min_severity)
        scored = score_story(story, self.watch)
        decisive = strongest(scored)
        if decisive is None:
            return Judgement("INFO", 0, 0.0, (), False, "no signal in the story", ())

        copy = story.relation == "duplicate"
        new = [s for s in scored if s.rank >= least and _is_news(s.claim, story, copy)]
        raised = decisive.rank > story.reached_rank
        changed = tuple(sorted(s.claim.key for s in new))

        def verdict(alert: bool, reason: str, held: tuple[str, ...] = story.held) -> Judgement:
            kept = () if alert else held
            return Judgement(decisive.severity, decisive.rank, decisive.score, decisive.factors, alert, reason, changed, kept)

        entry = next(e for e in reversed(story.entries) if e.id == story.latest)
        if decisive.rank < least:
            return verdict(False, f"severity {decisive.severity} is below the watch's {policy.min_severity}")
        if not new and not raised:
            return verdict(False, "it says nothing serious that the story had not said")
        if copy and not new:
            return verdict(False, "it repeats the wording of another entry")
        if entry.backfill and not self.alert_on_backfill:
            return verdict(False, "the feed held it before the watch began")
        age = (log_time - entry.time) / HOUR
        if age > policy.max_alert_age_hours:
            return verdict(False, f"it is {age:.0f} h older than the news, the watch's limit is {policy.max_alert_age_hours:g} h")
        if raised and story.alerted_rank >= 0:
            return verdict(True, f"the severity rises from {SEVERITIES[story.alerted_rank]} to {decisive.severity}")
        if story.alerted_at is not None:
            since = (entry.time - story.alerted_at) / HOUR
            if since < policy.quiet_hours:
                quiet = f"the story alerted {max(since, 0):.1f} h ago at this severity, quiet for {policy.quiet_hours:g} h"
                return verdict(False, quiet, held=changed)
        if new:
            labels = sorted({_label(s.claim, self.watch) for s in new})
            return verdict(True, f"new in this watch: {', '.join(labels)}")
        return verdict(True, f"more sources lift it to {decisive.severity}")


def _is_news(claim: Claim, story: Story, copy: bool) -> bool:
    """Whether the revision brings the claim, or an earlier one was held back.

    A copy that was edited on the way may bring a claim too, but only one that the watch has not heard and of a type that the
    story did not have: another headline over the same words often puts an old claim in another way.
    """
    if claim.revision == story.revision:
        told = {c.signal.type for c in story.claims if c.revision < story.revision}
        return not copy or (claim.novelty >= 1 and claim.signal.type not in told)
    return claim.key in story.held and not copy


def score_story(story: Story, watch: Watch) -> list[Scored]:
    """The story's claims with their scores, in the story's order; a claim of a type that the watch does not know is left out."""
    kinds = {kind.type: kind for kind in watch.taxonomy.types}
    claims = [c for c in story.claims if c.signal.type in kinds]
    families = len({c.signal.type for c in claims if is_indicator(c, kinds[c.signal.type])})
    return [score_claim(c, kinds[c.signal.type], len(c.outlets), families) for c in claims]


def _label(claim: Claim, watch: Watch) -> str:
    return next(kind.label for kind in watch.taxonomy.types if kind.type == claim.signal.type)


Judge = Callable[[Story, int], Judgement]
"""What the fold asks after each revision: (story, log time in microseconds) -> judgement."""

__all__ = ["AlertPolicy", "Judge", "score_story"]
