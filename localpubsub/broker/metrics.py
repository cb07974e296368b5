"""What happened, counted since the server started."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields


@dataclass(slots=True)
class Counts:
    """Messages. `delivered` counts each delivery, `expired` leases that ended, `rejected` what Publish refused."""

    published: int = 0
    delivered: int = 0
    acknowledged: int = 0
    nacked: int = 0
    expired: int = 0
    dead_lettered: int = 0
    rejected: int = 0

    def add(self, other: Counts) -> None:
        """Adds another's counts to these."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))

    def as_dict(self) -> dict[str, int]:
        """By name."""
        return asdict(self)
