"""The works that Tacit repeats, each a folder: QUESTION.md, recipe.py, analysis.py.

``STUDIES`` is the only registry: to add a study, write its folder, then add its line.
"""

from collections.abc import Mapping
from importlib import import_module

from tacit.base.errors import look_up
from tacit.studies.study import Study

STUDIES: Mapping[str, tuple[str, str]] = {
    "toy-superposition": ("tacit.studies.toy_superposition.recipe", "ToySuperposition"),
    "small-transformers": (
        "tacit.studies.small_transformers.recipe",
        "SmallTransformers",
    ),
    "autointerpretation": (
        "tacit.studies.autointerpretation.recipe",
        "Autointerpretation",
    ),
    "interpretable-directions": (
        "tacit.studies.interpretable_directions.recipe",
        "InterpretableDirections",
    ),
    "hidden-information": (
        "tacit.studies.hidden_information.recipe",
        "HiddenInformation",
    ),
    "alignment-faking-mitigations": (
        "tacit.studies.alignment_faking.recipe",
        "AlignmentFaking",
    ),
}
"""Name of a study -> module and class, loaded on use."""


def load_study(name: str) -> Study:
    """Return the study of this name."""
    module, cls = look_up(STUDIES, name, "study")
    return vars(import_module(module))[cls]()
