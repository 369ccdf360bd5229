"""Which patterns tell where a feature is active, learned from excerpts alone.

Patterns grow as a regression tree, each split of which puts tokens at one distance into a slot.
What a split is worth is measured on excerpts that its means were not taken from, so a slot that
fits only what was seen is not made. Axes: n places, w distinct tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import final

import numpy as np
from jaxtyping import Bool, Int

from tacit.base.errors import UserError
from tacit.explanations.exhibits import Excerpt
from tacit.explanations.pattern_evidence import Evidence, Sums, explained
from tacit.explanations.pattern_grades import graded
from tacit.explanations.patterns import Pattern, Slot, folded


@final
@dataclass(frozen=True, kw_only=True)
class Growth:
    """How patterns grow. The defaults were set on features of two shipped subjects."""

    reach: int = 5
    """Tokens before the activating one that a pattern may name."""
    prior: float = 2.0
    """Places' worth of the more general pattern's mean in every mean."""
    worth: float = 0.004
    """Share of the activation's variance that a split must explain on excerpts left out."""
    clear: float = 24.0
    """Times the variance of a pattern's places that a split of them must explain besides: in
    noise, the best of many cuts explains about half as much."""
    material: float = 0.0005
    """Share of the activation's variance that a token must explain to be named."""
    depth: int = 3
    """Splits behind one pattern at most."""
    most: int = 12
    """Patterns at most."""

    def __post_init__(self) -> None:
        if self.reach < 0 or self.prior <= 0 or min(self.depth, self.most) < 1:
            raise UserError(
                f"patterns of reach {self.reach}, prior {self.prior:g}, depth {self.depth} and "
                f"number {self.most} were asked for; reach may be 0 or more, prior above 0, the "
                "others 1 or more."
            )


@final
@dataclass(frozen=True, kw_only=True)
class _Split:
    gain: float
    back: int
    chosen: Bool[np.ndarray, " w"]
    sums: Sums


@final
@dataclass(kw_only=True)
class _Node:
    """Places with a mean of their own; a split takes places away from it."""

    places: Int[np.ndarray, " n"]
    general: float
    """Mean of the node that it came from."""
    slots: Mapping[int, Slot]
    depth: int
    mean: float = 0.0
    split: _Split | None = None
    """The best that is worth it."""
    offspring: list[_Node] = field(default_factory=list["_Node"])


def grown(excerpts: Sequence[Excerpt], growth: Growth) -> tuple[Pattern, ...]:
    """Return patterns, the more specific before the more general; the last has no slots."""
    return _Grower(Evidence(excerpts, growth.reach), growth).patterns()


