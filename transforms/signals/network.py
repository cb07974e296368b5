"""The network: what is said of each type in a passage, how, by whom and to whom, from the states of its word pieces.

    said      a type's weight on each piece, and on what a pattern found there: the pieces that say it; the passage says
              it as their weighted mean does, seen beside the mean of all pieces
    how       a stretch of pieces, the type and the modality that the cues have for it    ->  modality
    who       the same, beside each mention of an actor and where that stands             ->  source, target, or nobody

Rules and patterns are heard as evidence and weighed, not obeyed. The encoder below is the sentence model with small changes
of its own (reader.py, training/); here are only the layers above it, used in training and in reading alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from transforms.signals.passages import NOWHERE, Passage, Places, Stretch

DIMENSIONS = 384
OF_TYPE = 64
HIDDEN = 192
DROPOUT = 0.1
ROLES = ("source", "target")
_FEATURES = 10  # of a mention
_NEVER = -1e4


class Network(nn.Module):
    """The layers above the encoder, for so many types and modalities."""

    def __init__(self, types: int, modalities: int) -> None:
        super().__init__()
        self.types, self.modalities = types, modalities
        self.span = nn.Linear(DIMENSIONS, types)
        self.pattern_span = nn.Parameter(torch.ones(types))
        self.pattern_said = nn.Parameter(torch.ones(types))
        self.said = nn.Parameter(torch.randn(types, 2 * DIMENSIONS) * 0.02)
        self.said_bias = nn.Parameter(torch.full((types,), -3.0))
        self.of_type = nn.Embedding(types, OF_TYPE)
        asked = 2 * DIMENSIONS + OF_TYPE
        self.how = _layers(asked + modalities, modalities)
        self.who = _layers(3 * DIMENSIONS + OF_TYPE + _FEATURES, len(ROLES))
        self.nobody = _layers(asked + len(ROLES), len(ROLES))

    def spans(self, states: Tensor, mask: Tensor, found: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (passages, pieces, types) of what each piece says, and (passages, types) of what each passage says.

        states (passages, pieces, DIMENSIONS); mask (passages, pieces): 1 where there is a piece; found: see `found_in`
        """
        pieces = self.span(states) + found * self.pattern_span
        shares = torch.softmax(pieces.masked_fill(mask[..., None] == 0, _NEVER), 1)
        means = torch.einsum("blt,bld->btd", shares, states)
        seen = torch.cat([means, mean_of(states, mask)[:, None].expand_as(means)], -1)
        return pieces, (seen * self.said).sum(-1) + self.said_bias + found.amax(1) * self.pattern_said

    def roles(
        self, states: Tensor, mask: Tensor, passages: Sequence[Passage], stretches: Sequence[Stretch]
    ) -> tuple[Tensor, list[Tensor]]:
        """Logits (stretches, modalities), and for each stretch (1 + names of its passage, 2) of nobody and each name as
        source and as target."""
        rows = torch.tensor([s.passage for s in stretches])
        kinds = self.of_type(torch.tensor([s.type for s in stretches]))
        heart = _means(states, [(s.passage, s.pieces) for s in stretches])
        asked = torch.cat([heart, mean_of(states, mask)[rows], kinds], 1)
        how = self.how(torch.cat([asked, torch.tensor([_one_hot(s.modality, self.modalities) for s in stretches])], 1))
        silent = [[float(NOWHERE in s.sources), float(NOWHERE in s.targets)] for s in stretches]
        nobody = self.nobody(torch.cat([asked, torch.tensor(silent)], 1))
        who = self._names(states, passages, stretches, heart, kinds)
        return how, [torch.cat([nobody[i : i + 1], names]) for i, names in enumerate(who)]

    def _names(
        self, states: Tensor, passages: Sequence[Passage], stretches: Sequence[Stretch], heart: Tensor, kinds: Tensor
    ) -> Sequence[Tensor]:
        """For each stretch the logits (names, 2) of the names of its passage: those of a name's mentions, added as odds."""
        owners, places, features, groups, sizes = [], [], [], [], []
        group = 0
        for i, s in enumerate(stretches):
            passage = passages[s.passage]
            sizes.append(len(passage.names))
            for name, mentions in enumerate(passage.mentions):
                for mention in mentions:
                    owners.append(i)
                    places.append((s.passage, mention))
                    features.append(_features(passage, s, name, mention))
                    groups.append(group)
                group += 1
        if not owners:
            return [heart.new_zeros(0, len(ROLES))] * len(stretches)
        named, owner = _means(states, places), torch.tensor(owners)
        heard = [named, heart[owner], named * heart[owner], kinds[owner], torch.tensor(features)]
        scores = self.who(torch.cat(heard, 1))
        most = scores.max().detach()
        odds = heart.new_zeros(group, len(ROLES)).index_add(0, torch.tensor(groups), torch.exp(scores - most))
        return (torch.log(odds + 1e-9) + most).split(sizes)


def found_in(passages: Sequence[Passage], types: Sequence[str], length: int) -> Tensor:
    """What patterns found, as (passages, length, types): their confidence, 0 where there is none."""
    out = torch.zeros(len(passages), length, len(types))
    for i, passage in enumerate(passages):
        for found in passage.found:
            if found.type in types:  # a taxonomy may have more than was learned
                out[i, list(found.pieces), types.index(found.type)] = found.confidence
    return out


def mean_of(states: Tensor, mask: Tensor) -> Tensor:
    """(passages, DIMENSIONS): the mean of the pieces of each passage."""
    return (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


def _means(states: Tensor, places: Sequence[tuple[int, Places]]) -> Tensor:
    """The mean state of some pieces of a passage, for each (passage, pieces)."""
    shares = torch.zeros(len(places), states.shape[1])
    for i, (_, pieces) in enumerate(places):
        shares[i, list(pieces)] = 1 / len(pieces)
    return torch.einsum("nl,nld->nd", shares, states[torch.tensor([row for row, _ in places])])


def _features(passage: Passage, stretch: Stretch, name: int, mention: Places) -> list[float]:
    """Where a mention stands beside a stretch, and whether the rules have its name for source and target."""
    first, last = min(stretch.pieces), max(stretch.pieces)
    begins, ends = min(mention), max(mention)
    before, after = float(ends < first), float(begins > last)
    far = math.log1p(first - ends if before else begins - last if after else 0) / 4
    here, there = passage.spots[begins], passage.spots[first]
    same = float(here is not None and there is not None and here.field == there.field)
    ruled = [float(name in stretch.sources), float(name in stretch.targets)]
    return [float(first <= begins <= last), before, after, far, far * before, far * after, same, math.log1p(begins) / 4, *ruled]


def _layers(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, HIDDEN), nn.GELU(), nn.Dropout(DROPOUT), nn.Linear(HIDDEN, outputs))


def _one_hot(place: int, length: int) -> list[float]:
    return [float(i == place) for i in range(length)]
