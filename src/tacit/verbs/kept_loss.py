"""How much of a subject's prediction is left when it goes on from a dictionary's reconstruction.

Axes: d width.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from tacit.activations.store import Store
from tacit.activations.streaming import rows_for
from tacit.base.errors import UserError
from tacit.base.progress import Progress, silent
from tacit.base.records import Gap, Record
from tacit.base.seeds import stream
from tacit.dictionaries.dictionary import Dictionary
from tacit.interventions.loss import Losses, substitution_losses
from tacit.metrics.bootstrap import bootstrap_ratio
from tacit.metrics.results import as_result
from tacit.models.subject import Subject
from tacit.verbs.fidelity import BLOCK_ROWS, Coordinates, check_fits


@dataclass(frozen=True, kw_only=True)
class KeptLoss:
    """The records of several dictionaries, and the losses that they came from."""

    records: list[Record]
    usable: Losses | None
    """With the usable positions replaced; None where no next token is predicted."""


def kept_loss(
    subject: Subject,
    store: Store,
    dictionaries: Mapping[str, tuple[Dictionary, Coordinates]],
    *,
    seed: int,
    max_windows: int | None = None,
    progress: Progress = silent,
) -> KeptLoss:
    """Return the loss recovered of each dictionary, against zero and against mean ablation.

    All dictionaries rebuild one site. With usable positions replaced and, a second time, all.
    """
    if not subject.is_causal:
        reason = f"{subject.name} is an encoder and predicts no next token"
        gaps: list[Record] = [
            Gap(name="loss_recovered", reason=reason, of=dict(of))
            for _, of in dictionaries.values()
        ]
        return KeptLoss(records=gaps, usable=None)
    sites = {
        dictionary.contract.target or check_fits(dictionary, store)
        for dictionary, _ in dictionaries.values()
        if check_fits(dictionary, store)
    }
    if len(sites) != 1:
        raise UserError(
            f"dictionaries of one site are measured together; these are of {sites}."
        )
    (site,) = sites
    mean = mean_vector(store, site)
    records: list[Record] = []
    losses: dict[str, Losses] = {}
    for positions in ("usable", "all"):
        losses[positions] = substitution_losses(
            subject,
            store,
            site,
            {name: dictionary for name, (dictionary, _) in dictionaries.items()},
            mean,
            everywhere=positions == "all",
            max_windows=max_windows,
            progress=progress,
        )
        records += _recovered(losses[positions], dictionaries, positions, seed)
    return KeptLoss(records=records, usable=losses["usable"])


def mean_vector(store: Store, site: str) -> Float[Tensor, " d"]:
    """Return the mean of a site's usable training rows."""
    rows = rows_for(store, [site], held_out=False)
    total = torch.zeros(store.width(site), dtype=torch.float64)
    for first in range(0, len(rows), BLOCK_ROWS):
        total += store.vectors(site, rows[first : first + BLOCK_ROWS]).double().sum(dim=0)
    return (total / len(rows)).float()


def _recovered(
    losses: Losses,
    dictionaries: Mapping[str, tuple[Dictionary, Coordinates]],
    positions: str,
    seed: int,
) -> list[Record]:
    rng = stream(seed, "verbs/kept loss")
    counts = losses.num_tokens.astype(float)
    at: Coordinates = {"positions": positions}
    if losses.num_windows_left_out:
        at = {**at, "windows_left_out": losses.num_windows_left_out}
    clean = bootstrap_ratio(losses.clean, counts, rng)
    records: list[Record] = [as_result("cross_entropy", clean, {**at, "edit": "none"})]
    for edit in ("zero", "mean"):
        found = bootstrap_ratio(losses.edited[edit], counts, rng)
        records.append(as_result("cross_entropy", found, {**at, "edit": edit}))
    for name, (_, of) in dictionaries.items():
        found = bootstrap_ratio(losses.edited[name], counts, rng)
        records.append(
            as_result("cross_entropy", found, {**of, **at, "edit": "reconstruction"})
        )
        for against in ("zero", "mean"):
            harm = losses.edited[against] - losses.clean
            place = {**of, **at, "against": against}
            if harm.sum() <= 0:
                reason = f"{against} ablation does not raise the loss, so nothing can be recovered"
                records.append(Gap(name="loss_recovered", reason=reason, of=place))
                continue
            share = bootstrap_ratio(losses.edited[against] - losses.edited[name], harm, rng)
            records.append(as_result("loss_recovered", share, place))
    return records
