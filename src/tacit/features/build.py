"""The feature index: every activation of every feature, in two sort orders.

One order answers "the top contexts of feature 812", the other "the features of this document",
so neither scans everything. Only what is not zero is written. Axes: n rows, k kept atoms.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from tacit.activations.store import TOKENS, Store, store_identity
from tacit.activations.tokens import VOCABULARY
from tacit.base.errors import UserError
from tacit.base.files import sha256_of, write_atomically, written_aside
from tacit.base.folders import whole_folder
from tacit.base.progress import Progress, Task, silent
from tacit.dictionaries.dictionary import Dictionary
from tacit.features.files import parquet, quoted
from tacit.features.index import BY_FEATURE, BY_ROW, FEATURES, KIND, Index, open_index

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK_ROWS = 8_192
"""Rows encoded at once."""
ROW_GROUP = 131_072
"""Rows of Parquet whose range is kept together, so that a query can skip the others."""
NUM_BINS = 20
"""Bins of a feature's histogram, equal in width from 0 to its largest value."""


def build_index(
    dictionary: Dictionary,
    store: Store,
    folder: Path,
    *,
    replace: bool = False,
    progress: Progress = silent,
) -> Index:
    """Return the index in ``folder`` of a dictionary over the usable rows of a store.

    Killed and called again with the same arguments, it starts over and ends in the same bytes.
    The index keeps its own copy of the token table and the vocabulary, and needs neither store
    nor model afterwards.
    """
    site = _site_of(dictionary, store)
    usable = np.flatnonzero(store.usable(site))
    if not len(usable):
        raise UserError(
            f"{store.folder} has no usable rows of {site}: every token is special or of high "
            "norm; harvest more text."
        )
    manifest: dict[str, Any] = {
        "kind": KIND,
        "configuration": {
            "dictionary": identity_of(dictionary),
            "store": store_identity(store),
            "site": site,
        },
        "num_atoms": dictionary.num_atoms,
        "num_rows": len(usable),
        "documents": list(store.documents),
        "labels": list(store.labels),
    }
    with whole_folder(folder, manifest, replace=replace) as partial:
        for name in (TOKENS, VOCABULARY):
            with written_aside(partial / name) as aside:
                shutil.copyfile(store.folder / name, aside)
        with progress("index", len(usable), "tokens") as advance:
            _write_rows(dictionary, store, site, usable, partial / BY_ROW, advance)
        _sort_by_feature(partial)
        _summarise(partial, dictionary.num_atoms, len(usable))
        names = (TOKENS, VOCABULARY, BY_ROW, BY_FEATURE, FEATURES)
        checksums = {
            name: {
                "bytes": (partial / name).stat().st_size,
                "sha256": sha256_of(partial / name),
            }
            for name in names
        }
        closing = json.dumps({**manifest, "checksums": checksums}, indent=1)
        write_atomically(partial / "manifest.json", closing + "\n")
    return open_index(folder)


def _site_of(dictionary: Dictionary, store: Store) -> str:
    """Return the site that the dictionary reads, or say why the store has nothing for it."""
    contract, made = dictionary.contract, store.manifest["configuration"]
    site = contract.site
    if site is None or site not in store.sites:
        raise UserError(
            f"the dictionary reads site {site!r}, and the store {store.folder} holds "
            f"{', '.join(store.sites)}; harvest that site."
        )
    if store.width(site) != dictionary.width:
        raise UserError(
            f"the dictionary reads vectors of width {dictionary.width}, and {site} in "
            f"{store.folder} has width {store.width(site)}."
        )
    for name, asked in (
        ("subject_digest", contract.subject_digest),
        ("prepend_bos", contract.prepend_bos),
    ):
        if asked is not None and asked != made[name]:
            raise UserError(
                f"the dictionary was fitted with {name} {asked!r}, and {store.folder} was "
                f"harvested with {made[name]!r}; harvest as the dictionary expects."
            )
    return site


