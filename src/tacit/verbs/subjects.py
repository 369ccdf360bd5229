"""Training a micro subject from its recipe into a folder that appears whole."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path

from tacit.base.errors import look_up
from tacit.base.folders import whole_folder
from tacit.base.manifest import describe
from tacit.base.progress import Progress, silent
from tacit.training.recipes import RECIPES, shortened
from tacit.training.train_subject import HeldOut, train_subject

WORK = "training"


def train_shipped(
    name: str,
    out: Path,
    *,
    steps: int | None = None,
    replace: bool = False,
    progress: Progress = silent,
) -> HeldOut:
    """Return the held-out loss of the recipe's subject, trained into ``out``; resumable."""
    recipe = look_up(RECIPES, name, "recipe")
    if steps is not None:
        recipe = shortened(recipe, steps)
    manifest = describe(
        "subject", asdict(recipe), passed=["steps"] if steps else [], seed=recipe.seed
    )
    with whole_folder(out, manifest, replace=replace) as partial:
        with progress("train", recipe.schedule.num_steps, "steps") as advance:
            found = train_subject(
                recipe, partial, work=partial / WORK, report=lambda _step, _loss: advance()
            )
        shutil.rmtree(partial / WORK)
    return found
