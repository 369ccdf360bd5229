"""One feature as a case: on which tokens it is active, and whose prediction fails without it.

Axes: b windows, t positions, c bins of activation, e = c + 1 edges, n positions where the feature
is active, m of those whose effect is large.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tacit.activations.windows import Windows
from tacit.base.errors import UserError
from tacit.base.progress import Progress, silent
from tacit.dictionaries.dictionary import Dictionary
from tacit.interventions.differences import check_fits
from tacit.interventions.edits import ablate_feature, check_feature
from tacit.interventions.loss import BATCH_WINDOWS, next_token_losses, scored_tokens
from tacit.metrics.purity import token_purity
from tacit.models.subject import Subject

BINS = 10


class NeverActive(UserError):
    """The feature is active at none of the positions that were looked at."""


@final
@dataclass(frozen=True, kw_only=True)
class Case:
    """Every position of some windows where one feature is active."""

    feature: int
    values: Float[np.ndarray, " n"]
    """Activation, above 0."""
    tokens: Int[np.ndarray, " n"]
    next_tokens: Int[np.ndarray, " n"]
    """Token that follows; -1 at the end of a document."""
    rises: Float[np.ndarray, " n"]
    """By how much the loss of that token rises where the feature is ablated, in nats; NaN at
    the end of a document, and everywhere for a subject that predicts no next token."""
    documents: Int[np.ndarray, " n"]
    """Document of each position, by its number."""
    num_positions: int
    """Usable positions that were looked at."""

    @property
    def edges(self) -> Float[np.ndarray, " e"]:
        """Ten equal steps from 0 to the largest activation."""
        return np.linspace(0, self.values.max(), BINS + 1)

    def histogram(self) -> dict[int, Int[np.ndarray, " c"]]:
        """Return how often each token stands in each bin of activation, the commonest first."""
        place = np.clip(np.searchsorted(self.edges, self.values, side="left") - 1, 0, None)
        order = [token for token, _ in Counter(self.tokens.tolist()).most_common()]
        return {
            token: np.bincount(place[self.tokens == token], minlength=BINS)
            for token in order
        }

    def purity(self, tokens: Sequence[int]) -> float:
        """Return the share of positions in the four highest bins that hold one of ``tokens``."""
        return token_purity(self.values, np.isin(self.tokens, tokens))

    def effects(self, *, at_least: float = 0.1) -> dict[int, Float[np.ndarray, " m"]]:
        """Return the rises of ``at_least`` so many nats by what follows, largest sum first."""
        kept = np.nan_to_num(self.rises, nan=-np.inf) >= at_least
        found = {
            int(token): self.rises[kept & (self.next_tokens == token)]
            for token in np.unique(self.next_tokens[kept])
        }
        return dict(sorted(found.items(), key=lambda item: -item[1].sum()))


@torch.no_grad()
def case_of(
    subject: Subject,
    windows: Windows,
    site: str,
    dictionary: Dictionary,
    feature: int,
    *,
    progress: Progress = silent,
) -> Case:
    """Return where ``feature`` is active, and what ablating it everywhere does to each next token.

    The histograms of Cunningham et al. 2023, arXiv:2309.08600, section 5.

    Raises:
        NeverActive: where it is active at none of the positions.
        UserError: for a feature that is not there, a dictionary of another site or subject.
    """
    check_fits(subject, site, dictionary)
    check_feature(dictionary, feature)
    scored = np.pad(scored_tokens(windows), ((0, 0), (0, 1)))
    columns: list[tuple[np.ndarray, ...]] = []
    with progress("ablate", len(windows.ids), "windows") as advance:
        for first in range(0, len(windows.ids), BATCH_WINDOWS):
            span = slice(first, first + BATCH_WINDOWS)
            ids, where = (
                torch.from_numpy(each[span]) for each in (windows.ids, windows.usable)
            )
            own, rises = _measured(subject, site, dictionary, feature, ids, where)
            kept = own > 0
            follows = np.where(scored[span], np.roll(windows.ids[span], -1, axis=1), -1)
            rises = np.where(scored[span], rises, np.nan)
            of_each = (own, windows.ids[span], follows, rises, windows.document[span])
            columns.append(tuple(each[kept] for each in of_each))
            advance(len(ids))
    values, tokens, following, rises, documents = (
        np.concatenate(c) for c in zip(*columns, strict=True)
    )
    if not len(values):
        raise NeverActive(
            f"feature {feature} is active at none of the {int(windows.usable.sum()):,} usable "
            "positions of these windows; give windows in which it is active."
        )
    return Case(
        feature=feature,
        values=values,
        tokens=tokens,
        next_tokens=following,
        rises=rises,
        documents=documents,
        num_positions=int(windows.usable.sum()),
    )


def _measured(
    subject: Subject,
    site: str,
    dictionary: Dictionary,
    feature: int,
    ids: Int[Tensor, "b t"],
    where: Bool[Tensor, "b t"],
) -> tuple[Float[np.ndarray, "b t"], Float[np.ndarray, "b t"]]:
    """Return one batch's activations, 0 where not usable, and the rise of each next loss."""
    clean = subject.run(ids, sites=(site,), logits=subject.is_causal)
    value = clean.activations[site]
    code = dictionary.encode(value[where.to(value.device)])
    own = torch.zeros(where.shape)
    own[where] = code.dense()[:, feature].float().cpu()
    values = own.numpy().astype(float)
    if not subject.is_causal:
        return values, np.full(values.shape, np.nan)
    edit = ablate_feature(dictionary, feature, own > 0)
    edited = subject.run(ids, edits={site: edit}, logits=True)
    assert clean.logits is not None and edited.logits is not None
    before, after = (
        next_token_losses(each, ids, ids >= 0).cpu().numpy()
        for each in (clean.logits, edited.logits)
    )
    return values, (after - before).astype(float)
