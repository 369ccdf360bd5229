"""An index of planted rows, as those that explain by labels and tell agreement read it.

Axes: n rows, f features.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int
from scipy import sparse

from tacit.activations.store import HIGH_NORM, LABEL, LABELLED, TOKENS
from tacit.features.index import BY_FEATURE, BY_ROW, KIND, Index

SITE = "planted"
IDENTITY = "planted"
"""Of the dictionary that there is none of."""


def planted_index(
    folder: Path,
    codes: sparse.csr_array,
    labels: Mapping[str, Bool[np.ndarray, " n"]],
    document: Int[np.ndarray, " n"],
    held_out: Bool[np.ndarray, " n"],
) -> Index:
    """Return an index in ``folder`` of a code and its truth; each document is one window."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    nothing = np.zeros(len(document), dtype=bool)
    columns = {
        "document": document.astype(np.int32),
        "context": document.astype(np.int32),
        "special": nothing,
        "held_out": held_out,
        HIGH_NORM + SITE: nothing,
        LABELLED: ~nothing,
        **{LABEL + name: truth for name, truth in labels.items()},
    }
    pq.write_table(pa.table(columns), folder / TOKENS)
    num_atoms = len(codes.tocsc().indptr) - 1
    fired = codes.tocoo()
    row, feature = (np.asarray(each, dtype=np.int64) for each in fired.coords)
    value = fired.data.astype(np.float32)
    order = np.lexsort((row, -np.abs(value), feature))
    table = pa.table(
        {
            "feature": feature[order],
            "value": value[order],
            "row": row[order],
            "document": document[row[order]],
        }
    )
    for name in (BY_FEATURE, BY_ROW):
        pq.write_table(table, folder / name)
    manifest = {
        "kind": KIND,
        "configuration": {"site": SITE, "dictionary": IDENTITY},
        "num_atoms": num_atoms,
        "num_rows": len(document),
        "labels": list(labels),
    }
    return Index(folder, manifest)
