"""Story: the development that several entries report, as it stands after its latest report."""

from __future__ import annotations

from schemas.records import Micros, record
from schemas.report import Actor, Signal


@record
class StoryEntry:
    """One entry of a story. `duplicate_of` is the id of the entry whose wording it repeats, None if it is its own report."""

    id: str
    version: int
    time: Micros
    outlet: str
    url: str
    title: str
    duplicate_of: str | None = None
    backfill: bool = False


@record
class Claim:
    """One thing a story says, however many of its entries say it.

    key         what makes two signals the same claim: type, modality, source, target and size class of the quantity
    signal      the signal that said it first, with its evidence
    entry_id    the entry that said it first
    first_said  time of that entry
    revision    the story's revision that brought the claim
    outlets     who said it in wording of their own (copies do not count), in order of arrival
    novelty     1.0 if the watch had not heard the claim within its memory, else the weight of restated background
    """

    key: str
    signal: Signal
    entry_id: str
    first_said: Micros
    revision: int
    outlets: tuple[str, ...]
    novelty: float


@record
class Factor:
    """One factor of a severity: its name, its value (a multiplier) and the words that explain it."""

    name: str
    value: float
    why: str


@record
class Judgement:
    """What the alert policy says of a story's revision.

    severity  INFO, LOW, MEDIUM, HIGH or CRITICAL; rank 0..4 for comparison; score 0..10
    factors   what the score is the product of, for the claim that decided it
    alert     whether the revision is worth an alert; reason: why, or why not, in one sentence
    changed   keys of the claims that are news and count: this revision's and those held back before (they make the alert's
              identity)
    held      keys of the claims that quiet hours hold back: they are news to the next revision as well
    """

    severity: str
    rank: int
    score: float
    factors: tuple[Factor, ...]
    alert: bool
    reason: str
    changed: tuple[str, ...]
    held: tuple[str, ...] = ()


@record
class Story:
    """A story at one revision. Each folded entry that is no replay makes one.

    id             hash of watch and founding entry: the same log gives the same id
    final_id       the id after merges (the same as `id` where none happened): of a story that was merged into another, the
                   other's; a later revision of that one names this in `absorbed`
    revision       1 for the first report
    title          of the entry that says most (see transforms/stories)
    entries        at most 50, the newest last; `entry_count` counts all
    origin_count   entries that are no duplicates of another: independent reports
    outlets        distinct, in order of arrival
    claims         all claims so far, in order of arrival
    latest         id of the entry that made this revision; `relation` as in Report
    alerted_rank   rank of the last alert raised for the story, -1 if none was; `alerted_at` its entry's time
    judgement      the policy's, None until it was asked
    alerts         how many alerts were raised, this revision's included
    reached_rank   highest rank of its judgements, whether they alerted or not; -1 before the first
    named          how many entries name each of `actors`
    held           keys of claims that the judgement before this revision's held back
    absorbed       ids of the stories that turned out to be this one, and were merged into it
    """

    id: str
    final_id: str
    watch: str
    revision: int
    title: str
    first_time: Micros
    last_time: Micros
    entries: tuple[StoryEntry, ...]
    entry_count: int
    origin_count: int
    outlets: tuple[str, ...]
    actors: tuple[Actor, ...]
    claims: tuple[Claim, ...]
    latest: str
    relation: str
    alerted_rank: int = -1
    alerted_at: Micros | None = None
    judgement: Judgement | None = None
    alerts: int = 0
    reached_rank: int = -1
    named: tuple[int, ...] = ()
    held: tuple[str, ...] = ()
    absorbed: tuple[str, ...] = ()