@final
class _Grower:
    def __init__(self, evidence: Evidence, growth: Growth) -> None:
        self.evidence = evidence
        self.growth = growth
        self.folds = np.array([folded(word) for word in evidence.words], dtype=object)

    def patterns(self) -> tuple[Pattern, ...]:
        everywhere = np.arange(len(self.evidence.value))
        mean = float(self.evidence.value.mean())
        root = self._weighed(_Node(places=everywhere, general=mean, slots={}, depth=0))
        nodes = [root]
        while len(nodes) < self.growth.most:
            open_ones = [(node, node.split) for node in nodes if node.split is not None]
            if not open_ones:
                break
            node, split = max(open_ones, key=lambda pair: pair[1].gain)
            nodes.append(self._apply(node, split))
        return tuple(self._pattern(node) for node in _specific_first(root))

    def _weighed(self, node: _Node) -> _Node:
        """Give a node the mean and the best split of its places."""
        node.mean = self.evidence.mean(node.places, node.general, self.growth.prior)
        node.split = None
        if node.depth < self.growth.depth:
            found = [self._split(node, back) for back in range(self.growth.reach + 1)]
            # The nearest of equals: ``max`` returns the first.
            best = max((each for each in found if each), key=lambda s: s.gain, default=None)
            own = float(self.evidence.value[node.places].var())
            least = max(self.growth.worth * self.evidence.variance, self.growth.clear * own)
            if best and best.gain > least:
                node.split = best
        return node

    def _split(self, node: _Node, back: int) -> _Split | None:
        """Return the best cut through the tokens at one distance, ranked by their means.

        Each token is ranked, in each excerpt, by its mean in all others.
        """
        prior, sums = self.growth.prior, self.evidence.sums(node.places, back)
        elsewhere = sums.means_elsewhere(node.mean, prior)
        order = np.argsort(-elsewhere, kind="stable")
        ranked = elsewhere[order]
        cuts = np.flatnonzero(ranked[:-1] > ranked[1:])
        if not len(cuts):
            return None
        count, total = np.cumsum(sums.count[order]), np.cumsum(sums.total[order])
        below, lost = count[-1] - count[cuts], total[-1] - total[cuts]
        spread = np.square(total[cuts]) / count[cuts] + np.square(lost) / below
        # Where those ranked higher turn out lower, the ranking is refuted.
        spread[total[cuts] / count[cuts] <= lost / below] = 0
        best = cuts[int(spread.argmax())]
        cut = (ranked[best] + ranked[best + 1]) / 2
        means = sums.means(node.mean, prior)
        # A slot names the side that an unseen token, whose mean is the node's, is not on.
        chosen = (means > cut) if node.mean <= cut else (means <= cut)
        chosen &= sums.count_of > 0
        chosen[-1] = False
        if not 0 < sums.count_of[chosen].sum() < count[-1]:
            return None
        gain = self._gain(node, sums, elsewhere > cut)
        return _Split(gain=gain, back=back, chosen=chosen[:-1], sums=sums)

    def _gain(self, node: _Node, sums: Sums, above: Bool[np.ndarray, " p"]) -> float:
        """Return what two means explain of each excerpt when taken from all others."""
        prior, num = self.growth.prior, self.evidence.num_excerpts
        # Not drawn to the general mean: two means would be better for being drawn less.
        before = self.evidence.mean_elsewhere(node.places, prior)
        gain = 0.0
        for side in (above, ~above):
            count = np.bincount(sums.excerpt[side], sums.count[side], num)
            total = np.bincount(sums.excerpt[side], sums.total[side], num)
            after = total.sum() - total + prior * before
            after /= count.sum() - count + prior
            gain += float(explained(count, total, before, after).sum())
        return gain

    def _apply(self, node: _Node, split: _Split) -> _Node:
        """Return the node of the split's tokens, whose places are taken from the old one."""
        slot = self._slot(split)
        code = self.evidence.codes[split.back][node.places]
        inside = np.append(slot.takes(self.evidence.words), False)[code]
        new = self._weighed(
            _Node(
                places=node.places[inside],
                general=node.mean,
                slots={**node.slots, split.back: slot},
                depth=node.depth + 1,
            )
        )
        node.offspring.append(new)
        node.places = node.places[~inside]
        self._weighed(node)
        return new

    def _slot(self, split: _Split) -> Slot:
        """Return a slot of the tokens that matter."""
        count, total = split.sums.count_of[:-1], split.sums.total_of[:-1]
        chosen = split.chosen
        inside = total[chosen].sum() / count[chosen].sum()
        outside = total[~chosen].sum() / max(count[~chosen].sum(), 1)
        effect = explained(count, total, outside, inside)
        kept = chosen & (effect > self.growth.material * self.evidence.variance)
        named = np.flatnonzero(kept if kept.any() else chosen)
        tokens: list[str] = []
        folds: dict[str, None] = {}
        for code in named[np.argsort(-effect[named], kind="stable")]:
            word = self.evidence.words[code]
            if self._is_loose(folded(word), chosen):
                folds[folded(word)] = None
            else:
                tokens.append(word)
        return Slot(back=split.back, tokens=tuple(tokens), folded=tuple(folds))

    def _is_loose(self, fold: str, chosen: Bool[np.ndarray, " w"]) -> bool:
        """Return whether a word was seen in several cases, all of which belong to a slot."""
        alike = np.flatnonzero(self.folds == fold)
        cases = {self.evidence.words[code].strip() for code in alike}
        return len(cases) > 1 and bool(chosen[alike].all())

    def _pattern(self, node: _Node) -> Pattern:
        value = self.evidence.value
        slots = tuple(node.slots[back] for back in sorted(node.slots))
        activation = node.mean
        grades = graded(
            self.evidence,
            node.places,
            node.mean,
            prior=self.growth.prior,
            material=self.growth.material,
        )
        if grades is not None and any(
            slot.back == grades.back and slot.tokens == tuple(grades.activations)
            for slot in slots
            if len(slot.tokens) == 1 and not slot.folded
        ):
            # One token has one grade: that is the activation.
            (activation,), grades = grades.activations.values(), None
        return Pattern(
            slots=slots,
            activation=activation,
            grades=grades,
            share=float(value[node.places].sum() / value.sum()),
        )


def _specific_first(node: _Node) -> Iterator[_Node]:
    for each in node.offspring:
        yield from _specific_first(each)
    yield node
