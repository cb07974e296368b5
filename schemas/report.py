"""Report: an entry together with what a watch's detector has read in it so far.

Each stage of `DetectAlerts` fills in its part: actors, gate, vector, signals, relevance, and at last the fold says which
story the report belongs to.
"""

from __future__ import annotations

from schemas.entry import Entry
from schemas.records import record


@record
class Mention:
    """Where a name stands: `entry.<field>[start:end] == text`, offsets in Unicode code points.

    holder  who held, when the entry was published, the office that follows the name of its state ("Boris Johnson" for
            "UK PM"), "" if there is none or nobody of the lists did
    """

    field: str
    start: int
    end: int
    text: str
    holder: str = ""


@record
class Actor:
    """A person, state, government body, armed force or organisation named in an entry.

    id       stable, with its scheme: "wikidata:Q7747", or "name:..." where no list knows the actor
    name     canonical English name
    kind     "state", "person", "government", "military", "organization" or "group"
    role     office held when the entry was published ("President of Ireland"), "" if none is known
    state    canonical name of the state the actor acts for, "" if none
    aliases  other names of the same actor, as the lists give them
    code     country and sector when the entry was published, in CAMEO's and PLOVER's codes ("RUS", "RUSGOV", "IGOUNO"),
             "" if unknown
    """

    id: str
    name: str
    kind: str
    role: str
    state: str
    aliases: tuple[str, ...]
    mentions: tuple[Mention, ...]
    code: str = ""


SURE = 0.88
"""Confidence from which on a signal is sure: of 301 that had it in entries that nothing was learned from, 96 in 100 were of a
labelled type, of the others 70 (docs/quality.md)."""


@record
class Signal:
    """One statement in an entry that raises or lowers the risk: `entry.<field>[start:end] == evidence`.

    type           a type of the taxonomy (watches/shared/signals.yaml), e.g. "TROOP_BUILDUP"
    direction      "escalatory" or "deescalatory"
    modality       asserted, alleged, planned, threatened, conditional, possible, denied, historical or negated
    source         canonical name of the actor who does it, None if the text does not say
    target         canonical name of the actor it is directed at, None if the text does not say
    attributed_to  who says so ("US Army Chief of Staff Gen. James McConville"), "" if nobody is named
    quantity       the number that goes with it (100000 for "nearly 100,000 troops"), None if there is none
    unit           what is counted ("troops"), "" if nothing is
    bound          what the number is: "most" ("up to"), "least" ("more than"; the lower end of a range), "about",
                   "" for the number itself
    when           the words for the time of a coming event ("as early as next month"), "" if none
    earliest       first and last day (ISO 8601) that these words mean, read on the day of the entry; "" for an open end
    latest         or no such words
    place          the words for where ("eastern Poland"), "" if none
    plover, cameo  codes of the act in the event ontologies PLOVER ("MOBILIZE:troops") and CAMEO ("154"), "" if it has none
    confidence     0..1: how sure the tagger is that the words say this
    """

    type: str
    direction: str
    modality: str
    source: str | None
    target: str | None
    field: str
    start: int
    end: int
    evidence: str
    attributed_to: str = ""
    quantity: int | None = None
    unit: str = ""
    bound: str = ""
    when: str = ""
    earliest: str = ""
    latest: str = ""
    place: str = ""
    plover: str = ""
    cameo: str = ""
    confidence: float = 1.0

    @property
    def sure(self) -> bool:
        """Whether the words are surely read so: an unsure signal is shown, but neither weighs in full nor counts as heard."""
        return self.confidence >= SURE


@record
class Comparison:
    """How near an entry was to one that the fold compared it with, and what that nearness is made of.

    entry_id      the other entry: of an open story the one nearest to this; story_id: its story
    verdict       "duplicate", "report" (of that story) or "apart"; "version" where it is the version that an update replaces
    affinity      to the story, -1..1, what "report" is decided by: of centred cosine and words, less what speaks against
    needed        least affinity of a report at that moment
    cosine        of the two vectors; `centred` without what all open reports have in common
    resemblance   of the two wordings, 0..1: the share of their runs of four words that both have, with or without headline
    same_page     whether both stand at one address
    words         share of words, 0..1, by how rare they are; `shared_words` the rarest of them
    actors        share of actors, 0..1, in the same way; `shared_actors` their names
    shared_numbers   numbers that both give
    against       what speaks against one story: "actors", "numbers", "days", "silence"
    hours         since the story's nearest entry in time
    """

    entry_id: str
    story_id: str
    verdict: str
    affinity: float
    needed: float
    cosine: float
    centred: float
    resemblance: float
    same_page: bool
    words: float
    shared_words: tuple[str, ...]
    actors: float
    shared_actors: tuple[str, ...]
    shared_numbers: tuple[str, ...]
    against: tuple[str, ...]
    hours: float


@record
class Report:
    """An entry as one watch reads it.

    position      publish time (microseconds) of the log message that brought the entry, 0 outside a log
    gated         the wide lexical gate let it pass: only then are vector and signals filled
    vector        float32 little-endian bytes of the unit vector of title and lead, b"" behind a closed gate
    relevance     0..1, similarity to the watch's description, calibrated; 0 behind a closed gate
    outcome       "" until ScoreRelevance, then "relevant", "not relevant" or "unsupported language"
    relation      "" until FoldStories, then for relevant reports "new", "report", "duplicate", "update" or "replay"
    story_id      the story it was folded into, None if it was not
    duplicate_of  id of the entry whose wording it repeats, None if it does not
    similarity    cosine to the entry that decided the fold, 0 if there was none
    compared      with whom and how near, the nearest first; what decided stands first
    revision      the revision of the story that it made, 0 if it made none
    """

    watch: str
    entry: Entry
    position: int = 0
    actors: tuple[Actor, ...] = ()
    gated: bool = False
    vector: bytes = b""
    signals: tuple[Signal, ...] = ()
    relevance: float = 0.0
    outcome: str = ""
    relation: str = ""
    story_id: str | None = None
    duplicate_of: str | None = None
    similarity: float = 0.0
    compared: tuple[Comparison, ...] = ()
    revision: int = 0

    @property
    def relevant(self) -> bool:
        return self.outcome == "relevant"
