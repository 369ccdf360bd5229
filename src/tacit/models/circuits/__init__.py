"""Subjects whose circuits are known, since their weights were set by hand: a ground truth.

What finds features, positions or heads is tried on these first: each comes with the part and
the directions that do its task, beside others that hold something and do nothing.
"""

from collections.abc import Callable, Mapping

from tacit.models.circuits.attention_only import (
    copying_circuit,
    induction_circuit,
    name_mover_circuit,
)
from tacit.models.circuits.brackets import bracket_circuit
from tacit.models.circuits.circuit import Circuit, Part

CIRCUITS: Mapping[str, Callable[..., Circuit]] = {
    "copying": copying_circuit,
    "induction": induction_circuit,
    "brackets": bracket_circuit,
    "name mover": name_mover_circuit,
}
"""By task. To add one, write its function, then its line; the tests of all of them pick it up."""

__all__ = [
    "CIRCUITS",
    "Circuit",
    "Part",
    "bracket_circuit",
    "copying_circuit",
    "induction_circuit",
    "name_mover_circuit",
]
