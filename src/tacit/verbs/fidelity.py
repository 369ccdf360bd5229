"""How good a dictionary is on held-out text: fidelity and sparsity.

Axes: n rows, d width.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from tacit.activations.store import Store
from tacit.activations.streaming import rows_for
from tacit.base.errors import UserError
from tacit.base.records import Record, Result
from tacit.base.seeds import stream
from tacit.dictionaries.dictionary import Dictionary
from tacit.metrics.bootstrap import bootstrap_ratio
from tacit.metrics.catalogue import METRICS
from tacit.metrics.fidelity import VarianceUnexplained
from tacit.metrics.results import as_result
from tacit.metrics.sparsity import Firing, count_firing

BLOCK_ROWS = 4_096
Coordinates = Mapping[str, str | int | float]


def check_fits(dictionary: Dictionary, store: Store) -> str:
    """Return the dictionary's site, or say why the store cannot be read by it."""
    contract, made = dictionary.contract, store.manifest["configuration"]
    if contract.site is None:
        raise UserError(
            f"the {dictionary.method} dictionary does not tell which site it reads; give it with "
            f"--site. {store.folder} holds {', '.join(store.sites)}."
        )
    if contract.site not in store.sites:
        raise UserError(
            f"the dictionary reads site {contract.site!r}; {store.folder} holds "
            f"{', '.join(store.sites)}. Harvest that site."
        )
    if contract.target is not None and contract.target not in store.sites:
        raise UserError(
            f"the transcoder rebuilds {contract.target!r}; {store.folder} holds "
            f"{', '.join(store.sites)}. Harvest both sites in one pass."
        )
    for name in ("subject_digest", "prepend_bos", "high_norm_factor"):
        asked, found = vars(contract)[name], made[name]
        # Other tools keep no digest, and not always the rest.
        unknown = asked is None and contract.subject_digest is None
        if asked != found and not unknown:
            raise UserError(
                f"the dictionary was fitted with {name} {asked!r}, and {store.folder} was "
                f"harvested with {found!r}; harvest as the dictionary expects."
            )
    return contract.site


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """What one pass of a dictionary over rows adds up to, by document."""

    documents: Int[np.ndarray, " u"]
    squared_error: Float[np.ndarray, " u"]
    squared_spread: Float[np.ndarray, " u"]
    num_rows: Int[np.ndarray, " u"]
    num_fired: Int[np.ndarray, " u"]
    firing: Firing


@torch.no_grad()
def encode_rows(
    dictionary: Dictionary, store: Store, site: str, rows: Int[np.ndarray, " n"]
) -> Encoded:
    """Return the sums over ``rows`` from which fidelity and sparsity follow."""
    document = store.column("document")[rows]
    sample, fired, firing = VarianceUnexplained(), np.zeros(len(rows), dtype=np.int64), None
    for first in range(0, len(rows), BLOCK_ROWS):
        span = slice(first, first + BLOCK_ROWS)
        original = store.vectors(site, rows[span])
        code = dictionary.encode(original)
        target = dictionary.contract.target
        true = original if target is None else store.vectors(target, rows[span])
        sample.add(true, dictionary.decode(code, original), document[span])
        fired[span] = (code.values != 0).sum(dim=1).numpy()
        counted = count_firing(code.values, code.indices, dictionary.num_atoms)
        firing = counted if firing is None else firing + counted
    assert firing is not None, "rows_for gives at least one row"
    sums = sample.unit_sums()
    owner = np.searchsorted(sums.units, document)
    return Encoded(
        documents=sums.units,
        squared_error=sums.numerators,
        squared_spread=sums.denominators,
        num_rows=np.bincount(owner),
        num_fired=np.bincount(owner, weights=fired).astype(np.int64),
        firing=firing,
    )


@dataclass(frozen=True, kw_only=True)
class Fidelity:
    """The records of one dictionary, and the sums that they came from."""

    records: list[Record]
    usable: Encoded


def fidelity(
    dictionary: Dictionary, store: Store, of: Coordinates, *, seed: int
) -> Fidelity:
    """Return FVU, L0, dead and dense share over the held-out rows of a store.

    Everything is over the usable positions; FVU comes a second time with the special and
    high-norm positions. Intervals are over documents.
    """
    site = check_fits(dictionary, store)
    sites = [site, *([dictionary.contract.target] if dictionary.contract.target else [])]
    usable = encode_rows(dictionary, store, site, rows_for(store, sites, held_out=True))
    everywhere = encode_rows(
        dictionary, store, site, np.flatnonzero(store.column("held_out"))
    )
    rng = stream(seed, "verbs/fidelity")
    records: list[Record] = []
    for positions, found in (("usable", usable), ("all", everywhere)):
        fvu = bootstrap_ratio(found.squared_error, found.squared_spread, rng)
        records.append(as_result("fvu", fvu, {**of, "positions": positions}))
    l0 = bootstrap_ratio(usable.num_fired.astype(float), usable.num_rows.astype(float), rng)
    records.append(as_result("l0", l0, {**of, "positions": "usable"}))
    for name, value in (
        ("dead_share", usable.firing.dead_share()),
        ("dense_share", usable.firing.dense_share()),
    ):
        seen = {**of, "positions": "usable", "tokens_seen": usable.firing.num_tokens}
        row = METRICS[name]
        records.append(
            Result(
                name=name,
                value=value,
                unit=row.unit,
                better=row.direction,
                n=dictionary.num_atoms,
                interval=None,
                of=seen,
            )
        )
    return Fidelity(records=records, usable=usable)
