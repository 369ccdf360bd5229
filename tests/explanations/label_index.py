"""An index made by hand: labels, windows, documents and what fires are given."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tacit.features.index import BY_FEATURE, BY_ROW, Index

SITE = "resid.0"
WINDOW = 40


def index_of(folder, labels, dense, document, held_out, *, labelled=None) -> Index:
    """An index whose windows are ``WINDOW`` tokens of one document each, none special."""
    num = len(document)
    first = np.searchsorted(document, document)  # documents stand in order
    new = np.diff(document, prepend=-1).astype(bool) | (
        (np.arange(num) - first) % WINDOW == 0
    )
    columns = {
        "document": document.astype(np.int32),
        "context": (np.cumsum(new) - 1).astype(np.int32),
        "special": np.zeros(num, dtype=bool),
        "held_out": held_out,
        f"high_norm.{SITE}": np.zeros(num, dtype=bool),
        "labelled": np.ones(num, dtype=bool) if labelled is None else labelled,
    }
    columns |= {f"label.{name}": truth for name, truth in labels.items()}
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), folder / "tokens.parquet")
    row, feature = np.nonzero(dense)
    value = dense[row, feature].astype(np.float32)
    order = np.lexsort((row, -abs(value), feature))
    fired = {"feature": feature, "value": value, "row": row, "document": document[row]}
    table = pa.table({name: each[order] for name, each in fired.items()})
    pq.write_table(table, folder / BY_FEATURE)
    pq.write_table(table, folder / BY_ROW)
    manifest = {
        "configuration": {"site": SITE, "dictionary": "by hand"},
        "num_atoms": dense.shape[1],
        "num_rows": num,
        "labels": list(labels),
    }
    return Index(folder, manifest)
