"""Watch: what to look out for, as a folder of files. A new crisis is a new folder, not new code.

    watches/shared/actors.yaml    actors of world news that every watch knows
    watches/shared/signals.yaml   the taxonomy of signals and the patterns that find them
    watches/NAME/watch.yaml       what the watch is about, and its policy
    watches/NAME/actors.yaml      actors of its own (optional)
    watches/NAME/feeds.opml       the feeds it reads (optional: a watch may read another's entries)

`shared` is looked for beside the watch's folder.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Mapping
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from schemas.config import ConfigError, Problem, Settings, line_of, read_yaml
from schemas.release import release
from schemas.taxonomy import Taxonomy

SHARED = "shared"
NAME = r"^[a-z][a-z0-9-]{1,40}$"
"""Of a watch: it becomes a part of the names of subscriptions."""


Code = Annotated[str, Field(pattern=r"^([A-Z]{3})*$")]
"""Letters in groups of three, as CAMEO and PLOVER write an actor: first the country, then what it does there."""


Sector = Literal[
    "", "COP", "GOV", "JUD", "LEG", "MIL", "PRM", "PTY", "REB", "SPY", "UAF", "AGR", "BUS", "CRM", "CVL", "EDU", "ELI", "JRN",
    "LAB", "MED", "REF", "OPP", "REL", "SOC",
]  # fmt: skip
"""The sectors of PLOVER 2.0 for actors of a country; "" if none is known."""


class Office(Settings):
    """An office an actor holds from one date until the day before another (None: open).

    sector  PLOVER sector of who holds it, "" to read it off the title ("Chief of the General Staff": MIL, else GOV)
    of      canonical name of the actor whose office it is, where that is not the state of who holds it ("NATO")
    """

    title: str
    sector: Sector = ""
    of: str = ""
    since: date | None = None
    until: date | None = None


class ActorSpec(Settings):
    """One actor of a list.

    name        canonical English name: the commonest short name in the news
    id          "wikidata:Q..." where known; else made from the name
    kind        state, person, government, military, organization or group
    state       canonical name of the state it acts for, "" if none
    aliases     other names; matched as they are written, with any capitals if they are all lower case
    stands_for  words that stand for it: demonyms, capitals ("Irish", "Dublin" for Ireland)
    offices     titles held, with dates: the role of a mention is the one held when the entry was published
    seats       capitals and buildings that stand for a state's government unless they are only where something happens
    short_names names too common to count by themselves ("Johnson", "Georgia"): they do beside a full name, after a title
                of the actor's office, or where the entry has a word of `context`
    context     words (as written) that make a short name certain
    decoys      longer phrases in which one of the names means something else ("Washington Post")
    code        CAMEO code: ISO 3166 alpha-3 of a state ("POL"), CAMEO's own of an international actor ("IGOWSTNAT");
                "" where it is made from the state's code and the sector ("POL" + "GOV")
    sector      PLOVER sector ("GOV", "MIL", "SPY", "REB", ...); of a person while no office is held
    nouns       nouns that mean the actor once the entry has named it ("alliance" for NATO: "the alliance")
    since, until  the days a state of the past began and was over
    then_called names of another actor of today that meant this one in that time (Prague for Czechoslovakia)
    """

    name: str
    id: str = ""
    kind: Literal["state", "person", "government", "military", "organization", "group"]
    state: str = ""
    aliases: tuple[str, ...] = ()
    stands_for: tuple[str, ...] = ()
    offices: tuple[Office, ...] = ()
    seats: tuple[str, ...] = ()
    short_names: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    decoys: tuple[str, ...] = ()
    code: Code = ""
    sector: Sector = ""
    nouns: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    then_called: tuple[str, ...] = ()


class ActorsFile(Settings):
    actors: tuple[ActorSpec, ...]


class Sides(Settings):
    """Who stands where in the crisis, as canonical actor names.

    challenger  the side whose attack is watched for
    target      the side it is aimed at
    backers     who supports the target
    """

    challenger: tuple[str, ...]
    target: tuple[str, ...]
    backers: tuple[str, ...] = ()


class Gate(Settings):
    """The wide lexical gate: an entry passes if it names an actor, or one who acts for it, a term or a place.

    terms   in any capitals; a * at the end stands for any ending
    places  towns, regions and waters of the target: to name one is to name the target
    """

    actors: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


class Relevance(Settings):
    """Similarity to the description decides behind the gate.

    description  texts that say what the watch is about, as a headline writer would
    decoys       texts near the subject that are not meant: sport, culture, other conflicts
    threshold    least relevance (0..1) of a relevant entry
    """

    description: tuple[str, ...] = Field(min_length=1)
    decoys: tuple[str, ...] = ()
    threshold: float = Field(default=0.5, ge=0, le=1)


class Folding(Settings):
    """When reports are one story. Times run on log time: the largest entry time folded so far.

    horizon_hours  a story that has had no report for so long is closed
    same_story     least affinity of a report to its story, where few stories are open (transforms/stories/placing.py)
    same_text      least cosine similarity of a duplicate to the entry it repeats
    memory_hours   how long the watch remembers a claim: said again within it, it is background
    """

    horizon_hours: float = Field(default=72, gt=0)
    same_story: float = Field(default=0.2, ge=0, le=1)
    same_text: float = Field(default=0.93, ge=0, le=1)
    memory_hours: float = Field(default=72, gt=0)


class Policy(Settings):
    """Which revisions of a story are worth a person's attention.

    min_severity         least severity of an alert
    quiet_hours          at least so long between two alerts of one story, unless the severity rises
    max_alert_age_hours  an entry older than the log time by more never triggers
    restated             novelty of a claim that the watch has heard within its memory
    """

    min_severity: Literal["INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL"] = "MEDIUM"
    quiet_hours: float = Field(default=6, ge=0)
    max_alert_age_hours: float = Field(default=48, gt=0)
    restated: float = Field(default=0.2, ge=0, le=1)


class WatchFile(Settings):
    """watch.yaml."""

    name: str = Field(pattern=NAME)
    title: str
    languages: tuple[str, ...] = ("en",)
    sides: Sides
    gate: Gate
    relevance: Relevance
    folding: Folding = Folding()
    policy: Policy = Policy()


class Parser(Settings):
    """A spaCy model whose parser reads the sentences of a watch.

    model    as spaCy loads it: an installed package, or the directory of a model
    release  what it calls itself, with its version: "en_core_web_sm-3.8.0"
    """

    model: str
    release: str


class Watch(WatchFile):
    """A watch with all of its lists.

    directory  where it was read from (not part of what it means)
    parser     of the command line (--spacy-model), None for none; only its release is part of what the watch means
    """

    directory: Path = Field(exclude=True)
    parser: Parser | None = Field(default=None, exclude=True)
    actors: tuple[ActorSpec, ...]
    taxonomy: Taxonomy

    @cached_property
    def config_hash(self) -> str:
        """SHA-256 (hex) of everything that decides what the watch says: the release (its code and word lists), all lists, and
        the parser if there is one."""
        parsed = f"\n{self.parser.release}" if self.parser else ""
        return hashlib.sha256(f"{release()}\n{self.model_dump_json()}{parsed}".encode()).hexdigest()

    @property
    def feeds_file(self) -> Path:
        return self.directory / "feeds.opml"

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """As of any model, but with a hash of its own: pydantic copies a cached one."""
        copy = super().model_copy(update=update, deep=deep)
        copy.__dict__.pop("config_hash", None)
        return copy

    def __hash__(self) -> int:
        return hash(self.config_hash)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Watch) and self.config_hash == other.config_hash

    def __reduce__(self) -> tuple[Callable[..., Watch], tuple[str, str, bytes]]:
        """The local runner pickles every step for every bundle: the lists are pickled once, and read once in a process."""
        place = self.config_hash, str(self.directory)
        if place not in _pickled:
            _pickled[place] = pickle.dumps(self.__getstate__())
            _watches.setdefault(place, self)
        return _unpickled, (*place, _pickled[place])


_pickled: dict[tuple[str, str], bytes] = {}  # by configuration hash and directory
_watches: dict[tuple[str, str], Watch] = {}


def _unpickled(config_hash: str, directory: str, state: bytes) -> Watch:
    place = config_hash, directory
    if place not in _watches:
        watch = Watch.__new__(Watch)
        watch.__setstate__(pickle.loads(state))
        _watches[place] = watch
    return _watches[place]


def load_watch(directory: Path | str) -> Watch:
    """Read and check a watch. Raises ConfigError with every problem of every file."""
    directory = Path(directory)
    if not (directory / "watch.yaml").is_file():
        raise ConfigError([Problem(str(directory), 0, "", "is no watch: it has no watch.yaml")])
    problems: list[Problem] = []

    def read(path, model):  # type: ignore[no-untyped-def]
        try:
            return read_yaml(path, model)
        except ConfigError as e:
            problems.extend(e.problems)
            return None

    shared = directory.parent / SHARED
    head = read(directory / "watch.yaml", WatchFile)
    taxonomy = read(shared / "signals.yaml", Taxonomy)
    lists: list[tuple[Path, ActorsFile]] = []
    for path in (shared / "actors.yaml", directory / "actors.yaml"):
        if path.parent == shared or path.exists():
            actors = read(path, ActorsFile)
            if actors:
                lists.append((path, actors))
    if not problems:
        problems = _across_files(directory, head, lists)
    if problems:
        raise ConfigError(problems)
    # A watch's own entry for an actor replaces the shared one.
    by_name = {spec.name: spec for _, actors in lists for spec in actors.actors}
    return Watch(**head.model_dump(), directory=directory, actors=tuple(by_name.values()), taxonomy=taxonomy)


def _in_no_list(name: str, directory: Path) -> str:
    entry = f"- {{name: {name}, kind: state}}"
    return f"{name!r} is in none of the actor lists: add it to {directory / 'actors.yaml'}, under `actors:`, such as {entry}"


def _across_files(directory: Path, head: WatchFile, lists: list[tuple[Path, ActorsFile]]) -> list[Problem]:
    problems = []
    known = {spec.name for _, actors in lists for spec in actors.actors}
    for path, actors in lists:
        seen: set[str] = set()
        for i, spec in enumerate(actors.actors):
            if spec.name in seen:
                problems.append(
                    Problem(str(path), line_of(path, ("actors", i)), f"actors.{i}.name", f"{spec.name!r} stands twice")
                )
            seen.add(spec.name)
            if spec.state and spec.state not in known:
                message = _in_no_list(spec.state, directory)
                problems.append(Problem(str(path), line_of(path, ("actors", i, "state")), f"actors.{i}.state", message))
    path = directory / "watch.yaml"
    named: dict[tuple[str, str], tuple[str, ...]] = {
        ("sides", "challenger"): head.sides.challenger,
        ("sides", "target"): head.sides.target,
        ("sides", "backers"): head.sides.backers,
        ("gate", "actors"): head.gate.actors,
    }
    for loc, names in named.items():
        for i, name in enumerate(names):
            if name not in known:
                message = _in_no_list(name, directory)
                problems.append(Problem(str(path), line_of(path, (*loc, i)), ".".join(loc) + f".{i}", message))
    return problems
