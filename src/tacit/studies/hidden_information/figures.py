"""The figures that claims are judged by, each with its interval over seeds or runs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tacit.base.records import Gap, Result
from tacit.bottlenecks.hiding import leak_rank_correlation
from tacit.bottlenecks.swapping import retention, swapped
from tacit.metrics.results import as_result
from tacit.studies.hidden_information.swaps import cells_of
from tacit.studies.hidden_information.tables import NO_TWINS, Tables, over_seeds
from tacit.studies.hidden_information.wires import WireRow
from tacit.studies.units import Of


def leak_of(tables: Tables, arm: str) -> Result | Gap:
    """Return what an arm's concept layer carries beyond the concepts, over seeds."""
    return over_seeds(
        "conditional_information", tables.by_seed(arm, lambda row: row.leak), {"arm": arm}
    )


def retention_of(tables: Tables, arm: str = "joint") -> Result | Gap:
    """Return how much of what joint training gains survives heads of other runs, over encoders."""
    of: Of = {"arm": arm, "without": "sequential"}
    cells = cells_of(tables.swaps, "accuracy", arm, arm, tables.seeds)
    without = tables.by_seed("sequential", lambda row: row.task_accuracy)
    values: dict[int, float | None] = {}
    for place, seed in enumerate(tables.seeds if cells is not None else ()):
        assert cells is not None
        others = np.delete(cells[place], place).mean()
        base = without[seed]
        assert base is not None, "every run has an accuracy"
        values[seed] = retention(float(cells[place, place]), float(others), base)
    return over_seeds("retention", values, of, "joint training gains nothing to keep")


def twins_between(tables: Tables, first: str, second: str) -> Result | Gap:
    """Return how well heads of one arm tell twins on encoders of another run, both ways."""
    of: Of = {"encoder": first, "head": second}
    cells = cells_of(tables.swaps, "twin_accuracy", first, second, tables.seeds)
    if cells is None:
        return Gap(name="swap_twin_accuracy", reason=NO_TWINS, of=of)
    return as_result("swap_twin_accuracy", swapped(cells), of)


def twins_less(tables: Tables, first: str, second: str) -> Result | Gap:
    """Return by how much swaps within one arm tell twins better than within another."""
    of: Of = {"of": f"{first} less {second}"}
    one, other = (
        cells_of(tables.swaps, "twin_accuracy", arm, arm, tables.seeds)
        for arm in (first, second)
    )
    if one is None or other is None:
        return Gap(name="swap_twin_accuracy", reason=NO_TWINS, of=of)
    return as_result("swap_twin_accuracy", swapped(one - other), of)


def hides_in(tables: Tables, arm: str, of: str = "entropy") -> Result | Gap:
    """Return the rank correlation of concepts' leaks with a property of theirs, over seeds."""
    rows = [row for row in tables.places if row.arm == arm]
    values: dict[int, float | None] = {}
    for seed in dict.fromkeys(row.seed for row in rows):
        own = [row for row in rows if row.seed == seed and row.leak is not None]
        leaks = np.array([row.leak for row in own], dtype=np.float64)
        property_ = np.array([vars(row)[of] for row in own], dtype=np.float64)
        values[seed] = leak_rank_correlation(leaks, property_, seed=seed).value
    return over_seeds("leak_rank_correlation", values, {"arm": arm, "with": of})


def own_less_truth(tables: Tables, arm: str) -> Result | Gap:
    """Return the accuracy with a run's own yes and no written, less that with the truth."""
    of: Of = {"arm": arm, "of": "own answers less truth, all concepts set"}
    values = tables.by_seed(arm, lambda row: row.own_accuracy - row.set_accuracy)
    return over_seeds("intervened_accuracy", values, of)


def wires_less(tables: Tables, wires: str, than: str) -> Result | Gap:
    """Return the accuracy of heads that learned anew less that of an encoder's first head."""
    of: Of = {"wires": wires, "of": f"less {than}"}
    values = by_wire(tables, wires, lambda row: row.accuracy - vars(row)[than])
    return over_seeds("task_accuracy", values, of)


def by_wire(
    tables: Tables, wires: str, figure: Callable[[WireRow], float]
) -> dict[int, float | None]:
    """Return the mean of a figure over the encoders of each seed's wires."""
    found: dict[int, list[float]] = {}
    for row in tables.wires:
        if row.wires == wires:
            found.setdefault(row.seed, []).append(figure(row))
    return {seed: float(np.mean(values)) for seed, values in found.items()}
