"""What a feature does to the next token: how log-probabilities change when it is taken out.

Axes: b windows, t positions, n positions where the feature fires, w documents, v vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tacit.activations.windows import Windows
from tacit.base.errors import UserError
from tacit.base.progress import Progress, silent
from tacit.dictionaries.dictionary import Dictionary
from tacit.interventions.edits import ablate_feature, check_feature
from tacit.interventions.loss import BATCH_WINDOWS
from tacit.metrics.bootstrap import bootstrap_ratio
from tacit.metrics.intervals import Interval
from tacit.models.subject import Subject


@dataclass(frozen=True, kw_only=True)
class AblationEffects:
    """How ablating one feature changes what the subject predicts where the feature fires."""

    feature: int
    site: str
    num_positions: int
    """Positions where the feature fires, which the mean is over."""
    num_windows: int
    """Windows that hold them."""
    counts: Int[np.ndarray, " w"]
    """Positions in each of the documents that hold them."""
    sums: Float[Tensor, "w v"]
    """Summed change of each token's log-probability in each document."""

    @property
    def change(self) -> Float[Tensor, " v"]:
        """Mean change of each token's log-probability, ablated minus clean, in nats."""
        return (self.sums.sum(dim=0) / self.num_positions).float()

    def raised(self, num: int = 10) -> list[tuple[int, float]]:
        """Return the ``num`` tokens that ablation makes likelier, the most changed first."""
        return _largest(self.change, num, sign=1)

    def lowered(self, num: int = 10) -> list[tuple[int, float]]:
        """Return the ``num`` tokens that ablation makes less likely: the feature's promotion."""
        return _largest(self.change, num, sign=-1)

    def interval(self, token: int, rng: np.random.Generator) -> Interval:
        """Return one token's mean change with its interval over documents.

        Caution: of a token that was chosen for its change, both ends lie too far out.
        """
        return bootstrap_ratio(self.sums[:, token].numpy(), self.counts, rng)


@torch.no_grad()
def ablation_effects(
    subject: Subject,
    windows: Windows,
    site: str,
    dictionary: Dictionary,
    feature: int,
    *,
    progress: Progress = silent,
) -> AblationEffects:
    """Return the mean change of next-token log-probabilities where ``feature`` fires.

    The feature's own part is taken out wherever it fires at a usable position, all at once, and
    what the dictionary misses stays. So the change at a position also holds what attention
    brings from earlier firings. Tokens promoted directly are ``Subject.promoted``; this adds
    what later layers do.
    """
    _check(subject, site, dictionary)
    fires = firing_positions(subject, windows, site, dictionary, feature)
    held = np.flatnonzero(fires.any(axis=1))
    if not len(held):
        raise UserError(
            f"feature {feature} fires at none of the {int(windows.usable.sum()):,} usable "
            "positions of these windows; give windows in which it fires."
        )
    documents, owner = np.unique(windows.document[fires], return_inverse=True)
    of_document = np.zeros(fires.shape, dtype=np.int64)
    of_document[fires] = owner
    sums: Tensor | None = None
    with progress("ablate", len(held), "windows") as advance:
        for first in range(0, len(held), BATCH_WINDOWS):
            rows = held[first : first + BATCH_WINDOWS]
            ids, where = torch.from_numpy(windows.ids[rows]), torch.from_numpy(fires[rows])
            edit = ablate_feature(dictionary, feature, where)
            clean = _log_probabilities(subject.run(ids, logits=True).logits, where)
            ablated = subject.run(ids, edits={site: edit}, logits=True).logits
            change = (_log_probabilities(ablated, where) - clean).double().cpu()
            if sums is None:
                sums = change.new_zeros(len(documents), change.shape[1])
            sums.index_add_(0, torch.from_numpy(of_document[rows][fires[rows]]), change)
            advance(len(rows))
    assert sums is not None, "at least one window holds a position"
    return AblationEffects(
        feature=feature,
        site=site,
        num_positions=int(fires.sum()),
        num_windows=len(held),
        counts=np.bincount(owner),
        sums=sums,
    )


@torch.no_grad()
def firing_positions(
    subject: Subject, windows: Windows, site: str, dictionary: Dictionary, feature: int
) -> Bool[np.ndarray, "b t"]:
    """Return at which usable positions a feature's activation is not zero."""
    check_feature(dictionary, feature)
    fires = np.zeros(windows.usable.shape, dtype=bool)
    for first in range(0, len(windows.ids), BATCH_WINDOWS):
        span = slice(first, first + BATCH_WINDOWS)
        where = windows.usable[span]
        flow = subject.run(torch.from_numpy(windows.ids[span]), sites=(site,))
        code = dictionary.encode(flow.activations[site][torch.from_numpy(where)])
        mine = (code.indices == feature) & (code.values != 0)
        fires[span][where] = mine.any(dim=1).cpu().numpy()
    return fires


def _check(subject: Subject, site: str, dictionary: Dictionary) -> None:
    if not subject.is_causal:
        raise UserError(
            f"{subject.name} predicts no next token, so a feature has no effect on it. Use a "
            "causal language model."
        )
    contract = dictionary.contract
    if contract.site not in (None, site):
        raise UserError(
            f"an ablation at {site} was asked for with a dictionary of {contract.site}; name "
            "that site."
        )
    if contract.subject_digest not in (None, subject.digest):
        raise UserError(
            f"{subject.name} is not the subject that the dictionary was fitted on: its weights "
            "differ. Load that subject, or fit on this one."
        )


def _log_probabilities(
    logits: Tensor | None, where: Bool[Tensor, "b t"]
) -> Float[Tensor, "n v"]:
    assert logits is not None, "logits were asked for"
    return logits[where.to(logits.device)].float().log_softmax(dim=-1)


def _largest(
    change: Float[Tensor, " v"], num: int, *, sign: int
) -> list[tuple[int, float]]:
    order = torch.argsort(sign * change, descending=True, stable=True)[:num]
    return [(int(token), float(change[token])) for token in order]
