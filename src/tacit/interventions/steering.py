"""How often does each way bring about a behaviour, strength by strength, and at what price?

Price: the loss of what was written for the subject left alone, after the plain prefix. What it
costs to show the behaviour at all is part of it, for every way alike.
Axes: n prefixes, b texts, t positions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tacit.base.errors import UserError
from tacit.base.progress import Progress, silent
from tacit.interventions.edits import Edit
from tacit.interventions.loss import BATCH_WINDOWS, next_token_losses
from tacit.interventions.ways import Prefixes, Push, Way
from tacit.metrics.intervals import Interval, wilson
from tacit.metrics.loss import kl_divergence
from tacit.models.flows import batch_of
from tacit.models.sampling import sample
from tacit.models.subject import Subject

Wanted = Callable[[list[int]], bool]
"""From the tokens of a continuation to whether it shows the behaviour."""


def says_first(wanted: Collection[int], rather_than: Collection[int]) -> Wanted:
    """Return the judge of the first token that is of either kind: is it a wanted one?"""

    def judge(written: list[int]) -> bool:
        said = (token for token in written if token in wanted or token in rather_than)
        return next(said, None) in wanted

    return judge


@final
@dataclass(frozen=True, kw_only=True)
class Steered:
    """What was written under one way at one strength: a continuation of each prefix."""

    way: str
    strength: float
    shown: Bool[np.ndarray, " n"]
    """Whether each continuation shows the behaviour."""
    losses: Float[np.ndarray, " n"]
    """Of each continuation for the unedited subject after the plain prefix, summed, in nats."""
    num_tokens: Int[np.ndarray, " n"]
    written: tuple[tuple[int, ...], ...]
    """Tokens of each continuation."""
    seeds: tuple[int, ...]
    """Of each continuation, the same at every strength."""
    other_kl: float | None
    """Mean KL(clean || edited) of the next token on other text, in nats; None where none was
    given, and for a prompt, which does not stand before it."""

    @property
    def n(self) -> int:
        """Prefixes."""
        return len(self.shown)

    @property
    def share(self) -> Interval:
        """How often the behaviour is shown (Wilson); the prefixes must be independent."""
        return wilson(int(self.shown.sum()), self.n)

    @property
    def price(self) -> float:
        """Loss in nats a token; compare with that of strength 0."""
        return float(self.losses.sum() / self.num_tokens.sum())


def steering_sweep(
    subject: Subject,
    prefixes: Prefixes,
    ways: Sequence[Way],
    strengths: Sequence[float],
    wanted: Wanted,
    *,
    max_new_tokens: int,
    seeds: Sequence[int],
    other: Int[Tensor, "b t"] | None = None,
    progress: Progress = silent,
) -> list[Steered]:
    """Return what each way does at each strength, in the order of both.

    Every way begins with strength 0, asked for or not: one unsteered sample, which all share.
    A prompt has strength 1 alone beside it. ``other`` is text whose next tokens should stay as
    they are, ids below zero behind its end.

    Raises:
        UserError: for ways of one name, strengths that are not finite or come twice, no prefix,
            and what ``sample`` refuses.
    """
    _check(prefixes, ways, strengths)
    runs = [(way, strength) for way in ways for strength in way.strengths(strengths)]

    def steered(way: Way | None, strength: float) -> Steered:
        given = prefixes if way is None else way.given(prefixes)
        edits = {} if way is None else way.edits(strength)
        written = sample(
            subject, given, max_new_tokens=max_new_tokens, seeds=seeds, edits=edits
        ).ids
        text = other if way is None or isinstance(way, Push) else None
        return Steered(
            way="" if way is None else way.name,
            strength=strength,
            shown=np.array([wanted(ids) for ids in written]),
            losses=continuation_losses(subject, prefixes, written),
            num_tokens=np.array([len(ids) for ids in written]),
            written=tuple(tuple(ids) for ids in written),
            seeds=tuple(seeds),
            other_kl=None if text is None else _kl_on(subject, text, edits),
        )

    with progress("steer", 1 + len(runs), "samples") as advance:
        plain = steered(None, 0.0)
        advance(1)
        found = {way.name: [replace(plain, way=way.name)] for way in ways}
        for way, strength in runs:
            found[way.name].append(steered(way, strength))
            advance(1)
    return [each for own in found.values() for each in own]


@torch.no_grad()
def continuation_losses(
    subject: Subject, prefixes: Prefixes, written: Prefixes
) -> Float[np.ndarray, " n"]:
    """Return each continuation's summed loss after its prefix, nothing edited, in nats."""
    rows = [[*prefix, *new] for prefix, new in zip(prefixes, written, strict=True)]
    found = []
    for first in range(0, len(rows), BATCH_WINDOWS):
        batch = batch_of(rows[first : first + BATCH_WINDOWS], padding_id=subject.padding_id)
        ids = batch.ids.masked_fill(~batch.mask, -1)
        logits = subject.run(ids, logits=True).logits
        assert logits is not None, "logits were asked for"
        losses = next_token_losses(logits, batch.ids, batch.mask).double().cpu().numpy()
        for place, row in enumerate(losses, start=first):
            begin = len(prefixes[place]) - 1
            found.append(row[begin : begin + len(written[place])].sum())
    return np.array(found)


@torch.no_grad()
def _kl_on(subject: Subject, text: Tensor, edits: Mapping[str, Edit]) -> float:
    """Return the mean KL(clean || edited) over the text's tokens."""
    found = []
    for ids in text.split(BATCH_WINDOWS):
        clean, edited = (
            subject.run(ids, edits=each, logits=True).logits for each in ({}, edits)
        )
        assert clean is not None and edited is not None, "logits were asked for"
        there = (ids >= 0).to(clean.device)
        before, after = (each[there].float().log_softmax(-1) for each in (clean, edited))
        found.append(kl_divergence(before, after))
    return float(torch.cat(found).double().mean())


def _check(prefixes: Prefixes, ways: Sequence[Way], strengths: Sequence[float]) -> None:
    names = [way.name for way in ways]
    if not prefixes or not names or len(set(names)) < len(names):
        raise UserError(
            f"{len(prefixes)} prefixes were to be steered in the ways {names}; give one prefix "
            "or more, and ways of different names."
        )
    if len(set(strengths)) < len(strengths) or not all(map(math.isfinite, strengths)):
        raise UserError(
            f"the strengths {list(strengths)} were asked for; give finite ones, each once."
        )
