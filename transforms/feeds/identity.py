"""Which entry an item is: one seen before, an edit of it, or a new one.

An entry's id is the hash of the feed's URL (without a password it may hold) and of the item's identity when it was first seen:

    its guid                         if no other item of the document has it
    guid and link                    if the guid is shared (feeds that give every item the same guid)
    link, in canonical form          if there is no guid
    guid or link, and the title      if these are shared as well
    title, summary and date          if there is neither

The feed's URL is part of it, so feeds never collide; the same article in two feeds of an outlet gives two entries with
the same words, which the fold puts into one story like any syndicated copy.

Guids change: sites move to https, change their software, or number their items anew every day. So each entry is also
known by other keys:

    its guid without scheme and host (after Feedbin)
    its link, if it looks like an article's (a number or a few words in it); any other link only together with the title
    its title, date and the beginning of its text, all three the same

An item that matches one of them, while no item of the document has the guid, is the entry it was, edited if its words
differ. (A measure of likeness, as NewsBlur's, would find more and take the daily briefing for yesterday's.) And if most
of a document would be new at once while nearly all of those titles are known, the feed was given new guids and links, and
what has a known title is not new (the re-key guard).
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from transforms.feeds.document import Item
from transforms.feeds.state import Known

REKEY_ITEMS, REKEY_NEW, REKEY_KNOWN = 5, 0.6, 0.8
MAX_EDITS = 24  # of one entry, the limit of lemon24/reader: beyond it a feed is churning, not editing
SHARED = 3  # items under one guid or link: it names none of them, nor will it tomorrow
MAX_KEYS = 10  # of one entry: those it has now and those it had before, for what was changed may be changed back
BEGINNING = 500  # characters of a text that tell whether it is the same
_ARTICLE = re.compile(r"\d{5}|[^/?=&#_-]+(?:[_-][^/?=&#_-]+){2}")  # in the path or query: a number, or three words
_TRACKING = re.compile(
    r"(utm_\w+|fbclid|gclid|dclid|msclkid|mc_[ce]id|igshid|at_(medium|campaign|custom\d)|ocid|cmpid|ref_src|smid)=.*"
    r"|amp(=.*)?|outputtype=amp"
)


@dataclass(frozen=True)
class Recognised:
    """An item and its entry: `known` is None for a new one; `keys` are what it will be recognised by; `rekeyed`: it is known
    by its title only, under the re-key guard."""

    item: Item
    entry_id: str
    known: Known | None
    keys: tuple[str, ...]
    rekeyed: bool = False


def recognise(feed: str, items: Sequence[Item], known: Mapping[str, Known]) -> list[Recognised]:
    """Say of each item which entry it is; `feed` is the feed's name. Exact repeats within the document are left out."""
    items = tuple(dict.fromkeys(items))
    known_by = defaultdict(list)
    for entry_id, entry in known.items():
        for key in entry.keys:
            known_by[key].append(entry_id)
    names = [(item.guid, canonical(item.link)) for item in items]
    guids, links, pairs = Counter(guid for guid, _ in names), Counter(link for _, link in names), Counter(names)
    for guid, link in set(names):  # what many entries share stays shared where a document shows only one of them
        guids[guid] += SHARED * (_shared(guid) in known_by)
        links[link] += SHARED * (_shared(link) in known_by)
        pairs[guid, link] += SHARED * (_shared(guid, link) in known_by)
    ids: dict[str, tuple[Item, tuple[str, ...]]] = {}
    for item in items:
        identity = _identity(item, guids, links, pairs)
        entry_id = _hash(feed, identity, digits=16)
        if entry_id not in ids:
            ids[entry_id] = item, _keys(item, identity, guids, links)
    taken: set[str] = set(ids.keys() & known.keys())

    def find(keys: Sequence[str]) -> str | None:
        # What was edited too often is a page that carries ever other news, and is found by its guid only.
        return next((i for k in keys for i in known_by.get(k, ()) if i not in taken and known[i].version < MAX_EDITS), None)

    found: dict[str, str] = {entry_id: entry_id for entry_id in taken}
    for entry_id, (_, keys) in ids.items():
        if entry_id not in found and (earlier := find(keys[:-1])):
            found[entry_id] = earlier
            taken.add(earlier)
    rekeyed: set[str] = set()
    fresh = [entry_id for entry_id in ids if entry_id not in found]
    if len(ids) >= REKEY_ITEMS and len(fresh) >= REKEY_NEW * len(ids):
        titled = [entry_id for entry_id in fresh if find(ids[entry_id][1][-1:])]
        if len(titled) >= REKEY_KNOWN * len(fresh):
            for entry_id in titled:
                if earlier := find(ids[entry_id][1][-1:]):
                    found[entry_id] = earlier
                    taken.add(earlier)
                    rekeyed.add(entry_id)

    def recognised(entry_id: str, item: Item, keys: tuple[str, ...]) -> Recognised:
        entry = known.get(found.get(entry_id, ""))
        guid, link = item.guid, canonical(item.link)
        counted = ((guids[guid], (guid,)), (links[link], (link,)), (pairs[guid, link], (guid, link)))
        marks = [_shared(*names) for count, names in counted if count >= SHARED]
        keys = tuple(filter(None, dict.fromkeys((*keys, *marks, *(entry.keys if entry else ())))))[:MAX_KEYS]
        return Recognised(item, found.get(entry_id, entry_id), entry, keys, entry_id in rekeyed)

    return [recognised(entry_id, item, keys) for entry_id, (item, keys) in ids.items()]