def identity_of(dictionary: Dictionary) -> str:
    """Return a hash of everything that decides a dictionary's codes."""
    from safetensors.torch import save

    tensors = {
        name: tensor.detach().clone() for name, tensor in dictionary.tensors().items()
    }
    decided: tuple[Any, ...] = (dictionary.scale, dictionary.selection)
    if dictionary.target is not None:
        decided += (dictionary.target.scale,)
    return hashlib.sha256(save(tensors) + repr(decided).encode()).hexdigest()


def _write_rows(
    dictionary: Dictionary,
    store: Store,
    site: str,
    usable: np.ndarray,
    path: Path,
    advance: Task,
) -> None:
    """Encode every usable row in order and write what fires: the order by document."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    document = store.column("document")
    schema = pa.schema(
        [
            ("row", pa.int64()),
            ("document", pa.int32()),
            ("feature", pa.int32()),
            ("value", pa.float32()),
        ]
    )
    with (
        written_aside(path) as aside,
        pq.ParquetWriter(aside, schema, compression="zstd") as out,
    ):
        for first in range(0, len(usable), BLOCK_ROWS):
            rows = usable[first : first + BLOCK_ROWS]
            out.write_table(
                _fired(dictionary, store, site, rows, document, schema), ROW_GROUP
            )
            advance(len(rows))


def _fired(
    dictionary: Dictionary,
    store: Store,
    site: str,
    rows: np.ndarray,
    document: np.ndarray,
    schema: pa.Schema,
) -> pa.Table:
    import pyarrow as pa

    with torch.no_grad():
        code = dictionary.encode(store.vectors(site, rows))
    fires = code.values != 0
    place = torch.nonzero(fires)[:, 0].numpy()
    features, values = code.indices[fires].numpy(), code.values[fires].numpy()
    order = np.lexsort((features, place))
    owner = rows[place[order]]
    columns = [owner, document[owner], features[order].astype(np.int32), values[order]]
    return pa.table([pa.array(c) for c in columns], schema=schema)


def _sort_by_feature(partial: Path) -> None:
    """Write the other order; DuckDB sorts past memory onto disk where it must."""
    import duckdb

    with written_aside(partial / BY_FEATURE) as aside, duckdb.connect() as database:
        database.execute("SET preserve_insertion_order = true")
        database.execute(f"SET temp_directory = {quoted(str(partial / '.sorting'))}")
        database.execute(
            f"COPY (SELECT feature, value, row, document FROM {parquet(partial / BY_ROW)} "
            "ORDER BY feature, abs(value) DESC, row) "
            f"TO {quoted(str(aside))} "
            f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
        )
    shutil.rmtree(partial / ".sorting", ignore_errors=True)


def _summarise(partial: Path, num_atoms: int, num_rows: int) -> None:
    """Write one row a feature, the silent ones included."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    fired = pq.read_table(partial / BY_FEATURE, columns=["feature", "value"])
    feature = fired.column("feature").to_numpy()
    size = np.abs(fired.column("value").to_numpy())
    count = np.bincount(feature, minlength=num_atoms)
    largest, total = (
        np.zeros(num_atoms),
        np.bincount(feature, weights=size, minlength=num_atoms),
    )
    np.maximum.at(largest, feature, size)
    bins = np.minimum((NUM_BINS * size / largest[feature]).astype(np.int64), NUM_BINS - 1)
    flat = np.bincount(feature * NUM_BINS + bins, minlength=num_atoms * NUM_BINS)
    table = pa.table(
        {
            "feature": pa.array(np.arange(num_atoms, dtype=np.int32)),
            "count": pa.array(count),
            "density": pa.array(count / num_rows),
            "max_value": pa.array(largest),
            "mean_value": pa.array(total / np.maximum(count, 1)),
            "histogram": pa.array(flat.reshape(num_atoms, NUM_BINS).tolist()),
        }
    )
    with written_aside(partial / FEATURES) as aside:
        pq.write_table(table, aside, compression="zstd")
