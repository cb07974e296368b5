"""How often a feed is worth asking, within what its publisher allows: by the share of a document that was known already.

more than 67 % known   a quarter longer, up to `longest`; while something is new, up to twice the base interval
33 to 67 %             as it was
less than 33 %         half as long
a possible gap         the base interval at once

The band is mediacloud's (rss-fetcher). "Not modified" and a body that is the same count as wholly known. It never falls
under the base interval, which is a promise to publishers, and what a publisher asks for comes on top (see schedule.py).
"""

from __future__ import annotations

LONGER_ABOVE, SHORTER_BELOW = 0.67, 0.33
LONGER, SHORTER = 1.25, 0.5
ACTIVE = 2.0  # base intervals: a feed that brings something new is not asked less often than this


def next_rhythm(rhythm: float, base: float, longest: float, known: int, new: int, gap: bool = False) -> int:
    """Seconds until the next poll is worth it; `rhythm` is what it was so far (0: nothing is known yet), `known` and `new`
    count the entries of the document, both 0 if nothing had changed."""
    now = max(base, rhythm)
    if longest <= base or gap:
        return int(base)
    share = known / (known + new) if known + new else 1.0
    if share > LONGER_ABOVE:
        now *= LONGER
    elif share < SHORTER_BELOW:
        now *= SHORTER
    return int(max(base, min(now, longest, ACTIVE * base if new else longest)))
