"""The labelled examples that teach the tagger: whole, legal, varied, and apart from what it is measured on."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any, get_args

import pytest

from schemas.config import read_yaml
from schemas.taxonomy import Modality, Taxonomy

ROOT = Path(__file__).parents[3]
TYPES = {t.type for t in read_yaml(ROOT / "watches/shared/signals.yaml", Taxonomy).types}
MODALITIES = set(get_args(Modality))
FILES = sorted((ROOT / "watches/shared/examples").glob("*.jsonl"))
MEASURED_ON = sorted((ROOT / "tests/data").glob("signals_*.jsonl"))


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


EXAMPLES = [row for path in FILES for row in rows(path)]


def words(row: dict[str, Any]) -> str:
    return " ".join((row["title"] + " " + row["summary"]).lower().split())


def assert_legal(entry: dict[str, Any], signals: list[dict[str, Any]]) -> None:
    """Known types and modalities, evidence word for word in the text, each (type, source, target) once."""
    for signal in signals:
        assert signal.keys() == {"type", "modality", "source", "target", "evidence"}, entry["id"]
        assert signal["type"] in TYPES, entry["id"]
        assert signal["modality"] in MODALITIES, entry["id"]
        assert signal["evidence"].strip(), entry["id"]
        assert any(signal["evidence"] in entry[field] for field in ("title", "summary")), entry["id"]
    coded = Counter((s["type"], s["source"], s["target"]) for s in signals)
    assert not [key for key, n in coded.items() if n > 1], entry["id"]


def test_every_label_is_legal_and_its_evidence_is_in_the_text() -> None:
    for row in EXAMPLES:
        assert_legal(row, row["signals"])


@pytest.mark.parametrize("path", MEASURED_ON, ids=lambda path: path.stem)
def test_every_label_that_the_tagger_is_measured_on_is_legal(path: Path) -> None:
    for row in rows(path):
        for label in row["labels"]:
            assert_legal(row["entry"], label["signals"])
            assert label["relevant"] or not label["signals"], row["entry"]["id"]


def test_actors_are_named_once_and_not_blank() -> None:
    for row in EXAMPLES:
        assert len(set(row["actors"])) == len(row["actors"]), row["id"]
        assert all(row["actors"]), row["id"]


def test_id_and_split_follow_from_the_text() -> None:
    """A row never moves between train and dev when others are added; one in five is dev."""
    for path in FILES:
        for row in rows(path):
            digest = hashlib.sha1(f"{row['title']}\n{row['summary']}".encode()).hexdigest()
            assert row["id"] == f"{path.stem}/{digest[:10]}"
            assert row["split"] == ("dev" if int(digest, 16) % 5 == 0 else "train")


def test_no_text_occurs_twice() -> None:
    assert not [text for text, n in Counter(map(words, EXAMPLES)).items() if n > 1]


@pytest.mark.parametrize("path", MEASURED_ON, ids=lambda path: path.stem)
def test_nothing_that_the_tagger_is_measured_on_is_among_the_examples(path: Path) -> None:
    titles = {row["entry"]["title"].lower() for row in rows(path)}
    assert not titles & {row["title"].lower() for row in EXAMPLES}


def test_every_type_and_every_modality_is_taught() -> None:
    types = Counter(s["type"] for row in EXAMPLES for s in row["signals"])
    modalities = Counter(s["modality"] for row in EXAMPLES for s in row["signals"])
    assert min(types[t] for t in TYPES) >= 5
    assert min(modalities[m] for m in MODALITIES) >= 2


def test_many_examples_carry_no_signal_at_all() -> None:
    silent = sum(not row["signals"] for row in EXAMPLES)
    assert silent / len(EXAMPLES) > 0.1
