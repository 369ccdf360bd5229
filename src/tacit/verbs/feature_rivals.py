"""What a feature is compared with: the nearest neuron, and its like where nothing was learned.

Axes: n rows, d width, f atoms.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tacit.activations.streaming import Stream, rows_for
from tacit.activations.windows import Windows, windows_in
from tacit.base.progress import Progress, silent
from tacit.dictionaries import METHODS, NeuronBasis, RowBlocks, fit
from tacit.dictionaries.bases import halves
from tacit.dictionaries.dictionary import Dictionary
from tacit.features.index import Index
from tacit.interventions.loss import BATCH_WINDOWS
from tacit.models.subject import Subject
from tacit.models.untrained import untrained
from tacit.verbs.fidelity import BLOCK_ROWS
from tacit.verbs.frontier import in_words
from tacit.verbs.members import make
from tacit.verbs.source import contract_of
from tacit.verbs.studied_feature import Studied

FEATURE, NEURON, RANDOM = "the feature", "its nearest neuron", "random weights"
OWN_TOKENS = 5
"""Tokens by which features are matched, at most."""
HIGH = 0.6
"""Share of the largest activation above which a position counts for those tokens."""
CONTROL_ROWS, CONTROL_STEPS = 200_000, 500
"""Positions of training text, and steps, that the control is fitted with at most."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One feature of one subject, and how it came to be looked at."""

    name: str
    which: str
    """In words, e.g. ``feature 812`` or ``neuron 12, below its mean``."""
    chosen: str
    subject: Subject
    dictionary: Dictionary
    feature: int


def own_tokens(index: Index, feature: int) -> list[int]:
    """Return the tokens that stand most often where a feature is strongly active.

    Training text alone, the commonest first; none where it is active nowhere there.
    """
    fired = index.firings(feature)
    held_out = index.tokens.column("held_out").to_numpy()
    kept = (fired["value"] > 0) & ~held_out[fired["row"]]
    if not kept.any():
        return []
    values, rows = fired["value"][kept], fired["row"][kept]
    tokens = index.tokens.column("token").to_numpy()[rows[values > HIGH * values.max()]]
    return [token for token, _ in Counter(tokens.tolist()).most_common(OWN_TOKENS)]


def nearest_neuron(studied: Studied, subject: Subject, feature: int) -> Candidate:
    """Return the neuron in which the feature's direction is largest, on the side of its sign.

    It is active as far as the site's coordinate lies beyond its mean on that side.
    """
    direction = studied.dictionary.atoms[feature]
    neuron = int(direction.abs().argmax())
    is_below = bool(direction[neuron] < 0)
    rows = rows_for(studied.store, [studied.site], held_out=False)
    blocks = Stream(
        store=studied.store,
        sites=(studied.site,),
        rows=rows,
        seed=studied.seed,
        block_rows=min(BLOCK_ROWS, len(rows)),
    )
    steps = min(NeuronBasis().num_blocks or len(blocks), len(blocks))
    contract = contract_of(studied.store)
    made = fit([NeuronBasis()], blocks, [studied.seed], steps=steps, contract=contract)
    share = float(direction[neuron].abs() / direction.norm())
    return Candidate(
        name=NEURON,
        which=f"neuron {neuron}, {'below' if is_below else 'above'} its mean",
        chosen=f"the coordinate in which the feature's direction is largest: {share:.2f} of its "
        "length",
        subject=subject,
        dictionary=halves(made[0].dictionary),
        feature=neuron + studied.dictionary.width * is_below,
    )


def untrained_match(
    studied: Studied, subject: Subject, own: Sequence[int], *, progress: Progress = silent
) -> Candidate | str:
    """Return the feature of random weights that tells the tokens ``own`` best, or why none does.

    The same architecture reads the same training windows, and the same method is fitted to the
    same positions. Chosen by F1 there, of being active as a sign of those tokens.
    """
    dictionary = studied.dictionary
    if dictionary.method not in METHODS:
        return (
            f"a dictionary of {dictionary.method} cannot be fitted again to random weights"
        )
    if not own:
        return "the feature is active nowhere in training text, so no token is its own"
    twin = untrained(subject, studied.seed)
    context = studied.store.manifest["configuration"]["context_tokens"]
    most = max(1, CONTROL_ROWS // context)
    windows = windows_in(studied.store, studied.site, held_out=False, max_windows=most)
    rows, tokens = _rows_of(twin, windows, studied.site, progress)
    is_own = torch.isin(tokens, torch.tensor(own))
    if not is_own.any():
        return f"none of its tokens stands among the {len(rows):,} positions that were read"
    steps = min(CONTROL_STEPS, studied.fit.steps or CONTROL_STEPS)
    size = min(studied.fit.batch, len(rows))
    made = fit(
        [make(dictionary.method, dictionary.settings, {})],
        RowBlocks(rows={studied.site: rows}, block_rows=size, seed=studied.seed),
        [studied.seed],
        steps=steps,
        contract=replace(contract_of(studied.store), subject_digest=twin.digest),
        progress=progress,
    )[0].dictionary
    scores = sign_scores(made, rows, is_own)
    best = int(scores.argmax())
    settings = {name: value for name, value in made.settings.items() if value is not None}
    words = in_words({**settings, "method": made.method, "num_atoms": made.num_atoms})
    return Candidate(
        name=RANDOM,
        which=f"feature {best}",
        chosen=f"of {words}, fitted to the same architecture with random weights (seed "
        f"{studied.seed}; {len(rows):,} positions, {windows.num_left_out:,} training windows left "
        f"out; {steps:,} steps of {size:,}): the one whose activity tells the feature's own tokens "
        f"best in training text, F1 {float(scores[best]):.2f}",
        subject=twin,
        dictionary=made,
        feature=best,
    )


@torch.no_grad()
def sign_scores(
    dictionary: Dictionary, rows: Float[Tensor, "n d"], truth: Bool[Tensor, " n"]
) -> Float[Tensor, " f"]:
    """Return each atom's F1 of being active, above 0, as a sign of what is true of a row."""
    said, hits = (torch.zeros(dictionary.num_atoms, dtype=torch.float64) for _ in range(2))
    for first in range(0, len(rows), BLOCK_ROWS):
        span = slice(first, first + BLOCK_ROWS)
        code = dictionary.encode(rows[span])
        active = code.values > 0
        for counts, kept in ((said, active), (hits, active & truth[span, None])):
            counts += code.indices[kept].bincount(minlength=dictionary.num_atoms)
    return 2 * hits / (said + truth.sum()).clamp_min(1)


def _rows_of(
    subject: Subject, windows: Windows, site: str, progress: Progress
) -> tuple[Float[Tensor, "n d"], Int[Tensor, " n"]]:
    """Return what flows at a site at the usable positions, and the tokens there."""
    found: list[Tensor] = []
    with progress("random weights", len(windows.ids), "windows") as advance:
        for first in range(0, len(windows.ids), BATCH_WINDOWS):
            span = slice(first, first + BATCH_WINDOWS)
            ids, where = (
                torch.from_numpy(each[span]) for each in (windows.ids, windows.usable)
            )
            value = subject.run(ids, sites=(site,)).activations[site]
            found.append(value[where.to(value.device)].float().cpu())
            advance(len(ids))
    tokens = torch.from_numpy(np.ascontiguousarray(windows.ids[windows.usable]))
    return torch.cat(found), tokens
