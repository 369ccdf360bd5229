"""Every dictionary of a run beside the others: fidelity and kept loss against sparsity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tacit.base.pages import Plot, Table
from tacit.base.records import Gap, Record, Result
from tacit.dictionaries.dictionary import Dictionary

SHOWN_NAMES = {
    "top-k": "TopK",
    "relu-l1": "ReLU with L1",
    "batch-top-k": "BatchTopK",
    "matryoshka": "Matryoshka BatchTopK",
    "jump-relu": "JumpReLU",
    "gated": "Gated",
    "p-annealed": "p-annealed ReLU",
    "pca": "PCA (largest coordinates)",
    "random": "random directions",
    "ica": "ICA (largest coordinates)",
    "nmf": "NMF (largest parts)",
    "neuron-basis": "neuron basis",
    "orthonormal": "random orthonormal basis",
    "difference-of-means": "differences of means (labels)",
    "logistic-probes": "logistic probes (labels)",
}
COLUMNS = (
    ("method", "dictionary"),
    ("setting", "setting"),
    ("num_atoms", "atoms"),
    ("l0", "L0"),
    ("fvu", "FVU"),
    ("loss_recovered", "loss recovered"),
)
"""Columns of the table of all dictionaries, each with its heading."""


def shown_name(method: object) -> str:
    """Return a method's name as a reader of the report knows it."""
    return SHOWN_NAMES.get(str(method), str(method))


def in_words(of: Mapping[str, str | int | float]) -> str:
    """Return a dictionary's method and size, e.g. ``TopK with 1,024 atoms, k 32``."""
    rest = [f"{key} {of[key]:g}" for key in ("k", "penalty") if key in of]
    return ", ".join([f"{shown_name(of['method'])} with {of['num_atoms']:,} atoms", *rest])


def how_it_ended(outcome: Mapping[str, Any]) -> str | None:
    """Return in words what a fit says of itself, e.g. ``10,000 vectors, 41 iterations, converged``.

    None where it says nothing.
    """
    parts = []
    if "num_vectors" in outcome:
        parts.append(f"{outcome['num_vectors']:,} vectors")
    if "num_iterations" in outcome:
        parts.append(f"{outcome['num_iterations']:,} iterations")
    if "has_converged" in outcome:
        parts.append("converged" if outcome["has_converged"] else "not converged")
    if "num_rows_read" in outcome:
        left_out, twice = outcome["num_high_norm_rows"], outcome["num_repeated_rows"]
        parts.append(
            f"{outcome['num_rows_read']:,} rows read, {left_out:,} of them left out for their "
            f"norm, {twice:,} given twice"
        )
    if "labels" in outcome:
        parts.append(f"{len(outcome['labels'])} labels")
    if "kinds" in outcome:
        told = (f"{count:,} {kind}" for kind, count in outcome["kinds"].items())
        parts.append(f"features {', '.join(told)}")
    for side, (absent, of) in outcome.get("absent_of_one_sided", {}).items():
        parts.append(f"{absent:,} of {of:,} {side} features are absent on the other side")
    if "stopped_after_step" in outcome:
        parts.append(f"stood still and ended after step {outcome['stopped_after_step']:,}")
    if "silent_since_step" in outcome:
        parts.append(
            f"dead: no atom was active from step {outcome['silent_since_step']:,} on (lower the "
            "penalty)"
        )
    return ", ".join(parts) or None


def endings(dictionaries: Iterable[Dictionary]) -> str:
    """Return a sentence on the fits that say how they ended, each method once; or nothing."""
    told = {each.method: how_it_ended(each.outcome) for each in dictionaries}
    parts = [f"{shown_name(method)}: {words}" for method, words in told.items() if words]
    return f" Fitted on: {'; '.join(parts)}." if parts else ""


def left_out(gaps: Sequence[Gap]) -> str:
    """Return a sentence on the dictionaries that could not be, or nothing."""
    if not gaps:
        return ""
    return f" Not fitted ({len(gaps)}): {'; '.join(each.reason for each in gaps)}."


def find(records: Sequence[Record], name: str, of: Mapping[str, Any]) -> int | None:
    """Return the place of the first result of this name whose coordinates hold ``of``."""
    for place, record in enumerate(records):
        if (
            isinstance(record, Result)
            and record.name == name
            and of.items() <= record.of.items()
        ):
            return place
    return None


def frontier_rows(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Return one row a dictionary: its sparsity, fidelity and kept loss with intervals."""
    rows = []
    for record in records:
        if not isinstance(record, Result) or record.name != "fvu":
            continue
        if record.of["positions"] != "usable":
            continue
        of = {key: value for key, value in record.of.items() if key != "positions"}
        at = {**of, "positions": "usable"}
        row: dict[str, Any] = {
            "method": shown_name(of["method"]),
            "setting": ", ".join(
                f"{k} {v:g}" for k, v in of.items() if k in ("k", "penalty")
            ),
            "num_atoms": of["num_atoms"],
        }
        for name, extra in (
            ("fvu", {}),
            ("l0", {}),
            ("loss_recovered", {"against": "zero"}),
        ):
            place = find(records, name, {**at, **extra})
            result = records[place] if place is not None else None
            ends = result.interval if isinstance(result, Result) else None
            row[name] = result.value if isinstance(result, Result) else None
            row[f"{name}_low"], row[f"{name}_high"] = ends or (None, None)
        rows.append(row)
    return sorted(rows, key=lambda row: (row["method"], row["l0"]))


def quality_blocks(
    frontier: Sequence[Mapping[str, Any]], ended: str = ""
) -> tuple[Any, ...]:
    """Return the charts and the table of all dictionaries of a run.

    ``ended``: what the fits say of themselves, as ``endings`` words it.
    """
    table = "artifacts/frontier.parquet"
    shared: dict[str, Any] = {"table": table, "kind": "line", "x": "l0", "group": "method"}
    shared |= {"x_label": "active atoms a token (L0)", "log_x": True}
    blocks: list[Any] = [
        Plot(
            **shared,
            y="fvu",
            low="fvu_low",
            high="fvu_high",
            y_label="variance unexplained (FVU)",
            title="Fidelity against sparsity",
            caption="Lower and further left is better. All but TopK and ReLU are baselines: a "
            "dictionary that does not lie below them has found no structure of its own. Directions "
            "made from labels say what they were told to find and are few, so they rebuild little.",
        )
    ]
    if any(row["loss_recovered"] is not None for row in frontier):
        blocks.append(
            Plot(
                **shared,
                y="loss_recovered",
                low="loss_recovered_low",
                high="loss_recovered_high",
                y_label="loss recovered",
                title="What the model can still do",
                caption="The model ran with the site replaced by each reconstruction. 1 means its "
                "next-token loss did not change, 0 that it lost as much as with the site set to "
                "zero.",
            )
        )
    blocks.append(
        Table(
            table=table,
            columns=COLUMNS,
            title="Every dictionary of this run",
            caption="All fitted on one stream of tokens and measured on the same held-out text."
            + ended,
        )
    )
    return tuple(blocks)
