"""No code knows a word of a particular watch: a new crisis is a new folder, not new code.

The words are those that the folders of the watches bring: who they are about, by all of their names.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
CODE = ("transforms", "pipelines", "schemas", "localpubsub")
SHARED = "shared"
NAMES = ("aliases", "stands_for", "seats")
ORDINARY = {"swift", "Swift", "oligarch", "invad"}  # terms of a gate that are words of the language


@cache
def load(path: Path) -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(path.read_text(encoding="utf-8"), Loader=loader) if path.exists() else {}


def words_of(directory: Path) -> set[str]:
    """A watch's own name and, under all of their names, who challenges whom, what the gate names and whom its list adds.

    Who only stands by (the backers) is in every crisis of the world; such a name alone does not tell a watch.
    """
    watch, own = load(directory / "watch.yaml"), load(directory / "actors.yaml").get("actors", [])
    known = {actor["name"]: actor for actor in [*load(directory.parent / SHARED / "actors.yaml")["actors"], *own]}
    sides = {*watch["sides"]["challenger"], *watch["sides"]["target"]}
    actors = (sides | {*watch["gate"].get("actors", [])} | {actor["name"] for actor in own}) - {
        *watch["sides"].get("backers", [])
    }
    names = actors | {name for actor in actors for kind in NAMES for name in known[actor].get(kind, ())}
    lower = {word.lower() for side in sides for word in (side, *known[side].get("stands_for", ()))}
    said = " ".join((*watch["relevance"]["description"], *watch["relevance"].get("decoys", ())))
    terms = {
        term.rstrip("*")
        for term in [*watch["gate"].get("terms", ()), *watch["gate"].get("places", ())]
        if term.rstrip("*").isalpha()
    }
    lower |= {form for term in terms if not re.search(rf"\b{term}", said) for form in (term, term.capitalize())} - ORDINARY
    return {word for word in {watch["name"], *watch["name"].split("-"), *names, *lower} if len(word) > 3} - {"strait"}


def uses(text: str, words: set[str]) -> list[tuple[int, str]]:
    """(line, word) of each of the words in a text, also as a part of a name like watches/x or x_troops."""
    pattern = re.compile(r"(?<![^\W_])(?:" + "|".join(map(re.escape, sorted(words, key=len, reverse=True))) + r")(?![^\W_])")
    return [(n, found.group()) for n, line in enumerate(text.splitlines(), 1) for found in pattern.finditer(line)]


WATCHES = sorted(p.parent for p in (ROOT / "watches").glob("*/watch.yaml"))


@cache
def all_words() -> set[str]:
    return set().union(*map(words_of, WATCHES))


def test_there_are_watches_to_take_words_from() -> None:
    assert len(WATCHES) >= 2
    assert all(len(words_of(directory)) >= 5 for directory in WATCHES)


def test_the_words_are_the_ones_a_careless_hand_would_write() -> None:
    words = all_words()
    assert {"Russia", "Ukraine", "ukraine", "Kyiv", "Moscow", "russian", "Vladimir Putin", "Donetsk", "Taiwan", "taiwan"} <= words


@pytest.mark.parametrize(
    "line", ['if "Russia" in text:', "def russian_troops():", 'WATCH = "watches/ukraine"', "# as in Donetsk", '"donbas"']
)
def test_a_word_in_code_is_found(line: str) -> None:
    assert uses(f"import re\n{line}\n", all_words())[0][0] == 2


@pytest.mark.parametrize("top", CODE)
def test_no_code_knows_a_word_of_a_watch(top: str) -> None:
    words = all_words()
    files = sorted((ROOT / top).rglob("*.py"))
    assert files
    found = [f"{p.relative_to(ROOT)}:{n}: {word}" for p in files for n, word in uses(p.read_text(encoding="utf-8"), words)]
    assert found == []
