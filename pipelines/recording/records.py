"""A recording: the entries of a past crisis, in files that a person can edit.

A recording is a directory:

    outlets.yaml    title, when the recording begins, and the outlets with the quirks of their feeds
    *.yaml          the entries, in files of any name, each a list under `entries`

An entry names its outlet and the time it appeared; `copies` are other outlets that run the same wording, `edits` are
later versions of it. What is older than `begins` is in the feeds before anybody polls them (backfill).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

OUTLETS = "outlets.yaml"
FIRST_SECONDS = 0.8  # a first new entry comes at once: whoever starts it wants to see it move

Pace = Literal["even", "proportional"]
M = TypeVar("M", bound="BaseModel")
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times faster where PyYAML has its C part


class RecordingError(Exception):
    """The recording cannot be used: names file, line and field."""


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


Moment = Annotated[datetime, AfterValidator(_utc)]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


class _Lines(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Outlet(_Lines):
    """Who publishes, and how the feed is built.

    slug          short name, unique: entries refer to it
    home          address of the site, without a slash at the end; a real recording should use a reserved domain
    about         one line for a reader of the file
    format        RSS 2.0, Atom or JSON Feed 1.1
    guids         "url" (the permalink), "opaque" (a tag URI), "none" (RSS without guid; Atom and JSON Feed need one)
    dated         whether the entries carry a date
    utc_offset    hours east of UTC in which the feed writes its dates
    html          summaries are marked up as HTML paragraphs
    breaks_every  every n-th answer is broken: a server error, a body cut off, a page of HTML, in turn; 0 for never
    """

    slug: Slug
    name: str = Field(min_length=1)
    home: str = Field(pattern=r"^https?://[^/]+$")
    about: str = ""
    format: Literal["rss", "atom", "json"] = "rss"
    guids: Literal["url", "opaque", "none"] = "url"
    dated: bool = True
    utc_offset: int = Field(default=0, ge=-12, le=14)
    html: bool = False
    breaks_every: int = Field(default=0, ge=0)


class _Edit(_Lines):
    at: Moment
    title: str = ""
    summary: str = ""
    text: str = ""


class _Copy(_Lines):
    outlet: str
    at: Moment
    title: str = ""


class _Entry(_Lines):
    """One entry of a file. `decoy` says that it is not about the crisis (for tests and readers; it is not served)."""

    at: Moment
    outlet: str
    slug: Slug
    title: str = Field(min_length=1)
    summary: str
    text: str = ""
    decoy: bool = False
    edits: tuple[_Edit, ...] = ()
    copies: tuple[_Copy, ...] = ()


class _EntriesFile(_Lines):
    entries: tuple[_Entry, ...]


class _OutletsFile(_Lines):
    title: str
    begins: Moment
    outlets: tuple[Outlet, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Version:
    """One version of an entry: what its outlet's feed shows of it from `at` on.

    id         "outlet/slug", the same for all versions of an entry
    published  when the first version appeared; `at`: when this one did
    number     1 for the first version
    """

    id: str
    at: datetime
    published: datetime
    number: int
    outlet: Outlet
    title: str
    summary: str
    text: str
    decoy: bool

    @property
    def url(self) -> str:
        return f"{self.outlet.home}/{self.published:%Y/%m/%d}/{self.id.partition('/')[2]}"

    @property
    def guid(self) -> str:
        """The identity the feed gives the entry, "" if it gives none."""
        if self.outlet.guids == "none" and self.outlet.format == "rss":
            return ""
        if self.outlet.guids == "url":
            return self.url
        return f"tag:{self.outlet.home.partition('//')[2]},{self.published:%Y-%m-%d}:{self.id.partition('/')[2]}"


@dataclass(frozen=True)
class Recording:
    """All versions of all entries, in order of time, then id."""

    title: str
    begins: datetime
    outlets: tuple[Outlet, ...]
    versions: tuple[Version, ...]

    @classmethod
    def load(cls, directory: Path | str) -> Recording:
        """Read a recording's directory. Raises RecordingError if a file is missing or wrong."""
        directory = Path(directory)
        head = _read(directory / OUTLETS, _OutletsFile)
        outlets = {outlet.slug: outlet for outlet in head.outlets}
        versions: dict[tuple[str, int], Version] = {}
        for path in sorted(p for p in directory.glob("*.yaml") if p.name != OUTLETS):
            for i, entry in enumerate(_read(path, _EntriesFile).entries):
                try:
                    for version in _versions(entry, outlets):
                        if versions.setdefault((version.id, version.number), version) is not version:
                            raise ValueError(f"slug: {entry.slug!r} stands twice for {version.outlet.slug}")
                except ValueError as e:
                    raise RecordingError(f"{path}:{_line(path, ('entries', i))}: entries.{i}.{e}") from None
        if not versions:
            raise RecordingError(f"{directory}: there are no entries in it")
        ordered = sorted(versions.values(), key=lambda v: (v.at, v.id, v.number))
        return cls(head.title, head.begins, head.outlets, tuple(ordered))

    def schedule(self, pace: Pace, seconds: float) -> tuple[float, ...]:
        """When each version appears: seconds after the first poll, 0 for backfill, the last one at `seconds`.

        "even" spaces them evenly: a detector runs on the dates in the entries, so quiet weeks need not be sat through.
        "proportional" keeps the rhythm of the recorded time.
        """
        held = sum(v.at < self.begins for v in self.versions)
        new = self.versions[held:]
        if not new:
            return (0.0,) * held
        first = min(FIRST_SECONDS, seconds)
        start, last = new[0].at, new[-1].at
        if pace == "even" or start == last:
            shares = [i / max(1, len(new) - 1) for i in range(len(new))]
        else:
            shares = [(v.at - start) / (last - start) for v in new]
        return (0.0,) * held + tuple(first + share * (seconds - first) for share in shares)


