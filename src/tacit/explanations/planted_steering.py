"""Features that are known to make a subject write certain words, planted as directions.

Axes: d width, v vocabulary, f features, w words of one feature, n continuations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tacit.activations.tokens import vocabulary_of
from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.dictionaries.dictionary import Dictionary, InputContract
from tacit.dictionaries.selections import Relu
from tacit.explanations.exhibits import Exhibits
from tacit.explanations.planted import Triple, said_of
from tacit.explanations.planted_rules import Known, PlantedRule
from tacit.features.build import identity_of
from tacit.interventions.features import steer
from tacit.models.sampling import sample
from tacit.models.subject import Subject

WORDS_EACH = 2
"""Words that one direction brings about; a half truth names half of them."""
SHARE_OF_WORDS = 0.1
"""Of all words, those that a direction can raise most above all others."""
KIND = "half of words"
TIMES = 4.0
"""Length of what is added when steering at 2, in lengths of what the stream holds after BOS."""
NEW_TOKENS = 2
"""So few that one word of two is often missing, and a half truth is seen to be one."""
TRIED = 64
"""Continuations by which it is made sure that a direction brings about its words."""
LEAST_SAID, MOST_SAID = 0.25, 0.75
"""Share of these in which each word must stand: half a truth must be neither none nor all."""


@final
@dataclass(frozen=True, kw_only=True)
class PlantedSteering:
    """A dictionary by hand, and what steering by each of its features does."""

    dictionary: Dictionary
    known: Known
    triples: tuple[Triple, ...]
    num_left_out: int
    """Directions that did not bring about each of their words, and not one alone."""


@torch.no_grad()
def planted_steering(subject: Subject, num: int, *, seed: int) -> PlantedSteering:
    """Return up to ``num`` directions of the last residual stream that each raise two words.

    A direction raises the logits of its words alike and all others as little as can be. The
    exhibits hold no fragments: ``Intervening``, at its own strength and with ``NEW_TOKENS``
    after BOS, alone can score them.

    Raises:
        UserError: where the head is not known, BOS or the residual stream is missing, or there
            are too few words.
    """
    site, length = _place(subject)
    vocabulary = tuple(vocabulary_of(subject))
    width = subject.width(site)
    raised = subject.promoted(torch.eye(width, device=subject.device)).T.float().cpu()
    words = _steerable(raised, vocabulary)
    if len(words) < 2 * WORDS_EACH:
        raise UserError(
            f"steering was to be planted in {subject.name}, and {len(words)} of its tokens are "
            f"words that can be raised by themselves; {2 * WORDS_EACH} are needed."
        )
    rng = stream(seed, "explanations/planted steering")
    inverse = torch.linalg.pinv(raised.T @ raised)
    chosen = [rng.permutation(words)[: 2 * WORDS_EACH] for _ in range(num)]
    directions = [_raising(raised[each[:WORDS_EACH]], inverse) for each in chosen]
    atoms = torch.nn.functional.normalize(torch.stack(directions), dim=1)
    does = np.array(
        [
            _brings_about(subject, site, TIMES * length * atom, each[:WORDS_EACH], rng)
            for atom, each in zip(atoms, chosen, strict=True)
        ]
    )
    dictionary = _dictionary(atoms[torch.from_numpy(does)], subject, site, seed)
    kept = [each for each, is_kept in zip(chosen, does, strict=True) if is_kept]
    return PlantedSteering(
        dictionary=dictionary,
        known=Known(vocabulary=vocabulary, labels={}),
        triples=_triples(kept, vocabulary, identity_of(dictionary), TIMES / 2 * length),
        num_left_out=num - len(kept),
    )


def _place(subject: Subject) -> tuple[str, float]:
    """Return the last residual stream and the length of what it holds after BOS."""
    sites = [each for each in subject.sites() if each.startswith("resid.")]
    if not sites or subject.bos_id is None:
        raise UserError(
            f"steering was to be planted in {subject.name}, which has "
            f"{'no BOS token' if sites else 'no known residual stream'}; name another subject."
        )
    bos = torch.tensor([[subject.bos_id]])
    held = subject.run(bos, sites=sites[-1:]).activations[sites[-1]]
    return sites[-1], float(held[0, 0].float().norm())


def _brings_about(
    subject: Subject,
    site: str,
    push: Float[Tensor, " d"],
    words: Int[np.ndarray, " w"],
    rng: np.random.Generator,
) -> bool:
    """Return whether each word stands in some continuations, and not in nearly all."""
    written = sample(
        subject,
        [[subject.bos_id or 0]] * TRIED,
        max_new_tokens=NEW_TOKENS,
        seeds=rng.integers(2**31, size=TRIED).tolist(),
        edits={site: steer(push, 1.0)},
    ).ids
    said = np.array([[word in ids for ids in written] for word in words]).mean(axis=1)
    return bool((said >= LEAST_SAID).all() and (said <= MOST_SAID).all())


def _dictionary(
    atoms: Float[Tensor, "f d"], subject: Subject, site: str, seed: int
) -> Dictionary:
    return Dictionary(
        atoms=atoms,
        encoder=atoms.clone(),
        encoder_bias=torch.zeros(len(atoms)),
        centre=torch.zeros(atoms.shape[1]),
        scale=1.0,
        selection=Relu(),
        contract=InputContract(subject=subject.name, site=site),
        method="by hand",
        seed=seed,
    )


def _raising(
    words: Float[Tensor, "w d"], inverse: Float[Tensor, "d d"]
) -> Float[Tensor, " d"]:
    """Return the direction that raises some logits by 1 and all others least, in squares."""
    among = words @ inverse @ words.T
    return inverse @ words.T @ torch.linalg.solve(among, torch.ones(len(words)))


def _steerable(raised: Float[Tensor, "v d"], vocabulary: tuple[str, ...]) -> list[int]:
    """Return the ids of words that their direction raises most above every other token."""
    directions = raised @ torch.linalg.pinv(raised.T @ raised)
    logits = directions @ raised.T
    logits /= logits.diagonal()[:, None]
    margin = 1 - logits.fill_diagonal_(-torch.inf).amax(dim=1)
    words = [
        number
        for number, text in enumerate(vocabulary)
        if text.startswith(" ") and text[1:].isalpha() and len(text) > 2
    ]
    # Two tokens that read alike would be one word to a reader.
    words = list({vocabulary[each]: each for each in words}.values())
    order = sorted(words, key=lambda each: -float(margin[each]))
    return order[: int(SHARE_OF_WORDS * len(words))]


def _triples(
    chosen: list[np.ndarray], vocabulary: tuple[str, ...], identity: str, length: float
) -> tuple[Triple, ...]:
    found = []
    for feature, numbers in enumerate(chosen):
        own, others = (
            tuple(vocabulary[each].strip() for each in part)
            for part in (numbers[:WORDS_EACH], numbers[WORDS_EACH:])
        )
        true, partly, wrong = (
            PlantedRule(words=words) for words in (own, own[: WORDS_EACH // 2], others)
        )
        found.append(
            Triple(
                kind=KIND,
                exhibits=Exhibits(
                    feature=feature,
                    dictionary=identity,
                    shown=(),
                    learned=(),
                    scored=(),
                    largest=length,
                    num_active=0,
                    num_fragments=0,
                ),
                true=said_of(feature, "true", true, identity),
                partly=said_of(feature, "partly", partly, identity),
                wrong=said_of(feature, "wrong", wrong, identity),
            )
        )
    return tuple(found)