@lru_cache(maxsize=4096)  # asked four times of each link
def canonical(link: str) -> str:
    """A link without what does not tell articles apart: scheme, "www.", tracking parameters, a closing slash, marks of AMP."""
    try:
        parts = urlsplit(link)
        host = (parts.hostname or "").removeprefix("www.").removeprefix("amp.")
        port = f":{parts.port}" if parts.port not in (None, 80, 443) else ""
    except ValueError:
        return link
    if not host:
        return link
    query = "&".join(p for p in parts.query.split("&") if p and not _TRACKING.fullmatch(p.lower()))
    path = parts.path.rstrip("/").removesuffix("/amp")
    return host + port + path + (f"?{query}" if query else "") + (f"#{parts.fragment}" if parts.fragment else "")


def _identity(item: Item, guids: Counter[str], links: Counter[str], pairs: Counter[tuple[str, str]]) -> str:
    link = canonical(item.link)
    if item.guid and guids[item.guid] == 1:
        return f"guid\x1f{item.guid}"
    if item.guid and link and pairs[item.guid, link] == 1:
        return f"guid+link\x1f{item.guid}\x1f{link}"
    if not item.guid and link and links[link] == 1:
        return f"link\x1f{link}"
    if item.guid or link:
        return f"title\x1f{item.guid}\x1f{link}\x1f{item.title}" + ("" if item.title else f"\x1f{item.summary}")
    return f"text\x1f{item.title}\x1f{item.summary}\x1f{item.published}"


def _keys(item: Item, identity: str, guids: Counter[str], links: Counter[str]) -> tuple[str, ...]:
    """Keys to recognise the item by, the title's last: that one counts under the re-key guard only."""
    title = item.title.casefold()
    keys = [_hash("identity", identity)]
    path = re.match(r"https?://[^/]+/(.+)", item.guid)
    if path and guids[item.guid] == 1:
        keys.append(_hash("path", path[1]))
    link = canonical(item.link)
    if link and links[link] == 1:
        if _ARTICLE.search(link.partition("/")[2] or link.partition("?")[2]):
            keys.append(_hash("article", link))
        elif title:
            keys.append(_hash("link", link, title))
    if item.published is not None:
        keys.append(_hash("same", title, (item.summary or item.text)[:BEGINNING], str(item.published)))
    return (*keys, _hash("title", title or item.summary.casefold()))


def _shared(*names: str) -> str:
    return _hash("shared", *names) if any(names) else ""


def _hash(*parts: str, digits: int = 12) -> str:
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:digits]
