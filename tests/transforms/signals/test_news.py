"""What sentences of the news say: type, modality, source and target, over all types and two crises."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

CASES = yaml.safe_load((Path(__file__).parent / "news.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["text"] for case in CASES])
def test_a_sentence_says_what_a_reader_reads(case: dict[str, Any], tag: Callable[..., tuple]) -> None:
    signals = tag(case["text"], watch=case.get("watch", "build-up"))
    said = {(s.type, s.modality, s.source, s.target) for s in signals}
    expected = {tuple(x) for x in case.get("says", ())}
    if "says" in case:
        assert expected <= said if case.get("loose") else expected == said
    assert not {s.type for s in signals} & set(case.get("not", ()))
    assert "says" in case or "not" in case
