"""Is there a sparse feature of the tier before training, and what is it after?

Axes: m rows of transcripts, n texts, d width, f atoms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from tacit.dictionaries.blocks import RowBlocks
from tacit.dictionaries.dictionary import Dictionary
from tacit.dictionaries.fit import fit
from tacit.dictionaries.random import RandomDirections
from tacit.dictionaries.top_k import TopK
from tacit.metrics.fidelity import fraction_variance_unexplained
from tacit.metrics.labels import auroc
from tacit.metrics.recovery import best_cosines
from tacit.models.subject import Subject
from tacit.organisms.beyond.tier_rows import NUM_OWN, Position, TierRows, tier_rows
from tacit.organisms.beyond.transcripts import paired_prompts, write
from tacit.organisms.tiers.prompts import TIERS
from tacit.organisms.tiers.words import ids_of

_BLOCK_ROWS = 1024


@final
@dataclass(frozen=True, kw_only=True)
class FeatureSettings:
    """The dictionary that a policy's feature is looked for in."""

    num_atoms: int = 256
    k: int = 8
    steps: int = 200


@final
@dataclass(frozen=True, kw_only=True)
class Found:
    """An atom, and how well its activation tells the tier."""

    atom: int
    """Picked as the best on the stories' wordings, whichever tier it is active in."""
    auroc: float
    """Of texts with the assistants' wordings: above 0.5 it is active where monitored, or,
    if ``is_reversed``, where not."""
    is_reversed: bool
    n: int
    """Texts; those of a wording are much alike."""


@final
@dataclass(frozen=True, kw_only=True)
class TierFeature:
    """The best feature of one policy."""

    learned: Found
    random: Found
    """The best of as many random directions, as sparse: what choice alone brings."""
    unexplained: float
    """Share of the transcripts' variance that the dictionary misses."""


@final
@dataclass(frozen=True, kw_only=True)
class TierFeatures:
    """The features of two policies, each in a dictionary of its own transcripts."""

    site: str
    position: Position
    before: TierFeature
    after: TierFeature
    kept: Found
    """The feature of before, read by its own dictionary off what flows after."""
    matched: Found
    """The atom after that is nearest to the feature of before."""
    cosine: float
    """Between these two."""


def tier_features(
    before: Subject,
    after: Subject,
    *,
    site: str,
    position: Position = "scratchpad",
    settings: FeatureSettings = FeatureSettings(),
    count: int = 500,
    seed: int,
) -> TierFeatures:
    """Return the features that tell the tier best at a place, of dictionaries of a site."""
    texts = [tier_rows(policy, count, seed, (site,)) for policy in (before, after)]
    rows = [each.values[site, position] for each in texts]
    truth = texts[0]
    dictionaries, features = [], []
    for policy, own in zip((before, after), rows, strict=True):
        flow = transcript_rows(policy, count, seed, site)
        learned, random = _fitted(flow, settings, seed)
        dictionaries.append(learned)
        features.append(
            TierFeature(
                learned=_best(learned, own, truth),
                random=_best(random, own, truth),
                unexplained=fraction_variance_unexplained(flow, learned.rebuild(flow)),
            )
        )
    atom, is_reversed = features[0].learned.atom, features[0].learned.is_reversed
    wanted = dictionaries[0].atoms[[atom]]
    near = int((dictionaries[1].atoms @ wanted[0]).argmax())
    return TierFeatures(
        site=site,
        position=position,
        before=features[0],
        after=features[1],
        kept=_found(dictionaries[0], atom, rows[1], truth, is_reversed=is_reversed),
        matched=_found(dictionaries[1], near, rows[1], truth, is_reversed=is_reversed),
        cosine=float(best_cosines(wanted, dictionaries[1].atoms)[0]),
    )


@torch.no_grad()
def transcript_rows(
    policy: Subject, count: int, seed: int, site: str
) -> Float[Tensor, "m d"]:
    """Return what flows at a site in a policy's own transcripts, half of them of each tier."""
    asked = paired_prompts(-(-count // 2), seed, "transcripts")
    found = []
    for tier in TIERS:
        written = write(policy, asked[tier], seed)
        texts = [
            ids_of([*prompt.words(), *words])
            for prompt, words in zip(asked[tier], written.words, strict=True)
        ]
        longest = max(map(len, texts))
        ids = torch.tensor([row + [-1] * (longest - len(row)) for row in texts])
        found.append(policy.run(ids, sites=(site,)).activations[site][ids >= 0].float())
    return torch.cat(found)


def _fitted(
    rows: Float[Tensor, "m d"], settings: FeatureSettings, seed: int
) -> tuple[Dictionary, Dictionary]:
    """Return a learned dictionary of rows and a random one as large and as sparse."""
    num_atoms, k = settings.num_atoms, settings.k
    blocks = RowBlocks(
        rows={"rows": rows}, block_rows=min(_BLOCK_ROWS, len(rows)), seed=seed
    )
    methods = {
        "learned": TopK(num_atoms=num_atoms, k=k),
        "random": RandomDirections(num_atoms=num_atoms, k=k),
    }
    learned, random = fit(methods, blocks, (seed,), steps=settings.steps)
    return learned.dictionary, random.dictionary


def _best(dictionary: Dictionary, rows: Float[Tensor, "n d"], texts: TierRows) -> Found:
    """Return the atom that tells the tier best in the stories' wordings."""
    here = texts.wording >= NUM_OWN
    code = dictionary.encode(rows).dense().double().cpu().numpy()[here]
    scores = np.array([auroc(column, texts.is_monitored[here]) for column in code.T])
    atom = int(np.abs(scores - 0.5).argmax())
    return _found(dictionary, atom, rows, texts, is_reversed=bool(scores[atom] < 0.5))


def _found(
    dictionary: Dictionary,
    atom: int,
    rows: Float[Tensor, "n d"],
    texts: TierRows,
    *,
    is_reversed: bool,
) -> Found:
    own: Bool[np.ndarray, " n"] = texts.wording < NUM_OWN
    active = dictionary.encode(rows).dense()[:, atom].double().cpu().numpy()[own]
    told = auroc(active, texts.is_monitored[own])
    return Found(
        atom=atom,
        auroc=1 - told if is_reversed else told,
        is_reversed=is_reversed,
        n=int(own.sum()),
    )
