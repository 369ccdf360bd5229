"""What each dictionary is like, and what is left of the prediction with its reconstruction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from tacit.activations.store import Store
from tacit.activations.streaming import rows_for
from tacit.dictionaries import Dictionary
from tacit.interventions.loss import substitution_losses
from tacit.metrics.fidelity import fraction_variance_unexplained
from tacit.metrics.sparsity import Firing
from tacit.models.subject import Subject
from tacit.studies.interpretable_directions.settings import DirectionsSettings

LIVE_ROWS = 50_000


@dataclass(frozen=True, kw_only=True)
class Substituted:
    """One basis in place of the site, of one subject and seed."""

    subject: str
    seed: int
    site: str
    basis: str
    atoms: int
    l0: float
    fvu: float
    live: float
    """Share of atoms that fire more than ten times in ``rows``, as published."""
    rows: int
    clean: float
    """Held-out loss of the subject itself, nats a token."""
    loss: float
    """The same with the reconstruction at every usable position."""
    tokens: int


def substituted_of(
    settings: DirectionsSettings,
    subject: Subject,
    unit: tuple[str, int],
    store: Store,
    site: str,
    bases: Mapping[str, Dictionary],
) -> list[Substituted]:
    """Return sparsity, error and substitution loss of every basis."""
    rows = rows_for(store, [site], held_out=False)
    rows = rows[:: max(1, -(-len(rows) // LIVE_ROWS))]
    values = store.vectors(site, rows).float()
    losses = substitution_losses(
        subject,
        store,
        site,
        bases,
        values.mean(dim=0),
        max_windows=settings.windows,
    )
    found = []
    for name, dictionary in bases.items():
        counts = torch.zeros(dictionary.num_atoms, dtype=torch.int64)
        rebuilt = []
        for block in values.split(8_192):
            code = dictionary.encode(block)
            counts += (code.dense() != 0).sum(dim=0)
            rebuilt.append(dictionary.decode(code))
        firing = Firing(counts=counts, num_tokens=len(values))
        found.append(
            Substituted(
                subject=unit[0],
                seed=unit[1],
                site=site,
                basis=name,
                atoms=dictionary.num_atoms,
                l0=firing.mean_l0(),
                fvu=float(fraction_variance_unexplained(values, torch.cat(rebuilt))),
                live=firing.live_share(),
                rows=len(values),
                clean=losses.per_token(),
                loss=losses.per_token(name),
                tokens=int(losses.num_tokens.sum()),
            )
        )
    return found
