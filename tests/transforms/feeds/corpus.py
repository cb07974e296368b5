"""Reads whole collections of feeds, and mutations of them, and keeps the books: items in = entries out + dead letters.

    python tests/transforms/feeds/corpus.py --archives ../shared/feeds --mutations 20000        (make feeds-corpus)

The archives are the test data of other projects (feedparser, gofeed, feed-rs, miniflux, mediacloud, lemon24/reader). It
stands among the tests, not the benchmarks, because it passes or fails; it is only too long to run at every commit.
How many items a document has is counted here by expat where the XML is well-formed, and by their tags where it is not.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
import tarfile
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any
from xml.parsers import expat

sys.path.insert(0, str(Path(__file__).parents[3]))

from mutations import mutate

from schemas.entry import Entry
from schemas.records import from_json, to_json
from transforms.feeds.document import Document, from_bytes, to_bytes
from transforms.feeds.fetch import Response
from transforms.feeds.intake import Outcome, take_in
from transforms.feeds.opml import Feed
from transforms.feeds.parse import read_document
from transforms.feeds.recent import RecentReader
from transforms.feeds.state import FeedState

OWN = Path(__file__).parents[2] / "data/feeds"
BUDGET = 10.0  # seconds for one document, the poller's own
NOW = 1_638_792_000_000_000
FEED = Feed("https://harbour.example/feed", "Harbour Wire")
_MARK = re.compile(rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<(?:[\w.-]+:)?(item|entry)(?=[\s/>])", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True)
class Account:
    """What became of one document.

    begun    items that it has: `exact` if its XML or JSON is well-formed, else as many as have a start tag
    emitted  entries out, with the exact repeats that are one entry; dead: items that ended in a dead letter
    refused  it is no feed, and is one dead letter as a whole
    wrong    what should not have happened, "" if nothing
    """

    begun: int = 0
    exact: bool = False
    emitted: int = 0
    dead: int = 0
    refused: bool = False
    seconds: float = 0.0
    wrong: str = ""

    @property
    def unaccounted(self) -> int:
        return 0 if self.refused else max(0, self.begun - self.emitted - self.dead)

    @property
    def beyond(self) -> int:
        return 0 if self.refused else max(0, self.emitted + self.dead - self.begun)

    @property
    def is_wrong(self) -> bool:
        return bool(self.wrong or self.unaccounted)


class Hang(BaseException):
    """A document takes longer than its budget; no handler of errors may catch it."""


def account(body: bytes, *before: bytes) -> Account:
    """Read the document as the poller does, take it in, and say what became of each of its items.

    `before` are earlier states of the feed, after which it must be read no differently.
    """
    begun = time.perf_counter()
    signal.signal(signal.SIGALRM, _hang)
    signal.setitimer(signal.ITIMER_REAL, BUDGET)
    try:
        return _account(body, before, begun)
    except Hang:
        return Account(seconds=BUDGET, wrong=f"takes longer than {BUDGET:g} s")
    except Exception as e:
        return Account(seconds=time.perf_counter() - begun, wrong=f"raises {type(e).__name__}: {e}")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _account(body: bytes, before: tuple[bytes, ...], started: float) -> Account:
    document = read_document(body, "", FEED.url)
    seconds = time.perf_counter() - started
    response = Response(200, FEED.url, {}, body=body)
    taken = take_in(FEED, FeedState(due=0), Outcome(NOW, None, response, document, "0" * 16), 900.0)
    exact, items = _items_of(body, document)
    wrong = ""
    reader = RecentReader()
    for earlier in before:
        reader.read(earlier, "", FEED.url)
    if reader.read(body, "", FEED.url) != document:
        wrong = "it is read otherwise by who has read an earlier state of the feed"
    elif from_bytes(to_bytes(document)) != document:
        wrong = "the document changes on its way between processes"
    elif any(from_json(Entry, to_json(entry)) != entry for entry in taken.entries):
        wrong = "an entry changes on its way between processes"
    elif len(taken.entries) + taken.counts["repeats"] != len(document.items):
        wrong = f"{len(document.items)} items were read, {len(taken.entries)} entries came out"
    elif len(taken.failures) < len({(bad.reason, bad.payload) for bad in document.bad_items}):
        wrong = "an item that could not be read has no dead letter"
    elif not document.is_feed and [failed.subject for failed in taken.failures] != [FEED.name]:
        wrong = "a document that is no feed has no dead letter of its own"
    return Account(
        begun=items,
        exact=exact,
        emitted=len(taken.entries) + taken.counts["repeats"],
        dead=sum(bad.items for bad in document.bad_items),
        refused=not document.is_feed,
        seconds=seconds,
        wrong=wrong,
    )


def _items_of(body: bytes, document: Document) -> tuple[bool, int]:
    if document.kind == "json":
        return True, len(json.loads(body.decode("utf-8-sig")).get("items", []))
    count = 0

    def start(name: str, _: Any) -> None:
        nonlocal count
        count += name.rpartition(":")[2].lower() in ("item", "entry")

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError):
        return False, sum(1 for mark in _MARK.finditer(body.replace(b"\0", b"")) if mark[1])
    return True, count


def _hang(number: int, frame: FrameType | None) -> None:
    raise Hang


def archived(directory: Path) -> Iterator[tuple[str, str, bytes]]:
    """(archive, name, bytes) of every file of the archives in a directory, licences left out."""
    for path in sorted(directory.glob("*.tar.gz")):
        with tarfile.open(path) as tar:
            for member in sorted(tar.getmembers(), key=lambda m: m.name):
                if member.isfile() and "LICENSE" not in member.name and (file := tar.extractfile(member)):
                    yield path.name.removesuffix(".tar.gz"), member.name, file.read()


def own() -> Iterator[tuple[str, str, bytes]]:
    """The same of the feeds that we wrote."""
    for path in sorted(OWN.iterdir()):
        if path.suffix != ".yaml":
            yield "our own", path.name, path.read_bytes()


def _work(job: tuple[str, str, bytes, int]) -> tuple[str, str, int, Account]:
    group, name, body, mutation = job
    return group, name, mutation, account(mutate(body, f"{name} {mutation}"), body) if mutation else account(body)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--archives", type=Path, default=Path("../shared/feeds"), help="directory of *.tar.gz")
    options.add_argument("--mutations", type=int, default=20_000, help="in all (default: 20,000)")
    args = options.parse_args()
    files = [*own(), *archived(args.archives)]
    if len({group for group, _, _ in files}) == 1:
        print(f"SKIPPED: there are no archives (*.tar.gz) in {args.archives}; only our own feeds are read. Give --archives.\n")
    jobs = [(*file, 0) for file in files]
    jobs += [(*files[i % len(files)], 1 + i // len(files)) for i in range(args.mutations)]
    begun = time.perf_counter()
    with ProcessPoolExecutor(os.cpu_count()) as workers:
        done = list(workers.map(_work, jobs, chunksize=50))
    rows: dict[tuple[str, str], list[Account]] = defaultdict(list)
    for group, name, mutation, result in done:
        rows[group, "mutations" if mutation else "as they are"].append(result)
        if result.is_wrong:
            print(f"WRONG {group}: {name} (mutation {mutation}): {result}")
    _print(rows)
    took = time.perf_counter() - begun
    bad = sum(result.is_wrong for accounts in rows.values() for result in accounts)
    print(f"\n{len(done):,} documents in {took:.0f} s, {bad} wrong")
    return 1 if bad else 0


def _print(rows: dict[tuple[str, str], list[Account]]) -> None:
    head = ("archive", "documents", "", "no feed", "items", "= entries", "+ dead", "lost", "beyond", "slowest", "wrong")
    form = "{:<26}{:>12} {:<12}{:>9}{:>10}{:>11}{:>9}{:>7}{:>8}{:>10}{:>7}"
    print(form.format(*head))
    total: list[Account] = []
    for (group, kind), accounts in [*sorted(rows.items()), (("all", ""), total)]:
        if group != "all":
            total += accounts
        feeds = [a for a in accounts if not a.refused]
        print(
            form.format(
                group, f"{len(accounts):,}", kind, f"{len(accounts) - len(feeds):,}", f"{sum(a.begun for a in feeds):,}",
                f"{sum(a.emitted for a in feeds):,}", f"{sum(a.dead for a in feeds):,}", sum(a.unaccounted for a in feeds),
                sum(a.beyond for a in feeds), f"{max(a.seconds for a in accounts):.2f} s", sum(a.is_wrong for a in accounts),
            )
        )  # fmt: skip
    print(
        "\nno feed: refused as a whole, one dead letter each. items: counted by another parser than the one that reads. "
        "lost: items neither\nemitted nor dead. beyond: items found in broken markup whose tags are too broken to be counted "
        "(items + beyond = entries + dead)."
    )


if __name__ == "__main__":
    sys.exit(main())
