"""Text as the matcher sees it: one letter for one letter, so that offsets stay those of the original."""

from __future__ import annotations

import unicodedata

SAME_LENGTH = {
    "‘": "'",
    "’": "'",
    "`": "'",
    "“": '"',
    "”": '"',
    "–": "-",
    "—": "-",
    "‑": "-",
    "ł": "l",
    "Ł": "L",
    "ı": "i",
    "ø": "o",
    "Ø": "O",
    "đ": "d",
}


def _table() -> dict[int, str]:
    table = {ord(k): v for k, v in SAME_LENGTH.items()}
    for code in range(0xA0, 0x250):
        base = unicodedata.normalize("NFKD", chr(code))[0]
        if base.isascii() and (base.isalpha() or base == " "):
            table.setdefault(code, base)
    for code in range(0x2000, 0x2030):
        if chr(code).isspace() and chr(code) not in "\u2028\u2029":
            table[code] = " "
    return table


TABLE = _table()


def plain(text: str) -> str:
    """The text with straight quotes, plain hyphens and spaces and letters without accents, as long as it was.

    So "Orbán’s" is found under "Orban's" and a list needs one spelling only.
    """
    return text if text.isascii() else text.translate(TABLE)
