"""The sums by held-out document behind a run's figures, kept so that runs compare in pairs.

``artifacts/units.parquet`` has a row for each dictionary and document; the losses are NaN where
none of the document's windows was run. ``artifacts/dictionaries.json`` has each dictionary's
coordinates by its name. Axes: u documents.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Real

from tacit.base.errors import UserError
from tacit.base.files import write_atomically, written_aside
from tacit.dictionaries.dictionary import Dictionary
from tacit.interventions.loss import Losses
from tacit.verbs.fidelity import Coordinates, Encoded
from tacit.verbs.figures import Figures

UNITS = "units.parquet"
NAMES = "dictionaries.json"
FIDELITY = ("num_rows", "num_fired", "squared_error", "squared_spread")
LOSSES = ("loss_tokens", "loss_clean", "loss_zero", "loss_rebuilt")
"""Predicted tokens, and summed losses in nats: clean, site set to zero, site rebuilt."""

Units = dict[str, Real[np.ndarray, " u"]]
"""The columns of one dictionary by name, ``document`` among them; NaN where there is no loss."""


def write_units(
    artifacts: Path,
    dictionaries: Mapping[str, tuple[Dictionary, Coordinates]],
    found: Figures,
) -> None:
    """Write the two files for the dictionaries of a run."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, list[np.ndarray]] = {}
    for name in dictionaries:
        parts = _units_of(name, found.encoded[name], found.losses)
        parts["dictionary"] = np.full(len(parts["document"]), name)
        for column, values in parts.items():
            columns.setdefault(column, []).append(values)
    table = {column: np.concatenate(parts) for column, parts in columns.items()}
    with written_aside(artifacts / UNITS) as aside:
        pq.write_table(pa.table(table), aside)
    plain = {name: dict(of) for name, (_, of) in dictionaries.items()}
    write_atomically(artifacts / NAMES, json.dumps(plain, indent=1) + "\n")


def _units_of(name: str, encoded: Encoded, losses: Losses | None) -> Units:
    """Return one dictionary's columns; a document may have losses and no usable row."""
    document = encoded.documents
    if losses is not None:
        document = np.union1d(document, losses.documents)
    units = {"document": document}
    place = np.searchsorted(document, encoded.documents)
    for column in FIDELITY:
        units[column] = np.zeros(len(document))
        units[column][place] = vars(encoded)[column]
    for column in LOSSES:
        units[column] = np.full(len(document), np.nan)
    if losses is not None:
        place = np.searchsorted(document, losses.documents)
        sums = losses.num_tokens, losses.clean, losses.edited["zero"], losses.edited[name]
        for column, values in zip(LOSSES, sums, strict=True):
            units[column][place] = values
    return units


def read_units(artifacts: Path) -> tuple[dict[str, dict[str, Any]], dict[str, Units]]:
    """Return the coordinates and the columns of each dictionary of a run, by name."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        coordinates = json.loads((artifacts / NAMES).read_text())
        table = pq.read_table(artifacts / UNITS)
        names = table.column("dictionary").to_numpy()
        columns = {
            column: table.column(column).to_numpy()
            for column in ("document", *FIDELITY, *LOSSES)
        }
    except (OSError, ValueError, KeyError, pa.ArrowInvalid) as error:
        raise UserError(
            f"{artifacts.parent} does not hold the sums that runs are compared by ({error}); make "
            "the run again with `tacit learn ... --replace`."
        ) from error
    return coordinates, {
        name: {column: values[names == name] for column, values in columns.items()}
        for name in coordinates
    }
