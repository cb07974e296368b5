"""Turns what feeds call text (HTML, escaped once or twice, with stray control characters) into plain text, and vets URLs."""

from __future__ import annotations

import html
import re
import unicodedata
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

MAX_MARKUP = 256 * 1024  # of one field, before it is cleaned
MAX_TITLE = 1_000
MAX_SUMMARY = 20_000
MAX_TEXT = 100_000
MAX_URL = 4_096


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_DROPPED = _words("script style head iframe noscript template object svg math form button select textarea")
_BLOCKS = _words(
    "address article aside blockquote br center dd details div dl dt fieldset figcaption figure footer h1 h2 h3 h4 h5 h6 header "
    "hr li main nav ol p pre section summary table tbody td tfoot th thead tr ul"
)
_INLINE = _words(
    "a abbr acronym area audio b bdi bdo big body caption cite code col colgroup data del dfn em embed font html i img input "
    "ins kbd label link map mark meta meter nobr param picture progress q rp rt ruby s samp small source span strike strong sub "
    "sup time title track tt u var video wbr"
)
# Left standing: tab and line feed. Gone: C0 and C1 controls, lone surrogates, marks that reorder text (bidi overrides and
# isolates), zero-width spaces, soft hyphens, the byte order mark and noncharacters.
_UNWANTED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)
_ENTITY = re.compile(r"&(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_TAG = re.compile(r"<[^<>]*>")
_MARKUP = re.compile(r"<[A-Za-z/!?]")


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._dropping: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _DROPPED:
            self._dropping.append(tag)
        elif self._dropping:
            return
        elif tag in _BLOCKS:
            self.pieces.append("\n")
        elif tag not in _INLINE and ":" not in tag and "-" not in tag:
            self.pieces.append(self.get_starttag_text() or "")  # "<y>" in "x <y> z" is text, not a tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _DROPPED:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._dropping:
            del self._dropping[self._dropping.index(tag) :]
        elif tag in _BLOCKS and not self._dropping:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._dropping:
            self.pieces.append(data)


def plain(markup: str, limit: int = MAX_TEXT) -> str:
    """The text of a piece of HTML, at most `limit` characters: paragraphs on lines of their own, one space between words."""
    text = markup[:MAX_MARKUP]
    for _ in range(2):  # feeds escape twice more often than they speak of "&amp;"
        if _MARKUP.search(text):
            text = _without_tags(text)
        unescaped = _ENTITY.sub(lambda m: html.unescape(m[0]), text)
        if unescaped == text:
            break
        text = unescaped
    return tidy(text, limit)


def plain_line(markup: str, limit: int = MAX_TITLE) -> str:
    """The text of a piece of HTML on one line, for titles."""
    return " ".join(plain(markup, limit).split())


def tidy(text: str, limit: int = MAX_TEXT) -> str:
    """Plain text with unwanted characters gone, composed (NFC), and white space evened out."""
    text = unicodedata.normalize("NFC", _UNWANTED.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))
    lines = (" ".join(line.split()) for line in text.split("\n"))
    text = "\n".join(line for line in lines if line)
    if len(text) <= limit:
        return text
    return text[:limit].rsplit(" ", 1)[0].rstrip()


def web_url(url: str, base: str = "") -> str:
    """The URL made absolute against `base`, or "" if it leads anywhere but to http and https ("javascript:...", "/path")."""
    url = "".join(_UNWANTED.sub("", url).split())
    if not url or len(url) > MAX_URL:
        return ""
    try:
        url = urljoin(base, url) if base else url
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and host else ""


def _without_tags(text: str) -> str:
    parser = _Text()
    try:
        parser.feed(text)
        parser.close()
    except AssertionError:  # html.parser's answer to "<![word[" with a word it does not know
        return _TAG.sub(" ", text)
    return "".join(parser.pieces)
