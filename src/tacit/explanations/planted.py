"""Features whose meaning is known because it was planted, with true, half true and wrong words.

A scorer that is worth its price ranks the three rightly (``ranking``). The text is of words drawn
evenly, so that nothing but the rule tells where a feature is active.
Axes: n fragments, t tokens of a fragment, f features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from jaxtyping import Bool

from tacit.base.errors import UserError, unknown
from tacit.base.records import Gap
from tacit.base.seeds import stream
from tacit.explanations.exhibits import Exhibits, Protocol, exhibits_of
from tacit.explanations.explanation import Explanation
from tacit.explanations.fragments import Firings, Fragments
from tacit.explanations.neighbours import NONE, NUM_NEIGHBOURS, Neighbours, coactive
from tacit.explanations.planted_rules import Known, PlantedRule

Truth = Literal["true", "partly", "wrong"]
# fmt: off
WORDS = (
    "amber", "bread", "cloud", "drum", "eagle", "flute", "garden", "harbour",
    "island", "jacket", "kettle", "lemon", "market", "needle", "orchard", "pepper",
    "quilt", "river", "saddle", "tower", "umbrella", "violin", "window", "zebra",
)
# fmt: on
LABELS = tuple(f"label-{number}" for number in range(12))
LABEL_SHARE = 1 / len(WORDS)
"""Of tokens that have a label, drawn for each label by itself."""
FRAGMENT_TOKENS = 12
"""Few, so that a word is not in nearly every fragment."""
DOCUMENT_FRAGMENTS = 10
PROTOCOL = Protocol(fragment_tokens=FRAGMENT_TOKENS, shown=5, scored=80, learned=5)
"""Scores on so many fragments that a half truth is seen to be one."""
IDENTITY = "planted"
"""Of the dictionary that there is none of."""

Draw = Callable[[np.random.Generator], tuple[PlantedRule, PlantedRule]]
"""To a rule and one that is partly true."""


def half_of_words(rng: np.random.Generator) -> tuple[PlantedRule, PlantedRule]:
    """Return two words, and one of them: too narrow."""
    words = _some(rng, WORDS, 2)
    return PlantedRule(words=words), PlantedRule(words=words[:1])


def without_context(rng: np.random.Generator) -> tuple[PlantedRule, PlantedRule]:
    """Return words after any of a third of all others, and these words anywhere: too wide."""
    words = _some(rng, WORDS, 2 + len(WORDS) // 3)
    return PlantedRule(words=words[:2], after=words[2:]), PlantedRule(words=words[:2])


def too_many_words(rng: np.random.Generator) -> tuple[PlantedRule, PlantedRule]:
    """Return one word, and it with two more: too wide."""
    words = _some(rng, WORDS, 3)
    return PlantedRule(words=words[:1]), PlantedRule(words=words)


def half_of_labels(rng: np.random.Generator) -> tuple[PlantedRule, PlantedRule]:
    """Return two labels that no word shows, and one of them: too narrow."""
    labels = _some(rng, LABELS, 2)
    return PlantedRule(labels=labels), PlantedRule(labels=labels[:1])


KINDS: Mapping[str, Draw] = {
    "half of words": half_of_words,
    "without context": without_context,
    "too many words": too_many_words,
    "half of labels": half_of_labels,
}
"""In which way an explanation is partly true. Labels are for readers that know them."""


@final
@dataclass(frozen=True, kw_only=True)
class Triple:
    """A feature with three explanations, of which the first should score best."""

    kind: str
    exhibits: Exhibits
    true: Explanation
    partly: Explanation
    wrong: Explanation
    """That of another feature."""


@final
@dataclass(frozen=True, kw_only=True)
class Planted:
    """A text with planted features."""

    fragments: Fragments
    known: Known
    rules: tuple[PlantedRule, ...]
    """Of every feature, left out or not."""
    firings: tuple[Firings, ...]
    triples: tuple[Triple, ...]
    left_out: tuple[Gap, ...]

    def truth(self, feature: int) -> Bool[np.ndarray, " r"]:
        """Return for each row whether the feature's rule holds there."""
        return _where(self.fragments, self.known, self.rules[feature])

    def neighbours(self, num: int = NUM_NEIGHBOURS) -> Neighbours:
        """Return the nearest features by firing together; there are no directions."""
        width = self.fragments.rows.shape[1]
        rows = [each.fragment * width + each.place for each in self.firings]
        features = np.repeat(np.arange(len(rows)), [len(each) for each in rows])
        near = coactive(np.concatenate(rows), features, len(rows), num)
        return Neighbours(coactive=near, similar=np.full_like(near, NONE))


