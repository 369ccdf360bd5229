"""Explanations beside an index: a table that joins its features by number."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

EXPLAINED = "explanations"
"""Folder of a run that holds one folder for each name."""
TABLE = "explanations.parquet"


def explained_schema() -> pa.Schema:
    """Return the columns of a table of explanations."""
    import pyarrow as pa

    return pa.schema(
        [
            ("feature", pa.int32()),
            ("explainer", pa.string()),
            ("version", pa.string()),
            ("text", pa.string()),
            ("rule", pa.string()),
            ("gap", pa.string()),
            ("reason", pa.string()),
            ("input_tokens", pa.int64()),
            ("output_tokens", pa.int64()),
            ("dollars", pa.float64()),
        ]
    )


def explanations_of(run: str | Path) -> pa.Table:
    """Return all explanations of a run, with ``name`` of their folder; gaps have no ``text``.

    ``rule`` is JSON, ``gap`` and ``reason`` say why there is no explanation, ``dollars`` is null
    where the price is not known. A run without explanations has no rows.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    found = []
    for path in sorted((Path(run) / EXPLAINED).glob(f"*/{TABLE}")):
        table = pq.read_table(path)
        names = pa.array([path.parent.name] * table.num_rows, pa.string())
        found.append(table.append_column("name", names))
    schema = explained_schema().append(pa.field("name", pa.string()))
    return pa.concat_tables(found) if found else schema.empty_table()
