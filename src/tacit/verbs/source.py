"""What a fit reads: one site of a store, a pair, or several side by side.

Axes: n rows, d width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from tacit.activations.store import Store, store_identity
from tacit.activations.streaming import Stream, rows_for
from tacit.base.errors import UserError
from tacit.dictionaries.blocks import Blocks
from tacit.dictionaries.dictionary import InputContract
from tacit.dictionaries.site_pairs import Joined, Paired
from tacit.verbs.settings import PaceSettings

SIDES = ("left", "right")
"""What two models are called in the sites of their crosscoder."""


@dataclass(frozen=True, kw_only=True)
class Beside:
    """Streams of several stores over the same rows, as blocks with the sites of all."""

    streams: Mapping[str, Stream]

    @property
    def sites(self) -> tuple[str, ...]:
        """Each store's site, its side before it."""
        return tuple(f"{side}:{each.sites[0]}" for side, each in self.streams.items())

    def width(self, site: str) -> int:
        """Return the width of a side's site."""
        side, _, own = site.partition(":")
        return self.streams[side].width(own)

    def block(self, i: int) -> dict[str, Float[Tensor, "n d"]]:
        """Return block ``i``: the same tokens in every store."""
        found = [each.block(i)[each.sites[0]] for each in self.streams.values()]
        return dict(zip(self.sites, found, strict=True))


@dataclass(frozen=True, kw_only=True)
class Source:
    """Stores and sites that a dictionary is fitted to.

    One site: an autoencoder. With ``target``: a transcoder from the site to it. Several sites, or
    one site of two stores: a crosscoder.
    """

    stores: Sequence[Store]
    sites: Sequence[str]
    target: str | None = None

    def __post_init__(self) -> None:
        stores, sites = len(self.stores), len(self.sites)
        crossing = stores > 1 or sites > 1
        if stores > 2 or (stores == 2 and sites != 1):
            raise UserError(
                f"{stores} stores and {sites} sites were given; a crosscoder is of several sites "
                "of one store, or of one site of two."
            )
        if crossing and self.target is not None:
            raise UserError(
                f"a target, {self.target}, was given beside {max(stores, sites)} sites or "
                "stores; a transcoder reads one site of one store."
            )
        if stores == 2:
            _check_same_tokens(*self.stores)

    @property
    def is_crosscoder(self) -> bool:
        """Whether several parts are read at once."""
        return len(self.stores) > 1 or len(self.sites) > 1

    @property
    def width(self) -> int:
        """Width of what is read; of a crosscoder, of its widest part."""
        return max(store.width(site) for store in self.stores for site in self.sites)

    @property
    def extra(self) -> dict[str, Any]:
        """Settings that a method needs to read this."""
        return {} if self.target is None else {"reads": self.width}

    def identity(self) -> dict[str, Any]:
        """Return what tells this source from any other, as plain JSON."""
        own = {"stores": [store_identity(store) for store in self.stores]}
        return {**own, "sites": list(self.sites), "target": self.target}

    def num_rows(self) -> int:
        """Return the usable training rows."""
        return len(self.rows(held_out=False))

    def rows(self, *, held_out: bool) -> Int[np.ndarray, " n"]:
        """Return the rows that are usable at every site of every store."""
        sites = [*self.sites, *([] if self.target is None else [self.target])]
        rows = rows_for(self.stores[0], sites, held_out=held_out)
        for other in self.stores[1:]:
            rows = np.intersect1d(rows, rows_for(other, sites, held_out=held_out))
        return rows

    def blocks(self, settings: PaceSettings, seed: int) -> Blocks:
        """Return the shuffled blocks of the training rows."""
        rows = self.rows(held_out=False)
        if len(rows) < settings.batch:
            raise UserError(
                f"{len(rows)} usable training rows are too few for one batch of {settings.batch}; "
                "read more text, or take fewer with --batch (in a run, fit.batch)."
            )
        sites = (*self.sites, *(() if self.target is None else (self.target,)))
        streams = [
            Stream(
                store=store, sites=sites, rows=rows, seed=seed, block_rows=settings.batch
            )
            for store in self.stores
        ]
        if len(streams) > 1:
            both = Beside(streams=dict(zip(SIDES, streams, strict=True)))
            return Joined(both, both.sites)
        return as_asked(streams[0], self.sites, self.target)

    def contract(self) -> InputContract:
        """Return what a dictionary fitted to this expects of its input; the fit adds the site."""
        contracts = [contract_of(store) for store in self.stores]
        first = contracts[0]
        if len(contracts) == 1:
            return first
        names = " and ".join(str(each.subject) for each in contracts)
        return replace(first, subject=names, subject_digest=None)

    def ended(self) -> dict[str, Any]:
        """Return nothing to note: what a store leaves out is told by its manifest."""
        return {}


def as_asked(blocks: Blocks, sites: Sequence[str], target: str | None) -> Blocks:
    """Return one site's blocks, pairs for a transcoder, or several sites side by side."""
    if target is not None:
        return Paired(blocks, reads=sites[0], rebuilds=target)
    return Joined(blocks, sites) if len(sites) > 1 else blocks


@runtime_checkable
class AnySource(Protocol):
    """What every source of a fit offers; see ``Source``."""

    @property
    def is_crosscoder(self) -> bool:
        """Whether several parts are read at once."""
        ...

    @property
    def width(self) -> int:
        """Width of what is read."""
        ...

    @property
    def extra(self) -> dict[str, Any]:
        """Settings that a method needs to read this."""
        ...

    def identity(self) -> dict[str, Any]:
        """Return what tells this source from any other."""
        ...

    def num_rows(self) -> int:
        """Return the usable training rows."""
        ...

    def blocks(self, settings: PaceSettings, seed: int) -> Blocks:
        """Return the shuffled blocks of the training rows."""
        ...

    def contract(self) -> InputContract:
        """Return what a dictionary fitted to this expects of its input."""
        ...

    def ended(self) -> Mapping[str, Any]:
        """Stop reading; return what the outcome of a fit should say of it."""
        ...


def contract_of(store: Store, site: str | None = None) -> InputContract:
    """Return what a dictionary fitted to a store expects of its input."""
    made = store.manifest["configuration"]
    return InputContract(
        subject=made["subject"],
        subject_digest=made["subject_digest"],
        site=site,
        prepend_bos=made["prepend_bos"],
        context_tokens=made["context_tokens"],
        high_norm_factor=made["high_norm_factor"],
        dtype=made["subject_dtype"],
    )


def _check_same_tokens(left: Store, right: Store) -> None:
    for name in ("token", "document", "position"):
        if not np.array_equal(left.column(name), right.column(name)):
            raise UserError(
                f"{left.folder} and {right.folder} differ in their tokens (column {name}): a "
                "crosscoder of two models reads the same text with both. Harvest with the same "
                "text and settings, with models that share a tokenizer."
            )
