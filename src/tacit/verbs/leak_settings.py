"""What a user decides about ``tacit leak``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from tacit.base.configuration import Configuration
from tacit.base.errors import UserError
from tacit.bottlenecks.conditional import Estimator
from tacit.data.cub.pixels import Crop
from tacit.verbs.settings import LARGEST_SEED

Kind = Literal["folder", "function", "arrays"]
ARRAY_FILES = (".npz", ".parquet")


class LeakSettings(Configuration):
    """All of ``tacit leak`` beside its folder."""

    model: str
    """A folder that ``save_bottleneck`` wrote, ``FILE.py:NAME`` or an .npz or .parquet file."""
    data: str | None = None
    """Pictures in the layout of CUB-200-2011; arrays need none."""
    concepts: str = "published"
    """Which attributes the model's concepts are, in its order: ``published`` (the 112 of Koh et al.
    2020), ``rule`` (present in ten classes or more), or a file of their names, one a line."""
    split: Literal["test", "all"] = "test"
    """``all`` adds the images that a model may have learned from."""
    side: int = Field(default=64, ge=8, le=2_048)
    """Width and height of the pictures that the model is given, in pixels."""
    crop: Crop = "whole"
    """``box`` gives it the square around the bird."""
    num_slots: int = Field(default=0, ge=0)
    """Concept outputs of a ``FILE.py:NAME`` that no label names; they stand behind the others."""
    estimator: Estimator = "logistic"
    """Who looks for the class in the readings; ``boosted`` finds what is not linear as well."""
    folds: int = Field(default=5, ge=2)
    """Parts of the images that are held out in turn."""
    orders: int = Field(default=5, ge=1)
    """Orders in which groups of concepts are set to their truth."""
    device: str = "cpu"
    """Where the model runs."""
    seed: int = Field(default=0, ge=0, le=LARGEST_SEED)


def kind_of(model: str) -> Kind:
    """Return what a model was given as.

    Raises:
        UserError: for something that is neither a folder, a function nor arrays.
    """
    path, _, name = model.rpartition(":")
    if path.endswith(".py") and name:
        return "function"
    if Path(model).suffix in ARRAY_FILES:
        return "arrays"
    if Path(model).is_dir():
        return "folder"
    raise UserError(
        f"{model!r} is no bottleneck: give the folder of one that was saved, FILE.py:NAME (a "
        "function that returns a torch module), or an .npz or .parquet file of its outputs."
    )