def entries(recording: Recording) -> Iterator[dict[str, Any]]:
    """The recording as lines of a backtest's input, in order of time: every version, an edit under the id of its entry.

    `published` is the time the version appeared, for outlets whose feed has no dates too: a backtest has no other clock.
    """
    for version in recording.versions:
        yield {
            "id": version.id,
            "feed": f"{version.outlet.home}/feed",
            "outlet": version.outlet.name,
            "url": version.url,
            "title": version.title,
            "summary": version.summary,
            "published": version.at.isoformat(),
            "text": version.text,
        }


def _versions(entry: _Entry, outlets: dict[str, Outlet]) -> Iterator[Version]:
    runs = [(entry.outlet, entry.at, entry.title), *((c.outlet, c.at, c.title or entry.title) for c in entry.copies)]
    for slug, at, title in runs:
        if slug not in outlets:
            raise ValueError(f"outlet: {slug!r} is not in {OUTLETS}")
        if at < entry.at:
            raise ValueError("copies: a copy cannot be older than the entry")
        yield Version(f"{slug}/{entry.slug}", at, at, 1, outlets[slug], title, entry.summary, entry.text, entry.decoy)
    latest = entry.at
    title, summary, text = entry.title, entry.summary, entry.text
    for number, edit in enumerate(entry.edits, start=2):
        if edit.at <= latest:
            raise ValueError("edits: an edit must be later than what it edits")
        latest = edit.at
        title, summary, text = edit.title or title, edit.summary or summary, edit.text or text
        outlet = outlets[entry.outlet]
        yield Version(f"{outlet.slug}/{entry.slug}", edit.at, entry.at, number, outlet, title, summary, text, entry.decoy)


def _read(path: Path, model: type[M]) -> M:
    try:
        text = path.read_text(encoding="utf-8")
        return model.model_validate(yaml.load(text, Loader=_Loader))
    except FileNotFoundError:
        raise RecordingError(f"{path}: the file is missing") from None
    except (OSError, UnicodeDecodeError) as e:
        raise RecordingError(f"{path}: cannot be read: {e}") from None
    except yaml.YAMLError as e:
        mark = getattr(e, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise RecordingError(f"{where}: is not YAML: {getattr(e, 'problem', None) or e}") from None
    except ValidationError as e:
        first = e.errors(include_url=False)[0]
        loc = first["loc"]
        raise RecordingError(f"{path}:{_line(path, loc)}: {'.'.join(map(str, loc))}: {first['msg']}") from None


def _line(path: Path, loc: tuple[str | int, ...]) -> int:
    """The line on which the field at `loc` stands, or the last part of it that is there."""
    node = yaml.compose(path.read_text(encoding="utf-8"), Loader=_Loader)
    line = node.start_mark.line if node else 0
    for key in loc:
        if isinstance(node, yaml.SequenceNode) and isinstance(key, int):
            node = node.value[key]
            line = node.start_mark.line
            continue
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        found = next(((k, v) for k, v in pairs if k.value == key), None)
        if found is None:
            break
        line, node = found[0].start_mark.line, found[1]
    return line + 1
