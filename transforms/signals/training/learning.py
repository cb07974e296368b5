"""The learning: the encoder's changes and the network above it, from lessons, by gradient descent.

Two things are done to lessons so that what is learned carries over. Patterns and rules are withheld from a part of them,
because on the words that they were written for they are right more often than on others. And to a part of them another
lesson's words are added, because feeds say several things in one breath more often than labelled examples do.
"""

from __future__ import annotations

import math
import os
import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from transforms.signals.network import DROPOUT, ROLES, Network, found_in
from transforms.signals.passages import HEADING, NOWHERE, Passage, Spot, Stretch
from transforms.signals.reader import Change
from transforms.signals.training.labels import UNKNOWN, Label, Lesson

EPOCHS = 8
ORDERS = 2
BATCH = 16
ENCODER_RATE, NETWORK_RATE = 1.5e-4, 1e-3
WARM_UP = 0.06  # of all steps
WITHOUT_PATTERNS = 0.3
WITHOUT_RULES = 0.2
JOINED = 0.3
LONGEST = 190  # pieces of a joined lesson
ABSENT = 0.1  # weight of the pieces for a type that the passage does not say
SPANS = 0.1  # weight of all pieces beside what the passage says
_SEP = 102  # the piece that ends a passage


class Changed(nn.Module):
    """A linear layer whose weights stand still, and the change of them that is learned."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.layer = layer
        self.change = nn.Parameter(torch.zeros_like(layer.weight))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.layer.weight + self.change, self.layer.bias)


class Learner(nn.Module):
    """Encoder and network while they learn."""

    def __init__(self, directory: Path, types: int, modalities: int) -> None:
        super().__init__()
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        from transformers import AutoModel

        # Plain attention without dropout: the fused kind is slow on a CPU when gradients flow back through it.
        self.encoder = AutoModel.from_pretrained(
            str(directory), add_pooling_layer=False, attn_implementation="eager", attention_probs_dropout_prob=0.0
        )
        for parameter in self.encoder.parameters():
            parameter.requires_grad_(False)
        for name, module in list(self.encoder.named_modules()):
            if isinstance(module, nn.Linear):
                parent, _, own = name.rpartition(".")
                setattr(self.encoder.get_submodule(parent), own, Changed(module))
        self.drop = nn.Dropout(DROPOUT)
        self.network = Network(types, modalities)

    def states(self, ids: Tensor, mask: Tensor) -> Tensor:
        # A CPU with bfloat16 multiplies four times as fast, and learning does not mind.
        with torch.autocast("cpu", torch.bfloat16, enabled=self.training):
            states = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        dropped: Tensor = self.drop(states.float())
        return dropped

    def changes(self) -> dict[str, Change]:
        """Name of a matrix of the encoder -> what it is changed by."""
        changed = {name: module for name, module in self.encoder.named_modules() if isinstance(module, Changed)}
        return {f"{name}.weight": Change.of(module.change.detach().numpy()) for name, module in changed.items()}

    def layers(self) -> dict[str, NDArray[np.float16]]:
        return {name: _half(values) for name, values in self.network.state_dict().items()}


def _half(values: Tensor) -> NDArray[np.float16]:
    return values.detach().numpy().astype(np.float16)


@dataclass(frozen=True)
class Batch:
    """Lessons side by side, padded."""

    lessons: Sequence[Lesson]
    ids: Tensor
    mask: Tensor

    @property
    def passages(self) -> list[Passage]:
        return [lesson.passage for lesson in self.lessons]


def learned(
    directory: Path, lessons: Sequence[Lesson], types: Sequence[str], modalities: Sequence[str], processes: int = 1
) -> Learner:
    """What is learned from the lessons: the mean of what is learned in each of some ORDERS, all from the same beginning.

    The same lessons give the same on the same machine, in however many processes the orders are learned.

    directory   where the sentence model lies that is changed
    processes   how many orders are learned at once; with one, in this process. Each takes a core and about 4 GiB
    """
    in_order = partial(_learned, directory, lessons, types, modalities)
    if processes == 1:
        return mean([in_order(order) for order in range(ORDERS)])
    with ProcessPoolExecutor(
        processes, mp_context=get_context("spawn"), initializer=torch.set_num_threads, initargs=(torch.get_num_threads(),)
    ) as pool:
        return mean([*pool.map(in_order, range(ORDERS))])


def mean(learners: Sequence[Learner]) -> Learner:
    """One learner whose weights are the mean of theirs: as good as asking all, at the cost of one (Wortsman et al. 2022, "Model
    soups"). The first learner becomes it."""
    first = learners[0]
    with torch.no_grad():
        for name, values in first.named_parameters():
            values.copy_(torch.stack([each.get_parameter(name) for each in learners]).mean(0))
    return first


def _learned(directory: Path, lessons: Sequence[Lesson], types: Sequence[str], modalities: Sequence[str], order: int) -> Learner:
    """What is learned in an order by chance, of this number; the beginning is the same in all."""
    torch.manual_seed(0)
    chance = random.Random(order)
    learner = Learner(directory, len(types), len(modalities))
    rates = [(ENCODER_RATE, learner.encoder), (NETWORK_RATE, learner.network)]
    optimizer = torch.optim.AdamW([{"params": [p for p in m.parameters() if p.requires_grad], "lr": rate} for rate, m in rates])
    steps = EPOCHS * math.ceil(len(lessons) / BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _pace((step + 1) / steps))
    begun = time.monotonic()
    for epoch in range(EPOCHS):
        learner.train()
        total = 0.0
        for batch in batches([_varied(lesson, lessons, chance) for lesson in lessons], chance):
            loss = _loss(learner, batch, types)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(learner.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item() * len(batch.lessons)
        done = f"order {order + 1} of {ORDERS}, epoch {epoch + 1} of {EPOCHS}"
        print(f"{done}: loss {total / len(lessons):.3f}, {time.monotonic() - begun:.0f} s", flush=True)
    return learner


def _pace(done: float) -> float:
    """The share of the learning rate when this share of the steps is done: up at first, then down to nothing."""
    return min(done / WARM_UP, max(0.0, (1 - done) / (1 - WARM_UP)))


def batches(lessons: Sequence[Lesson], chance: random.Random | None = None) -> Iterator[Batch]:
    """The lessons in batches of similar length; in an order by chance if that is given."""
    order = list(range(len(lessons)))
    if chance:
        chance.shuffle(order)
    size = 20 * BATCH
    near = [sorted(order[i : i + size], key=lambda k: len(lessons[k].passage.ids)) for i in range(0, len(order), size)]
    groups = [part[i : i + BATCH] for part in near for i in range(0, len(part), BATCH)]
    if chance:
        chance.shuffle(groups)
    for group in groups:
        yield _batch([lessons[i] for i in group])


def _batch(lessons: Sequence[Lesson]) -> Batch:
    length = max(len(lesson.passage.ids) for lesson in lessons)
    ids, mask = torch.zeros(len(lessons), length, dtype=torch.long), torch.zeros(len(lessons), length)
    for i, lesson in enumerate(lessons):
        ids[i, : len(lesson.passage.ids)] = torch.tensor(list(lesson.passage.ids))
        mask[i, : len(lesson.passage.ids)] = 1
    return Batch(lessons, ids, mask)


def _loss(learner: Learner, batch: Batch, types: Sequence[str]) -> Tensor:
    states = learner.states(batch.ids, batch.mask)
    pieces, said = learner.network.spans(states, batch.mask, found_in(batch.passages, types, batch.ids.shape[1]))
    telling, told = torch.zeros_like(pieces), torch.zeros_like(said)
    labels: list[Label] = []
    for row, lesson in enumerate(batch.lessons):
        for label in lesson.labels:
            told[row, label.stretch.type] = 1
            telling[row, list(label.stretch.pieces), label.stretch.type] = 1
            labels.append(replace(label, stretch=replace(label.stretch, passage=row)))
    weight = torch.where(told > 0, 1.0, ABSENT)[:, None] * batch.mask[..., None]
    loss = F.binary_cross_entropy_with_logits(said, told, reduction="sum")
    loss = loss + SPANS * (F.binary_cross_entropy_with_logits(pieces, telling, reduction="none") * weight).sum()
    if labels:
        loss = loss + _roles_loss(learner, states, batch, labels)
    return loss / len(batch.lessons)


def _roles_loss(learner: Learner, states: Tensor, batch: Batch, labels: Sequence[Label]) -> Tensor:
    how, who = learner.network.roles(states, batch.mask, batch.passages, [label.stretch for label in labels])
    loss = F.cross_entropy(how, torch.tensor([label.modality for label in labels]), reduction="sum")
    most = max(len(each) for each in who)
    padded = torch.stack([F.pad(each, (0, 0, 0, most - len(each)), value=-1e4) for each in who])
    for column, role in enumerate(ROLES):
        places = [getattr(label, role) for label in labels]
        wanted = torch.tensor([-100 if place == UNKNOWN else place + 1 for place in places])  # -100 is passed over
        loss = loss + F.cross_entropy(padded[:, :, column], wanted, reduction="sum")
    return loss


def _varied(lesson: Lesson, others: Sequence[Lesson], chance: random.Random) -> Lesson:
    """The lesson as it is shown this time."""
    if chance.random() < JOINED:
        lesson = joined(lesson, chance.choice(others))
    if chance.random() < WITHOUT_PATTERNS:
        lesson = replace(lesson, passage=replace(lesson.passage, found=()))
    labels = [
        replace(label, stretch=Stretch(0, label.stretch.type, label.stretch.pieces)) if chance.random() < WITHOUT_RULES else label
        for label in lesson.labels
    ]
    return replace(lesson, labels=tuple(labels))


def joined(first: Lesson, second: Lesson) -> Lesson:
    """The first lesson with the words of the second after its own, and what both say; the first alone if that is too long."""
    a, b = first.passage, second.passage
    added = [i for i, spot in enumerate(b.spots) if spot is not None]
    if len(a.ids) + len(added) > LONGEST:
        return first
    at = {piece: len(a.ids) - 1 + n for n, piece in enumerate(added)}
    names = tuple(dict.fromkeys((*a.names, *b.names)))
    place = {i: names.index(name) for i, name in enumerate(b.names)} | {NOWHERE: NOWHERE, UNKNOWN: UNKNOWN}
    mentions = {name: list(found) for name, found in zip(a.names, a.mentions, strict=True)}
    for name, found in zip(b.names, b.mentions, strict=True):
        mentions.setdefault(name, []).extend(tuple(at[i] for i in pieces) for pieces in found)
    passage = Passage(
        [*a.ids[:-1], *(b.ids[i] for i in added), _SEP],
        [*a.spots[:-1], *(_after(b.spots[i]) for i in added), None],
        a.lines,
        names,
        tuple(tuple(mentions[name]) for name in names),
        (*a.found, *(replace(found, pieces=tuple(at[i] for i in found.pieces)) for found in b.found)),
    )
    moved = []
    for label in second.labels:
        s = label.stretch
        sources, targets = (frozenset(place[i] for i in role) for role in (s.sources, s.targets))
        stretch = replace(s, pieces=tuple(at[i] for i in s.pieces), sources=sources, targets=targets)
        moved.append(replace(label, stretch=stretch, source=place[label.source], target=place[label.target]))
    return replace(first, passage=passage, labels=(*first.labels, *moved))


def _after(spot: Spot | None) -> Spot | None:
    """A spot that stands after a heading, as words of a summary do."""
    return replace(spot, field=HEADING[-1], line=NOWHERE) if spot else None
