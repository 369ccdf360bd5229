"""The truth beside drawn birds: what is in every picture, whatever annotators say.

Axes: n images in the order of their ids, m classes, a the 312 attributes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int

from tacit.base.errors import UserError
from tacit.base.files import write_atomically, written_aside
from tacit.data.birds.plan import Plan
from tacit.data.birds.settings import CUES
from tacit.data.cub.vocabulary import ATTRIBUTES

TABLE, FACTS = "truth.parquet", "truth.json"


@dataclass(frozen=True)
class BirdTruth:
    """What was drawn."""

    rendered: Bool[np.ndarray, "n a"]
    cue: Bool[np.ndarray, " n"]
    """State of what tells an image's class from its twin: one value for each of the two."""
    nuisance: Bool[np.ndarray, " n"]
    """Whether there is a berry: it depends on nothing."""
    organs: Bool[np.ndarray, "n 3"]
    """States of all three organs, in the order of ``CUES``: those that are not the cue of an
    image's class depend on nothing."""
    morph: Int[np.ndarray, " n"]
    labels: Int[np.ndarray, " n"]
    twin_of: Int[np.ndarray, " m"]
    """Index of a class's twin; -1 without one."""
    cue_kind: tuple[str | None, ...]
    """Of each class, and the same for its twin; None without one."""


def write_truth(folder: Path, plan: Plan) -> None:
    """Write the truth of a plan into a folder."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {
        "image": np.arange(1, len(plan.labels) + 1),
        "label": plan.labels,
        "morph": plan.morph,
        "cue": plan.cue,
        "nuisance": plan.nuisance,
        **{f"organ::{kind}": plan.organs[:, at] for at, kind in enumerate(CUES)},
        **{name: plan.rendered[:, at] for at, name in enumerate(ATTRIBUTES)},
    }
    with written_aside(folder / TABLE) as aside:
        pq.write_table(pa.table(columns), aside)
    facts = {
        "classes": plan.classes,
        "twin_of": plan.twin_of.tolist(),
        "cue_kind": plan.cue_kinds,
        "species": plan.species.tolist(),
    }
    write_atomically(folder / FACTS, json.dumps(facts, indent=1) + "\n")


def read_truth(folder: Path | str) -> BirdTruth:
    """Return the truth of drawn birds; ``folder`` is theirs or the ``CUB_200_2011`` in it.

    Raises:
        UserError: if there is none, as with real pictures.
    """
    import pyarrow.parquet as pq

    asked = Path(folder)
    found = next((each for each in (asked, asked.parent) if (each / TABLE).is_file()), None)
    if found is None:
        raise UserError(
            f"{asked} holds no {TABLE}: the truth is known of drawn birds alone. Make some with "
            "`tacit birds make FOLDER`."
        )
    table, facts = pq.read_table(found / TABLE), json.loads((found / FACTS).read_text())

    def column(name: str) -> np.ndarray:
        return table[name].to_numpy()

    return BirdTruth(
        rendered=np.stack([column(name) for name in ATTRIBUTES], axis=1),
        cue=column("cue"),
        nuisance=column("nuisance"),
        organs=np.stack([column(f"organ::{kind}") for kind in CUES], axis=1),
        morph=column("morph"),
        labels=column("label"),
        twin_of=np.array(facts["twin_of"]),
        cue_kind=tuple(facts["cue_kind"]),
    )
