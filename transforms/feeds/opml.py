"""The list of feeds: an OPML file (http://opml.org/spec2.opml) with one `<outline xmlUrl="...">` per feed.

The outlet is the outline's `outlet` attribute, else its `title`, else its `text`: an outlet with several feeds gives each
its own `text` and all of them the same `outlet`. Outlines without an `xmlUrl` that hold others are groups.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from xml.parsers import expat

from schemas.config import ConfigError, Problem
from transforms.feeds.clean import plain_line
from transforms.feeds.fetch import FetchError, parse_url

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Feed:
    """A feed of the list: its URL, who publishes it, the groups it stands in from the outside in, and its line."""

    url: str
    outlet: str
    title: str = ""
    groups: tuple[str, ...] = ()
    line: int = 0

    @property
    def host(self) -> str:
        return (urlsplit(self.url).hostname or "").lower()

    @property
    def name(self) -> str:
        """The URL without the name and password it may hold: what the feed is called outside of the poller."""
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def parse_opml(data: bytes, name: str) -> tuple[Feed, ...]:
    """The feeds of an OPML document, in its order. `name` stands in the errors.

    Raises ConfigError with every problem: broken XML, an outline with neither `xmlUrl` nor children, a URL that is not
    http or https, a feed listed twice, no feed at all.
    """
    outlines = _outlines(data, name)
    feeds: dict[str, Feed] = {}
    problems = []
    for outline in outlines:
        problem = _problem(outline, feeds)
        if problem:
            problems.append(Problem(name, outline.line, *problem))
        elif outline.url:
            feeds[outline.url] = Feed(outline.url, outline.outlet, outline.title, outline.groups, outline.line)
    if not feeds and not problems:
        problems.append(Problem(name, 0, "", "lists no feed"))
    if problems:
        raise ConfigError(problems)
    return tuple(feeds.values())


def read_opml(path: Path | str) -> tuple[Feed, ...]:
    """The feeds of an OPML file. Raises ConfigError as `parse_opml` does, and if the file cannot be read."""
    return parse_opml(read_local(str(path)), str(path))


def read_local(path: str) -> bytes:
    """The bytes of a local file. Raises ConfigError if it cannot be read."""
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise ConfigError([Problem(path, 0, "", "the file is missing")]) from None
    except OSError as e:
        raise ConfigError([Problem(path, 0, "", f"cannot be read: {e}")]) from None


def shard_of(host: str, shards: int) -> int:
    """The shard that polls a host: the same in every process and release, so that one worker keeps a host's turns."""
    return int.from_bytes(hashlib.sha256(host.encode("idna" if host.isascii() else "utf-8")).digest()[:8], "big") % shards


class FeedList:
    """The feeds file, read again at every `refresh`. A bad edit keeps the last good list and is reported once."""

    def __init__(self, path: str, read: Callable[[str], bytes] = read_local) -> None:
        self.path, self._read = path, read
        self._data: bytes | None = None
        self._error = ""
        self.feeds: tuple[Feed, ...] | None = None

    def refresh(self) -> ConfigError | None:
        """Take in what the file says now. The error, the first time that it is seen; `feeds` is None until a list was good."""
        try:
            data = self._read(self.path)
            if data != self._data:
                self.feeds, self._data = parse_opml(data, self.path), data
            self._error = ""
        except ConfigError as e:
            if str(e) != self._error:
                self._error = str(e)
                return e
        return None


@dataclass
class _Outline:
    line: int
    attributes: dict[str, str]
    groups: tuple[str, ...]
    children: int = 0

    def _get(self, *names: str) -> str:
        found = (plain_line(self.attributes.get(name.lower(), "")) for name in names)
        return next((value for value in found if value), "")

    @property
    def url(self) -> str:
        return self.attributes.get("xmlurl", "").strip()

    @property
    def title(self) -> str:
        return self._get("text", "title")

    @property
    def outlet(self) -> str:
        return self._get("outlet", "title", "text") or (urlsplit(self.url).hostname or "")


def _outlines(data: bytes, name: str) -> list[_Outline]:
    parser = expat.ParserCreate()
    found: list[_Outline] = []
    stack: list[_Outline | None] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if not stack and tag.lower() != "opml":
            raise ConfigError([Problem(name, parser.CurrentLineNumber, tag, "is no OPML: the root must be <opml>")])
        outline = None
        if tag.lower() == "outline":
            around = [o for o in stack if o is not None]
            if around:
                around[-1].children += 1
            lower = {key.lower(): value for key, value in attributes.items()}
            outline = _Outline(parser.CurrentLineNumber, lower, tuple(o.title for o in around if o.title))
            found.append(outline)
        stack.append(outline)

    def refuse(*_: object) -> None:
        raise ConfigError([Problem(name, parser.CurrentLineNumber, "", "declares entities, which a list of feeds must not")])

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda tag: stack.pop()
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as e:
        raise ConfigError([Problem(name, e.lineno, "", f"is not XML: {expat.ErrorString(e.code)}")]) from None
    return found


def _problem(outline: _Outline, feeds: dict[str, Feed]) -> tuple[str, str] | None:
    """Field and message of what is wrong with an outline."""
    if not outline.url:
        if "xmlurl" in outline.attributes or not outline.children:
            return "xmlUrl", f"the outline {outline.title!r} has no feed URL"
        return None
    try:
        parse_url(outline.url)
    except FetchError as e:
        return "xmlUrl", str(e)
    if outline.url in feeds:
        return "xmlUrl", f"{Feed(outline.url, '').name} is listed twice, first on line {feeds[outline.url].line}"
    return None
