"""How a signal is said, learned: the modality that its words, their neighbours and the whole sentence make likely.

Cues (modality.py) are right where they reach. A softmax over what they say, the type, the words in and beside the evidence
and the vector of the sentence is right more often, where it is sure; where it is not, the cues decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from transforms.signals.modality import cue, modality
from transforms.signals.rules import Hit, Rules
from transforms.signals.units import Unit

VECTOR_SCALE = 3.0
"""What a sentence vector is multiplied by (best of 0, 3 and 5 by cross-validation)."""
BEFORE, AFTER, PAIRS = 6, 5, 5  # words beside the evidence that tell
LEAST_SHARE = 0.5  # of the probability; what is less sure is left to the cues
DECIMALS = 3


@dataclass(frozen=True)
class Mood:
    """Learned weights.

    modalities  names, in the order of the rows
    features    name of a feature -> column of `weights`
    vectors     (modalities, dimensions of the sentence model)
    weights     (modalities, features)
    bias        (modalities,)
    """

    modalities: tuple[str, ...]
    features: dict[str, int]
    vectors: NDArray[np.float32]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def of(self, names: set[str], sentence: NDArray[np.float32]) -> str:
        """The modality of a signal with these features in a sentence of this vector, "" if none has the greater part."""
        columns = sorted(self.features[name] for name in names if name in self.features)
        z = VECTOR_SCALE * (self.vectors @ sentence) + self.weights[:, columns].sum(axis=1) + self.bias
        odds = np.exp((z - z.max()).astype(np.float64))
        shares = np.round(odds / odds.sum(), DECIMALS)
        best = int(shares.argmax())
        return self.modalities[best] if shares[best] >= LEAST_SHARE else ""


def features(hit: Hit, rules: Rules, year: int) -> set[str]:
    """What tells the modality of a hit in an entry of `year`."""
    line, kind = hit.line, hit.kind.type
    words = Unit(line, 0, len(line.tokens), "").words()
    left, right = hit.left, hit.right
    by_cues = modality(hit, rules, year)
    out = {f"type {kind}", f"cues {by_cues}", f"type {kind} cues {by_cues}", f"field {line.field}"}
    for name in rules.cues:
        if cue(hit, rules, year, (name,)):
            out |= {f"cue {name}", f"type {kind} cue {name}"}
    out |= {f"in {word}" for word in words[left:right]}
    out |= {f"before {word}" for word in words[max(0, left - BEFORE) : left]}
    out |= {f"after {word}" for word in words[right : right + AFTER]}
    near = words[max(0, left - PAIRS) : right]
    out |= {f"pair {first} {second}" for first, second in pairwise(near)}
    out |= {f"just before {word}" for word in words[max(0, left - 1) : left]}
    out |= {f"just after {word}" for word in words[right : right + 1]}
    return out | {f"said {word}" for word in words}