def planted(
    num: int = 200,
    *,
    kinds: Sequence[str] = tuple(KINDS),
    num_fragments: int = 2400,
    protocol: Protocol = PROTOCOL,
    seed: int,
) -> Planted:
    """Return ``num`` features of some kinds in turn, on held-out text of half of all documents.

    Raises:
        UserError: for an unknown kind, or so few features that none is another's opposite.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise unknown("kind of half truth", kind, KINDS)
    rng = stream(seed, "explanations/planted")
    fragments, known = _text(num_fragments, protocol.fragment_tokens, rng)
    drawn = [KINDS[kinds[number % len(kinds)]](rng) for number in range(num)]
    rules = tuple(true for true, _ in drawn)
    firings: list[Firings] = []
    triples: list[Triple] = []
    left_out: list[Gap] = []
    for feature, (true, partly) in enumerate(drawn):
        rows = np.flatnonzero(_where(fragments, known, true))
        firings.append(fragments.placed(rows, rng.uniform(0.5, 1.5, len(rows))))
        wrong = _wrong(feature, partly, rules, rng)
        exhibits = exhibits_of(fragments, firings[-1], feature, protocol, seed)
        if isinstance(exhibits, Gap):
            left_out.append(exhibits)
            continue
        triples.append(
            Triple(
                kind=kinds[feature % len(kinds)],
                exhibits=exhibits,
                true=said_of(feature, "true", true),
                partly=said_of(feature, "partly", partly),
                wrong=said_of(feature, "wrong", wrong),
            )
        )
    return Planted(
        fragments=fragments,
        known=known,
        rules=rules,
        firings=tuple(firings),
        triples=tuple(triples),
        left_out=tuple(left_out),
    )


def said_of(
    feature: int, truth: Truth, rule: PlantedRule, dictionary: str = IDENTITY
) -> Explanation:
    """Return a rule as the explanation of a feature."""
    return Explanation(
        feature=feature,
        dictionary=dictionary,
        explainer=f"planted, {truth}",
        version="1",
        text=rule.text,
        rule=rule.to_json(),
    )


def _text(
    num_fragments: int, tokens: int, rng: np.random.Generator
) -> tuple[Fragments, Known]:
    """Return fragments of words drawn evenly, ten to a document, every other one held out."""
    shape = (num_fragments, tokens)
    document = np.arange(num_fragments) // DOCUMENT_FRAGMENTS
    labels = {name: rng.random(num_fragments * tokens) < LABEL_SHARE for name in LABELS}
    vocabulary = tuple(f" {word}" for word in WORDS)
    fragments = Fragments(
        rows=np.arange(num_fragments * tokens).reshape(shape),
        ids=rng.integers(len(WORDS), size=shape),
        known=np.ones(shape, dtype=bool),
        document=document,
        held_out=document % 2 == 1,
        num_left_out=0,
        vocabulary=vocabulary,
        dictionary=IDENTITY,
    )
    return fragments, Known(vocabulary=vocabulary, labels=labels)


def _where(fragments: Fragments, known: Known, rule: PlantedRule) -> Bool[np.ndarray, " r"]:
    """Return at which rows a rule holds."""
    opens = np.zeros(fragments.rows.shape, dtype=bool)
    opens[:, 0] = True
    return known.holds(rule, fragments.ids.ravel(), fragments.rows.ravel(), opens.ravel())


def _wrong(
    feature: int,
    partly: PlantedRule,
    rules: Sequence[PlantedRule],
    rng: np.random.Generator,
) -> PlantedRule:
    """Return another feature's rule that shares nothing with this one's."""
    own = rules[feature]
    for other in rng.permutation(len(rules)):
        rule = rules[other]
        if not (rule.shares_with(own) or rule.shares_with(partly)):
            return rule
    raise UserError(
        f"{len(rules)} features were to be planted, and each shares a word or label with feature "
        f"{feature}; plant more."
    )


def _some(rng: np.random.Generator, names: tuple[str, ...], num: int) -> tuple[str, ...]:
    return tuple(rng.choice(names, num, replace=False).tolist())
