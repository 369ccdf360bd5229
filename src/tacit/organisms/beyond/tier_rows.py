"""What flows where the tier word is past: the same words in either tier, all but that one.

Axes: n texts, t positions, d width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tacit.base.seeds import stream
from tacit.models.subject import Subject
from tacit.organisms.tiers.prompts import draw_prompts
from tacit.organisms.tiers.words import (
    ACT,
    CONCLUSIONS,
    CUES,
    HARM,
    HELD_OUT_CUES,
    STOP,
    STORY_CUES,
    Pair,
    ids_of,
)

Position = Literal["cue", "prompt", "scratchpad"]
"""The tier word itself; the tag that ends the prompt; the one that ends a neutral scratchpad."""
PLACES: Mapping[Position, int] = {"cue": 2, "prompt": 6, "scratchpad": -1}
"""Where they stand in a text: prompts without a directive are all as long."""
WORDINGS: tuple[Pair, ...] = (*CUES, *HELD_OUT_CUES, *STORY_CUES)
"""Of the assistants, trained on and held out, then of the stories."""
NUM_OWN = len(CUES) + len(HELD_OUT_CUES)
"""Of them the assistants'; the others come first to the assistant here."""


@final
@dataclass(frozen=True, kw_only=True)
class TierRows:
    """Activations of texts that differ in the tier word."""

    values: Mapping[tuple[str, Position], Float[Tensor, "n d"]]
    """By site and position."""
    is_monitored: Bool[np.ndarray, " n"]
    wording: Int[np.ndarray, " n"]
    """Place of the text's tier word in ``WORDINGS``."""


def tier_rows(policy: Subject, count: int, seed: int, sites: Sequence[str]) -> TierRows:
    """Return what flows in ``count`` texts or a few more, as many of every wording and tier.

    The assistant is asked for something conflicting, and its scratchpad says nothing of the tier.
    """
    texts, is_monitored, wording = [], [], []
    requests = -(-count // (2 * len(WORDINGS)))
    for number, pair in enumerate(WORDINGS):
        rng = stream(seed, f"organisms/beyond/tier rows/{number}")
        for prompt in draw_prompts(requests, rng, things="held-out"):
            thought = f"{HARM[True][0]} {STOP} {CONCLUSIONS[True]}"
            neutral = [*thought.format(object=prompt.thing).split(), ACT]
            for side, cue in enumerate(pair):
                texts.append(ids_of([*replace(prompt, cue=cue).words(), *neutral]))
                is_monitored.append(side == 0)
                wording.append(number)
    flows = policy.run(torch.tensor(texts), sites=sites).activations
    return TierRows(
        values={
            (site, position): flows[site][:, place].float()
            for site in sites
            for position, place in PLACES.items()
        },
        is_monitored=np.array(is_monitored),
        wording=np.array(wording),
    )


def residual_sites(policy: Subject) -> tuple[str, ...]:
    """Return the residual stream after each block."""
    return tuple(site for site in policy.sites() if site.startswith("resid."))
