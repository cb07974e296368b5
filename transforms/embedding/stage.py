"""What EmbedEntries does to reports."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.report import Report
from transforms.embedding.lead import title_and_lead
from transforms.embedding.model import Embedder


def vectors(embedder: Embedder, reports: Sequence[Report]) -> list[bytes]:
    """The vector of each report's title and lead, as a report carries it: 384 numbers of 4 bytes, little-endian."""
    embedded = embedder.embed([title_and_lead(report.entry) for report in reports])
    return [vector.astype("<f4").tobytes() for vector in embedded]
