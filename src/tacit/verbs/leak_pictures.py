"""A bottleneck with a folder of pictures: what it says of them, and what is true of them.

Axes: n images, k concepts, m classes, p pictures shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Bool, Int, UInt8

from tacit.base.errors import UserError
from tacit.base.files import sha256_of, written_aside
from tacit.base.progress import Progress
from tacit.bottlenecks.reading import AT_ONCE, Outputs
from tacit.data.birds.truth import TABLE, BirdTruth, read_truth
from tacit.data.cub import (
    Cub,
    check_images,
    concepts_by_rule,
    instance_labels,
    published_concepts,
    read_cub,
    read_pixels,
)
from tacit.data.cub.folder import FILES
from tacit.data.cub.vocabulary import ATTRIBUTES
from tacit.verbs.leak_arrays import read_arrays
from tacit.verbs.leak_inputs import Examined, LeakSource
from tacit.verbs.leak_networks import OpenedModel, open_model
from tacit.verbs.leak_settings import LeakSettings

KEPT = "artifacts/arrays.npz"
"""What the model said and what is true, in the form in which arrays are given."""
MOST_SHOWN = 96
"""Pixels of a picture's side in the report, at most."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class PicturedModel(LeakSource):
    """A model, and the images that count."""

    settings: LeakSettings
    model: OpenedModel
    cub: Cub
    truth: BirdTruth | None
    """None of photographs, of which annotations alone are known."""
    rows: Int[np.ndarray, " n"]
    columns: Int[np.ndarray, " k"]
    digests: Mapping[str, str]

    def examined(self, partial: Path, progress: Progress) -> Examined:
        """Return what the model says; it is kept, so that a run that was stopped need not ask."""
        kept = partial / KEPT
        if not kept.exists():
            self._keep(kept, self._asked(progress))
        return replace(
            read_arrays(kept),
            classes=self.cub.classes,
            basis="annotated" if self.truth is None else "drawn",
            twin_of=None if self.truth is None else self.truth.twin_of,
            head=self.model.head,
            notes=tuple(f"{n} {what}" for what, n in self.cub.mended.items() if n),
        )

    def pictures(self, places: Int[np.ndarray, " p"]) -> UInt8[np.ndarray, "p 3 side side"]:
        """Return some of the images, as small as the report shows them."""
        side = min(self.settings.side, MOST_SHOWN)
        return read_pixels(self.cub, self.rows[places], side, crop=self.settings.crop)

    def _asked(self, progress: Progress) -> Outputs:
        """Return what the model says of the images, a few at once."""
        said: list[Outputs] = []
        with progress("read", len(self.rows), "images") as advance:
            for begin in range(0, len(self.rows), AT_ONCE):
                rows = self.rows[begin : begin + AT_ONCE]
                own = self.settings
                said.append(
                    self.model.outputs(read_pixels(self.cub, rows, own.side, crop=own.crop))
                )
                self._check(said[-1])
                advance(len(rows))
        return Outputs(
            concept_logits=np.concatenate([each.concept_logits for each in said]),
            class_logits=np.concatenate([each.class_logits for each in said]),
        )

    def _check(self, said: Outputs) -> None:
        """Refuse outputs that are not finite, or not those of these concepts and classes."""
        for what, each in (
            ("concept", said.concept_logits),
            ("class", said.class_logits),
        ):
            bad = int((~np.isfinite(each)).sum())
            if bad:
                raise UserError(
                    f"{bad} of {each.size} {what} outputs of {self.model.name} are not finite: "
                    "find what overflowed."
                )
        found, slots = said.concept_logits.shape[1], self.model.num_slots
        if found != len(self.columns) + slots:
            raise UserError(
                f"{self.model.name} has {found} concept outputs, and --concepts "
                f"{self.settings.concepts} of {self.cub.root} names {len(self.columns)}"
                + (f" beside {slots} slots" if slots else "")
                + "; give a file of the attributes that its outputs are, in their order, and "
                "num_slots for outputs that no label names."
            )
        if said.class_logits.shape[1] != len(self.cub.classes):
            raise UserError(
                f"{self.model.name} has {said.class_logits.shape[1]} class outputs, and "
                f"{self.cub.root} has {len(self.cub.classes)} classes; give the pictures that it "
                "learned the classes of."
            )

    def _keep(self, kept: Path, said: Outputs) -> None:
        truth, known = self._concepts()
        arrays = {
            "labels": self.cub.labels[self.rows],
            "concepts": truth,
            "known": known,
            "readings": self.model.readings_of(said),
            "class_logits": said.class_logits,
            "concept_names": np.array([self.cub.attributes[each] for each in self.columns]),
        }
        kept.parent.mkdir(exist_ok=True)
        with written_aside(kept) as aside, aside.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)

    def _concepts(self) -> tuple[Bool[np.ndarray, "n k"], Bool[np.ndarray, "n k"]]:
        """Return what is true of the images, and where it is known."""
        if self.truth is None:
            labels = instance_labels(self.cub, self.columns).take(self.rows)
            return labels.values > 0.5, labels.known
        place = {name: at for at, name in enumerate(ATTRIBUTES)}
        columns = [place[self.cub.attributes[column]] for column in self.columns]
        rendered = self.truth.rendered[np.ix_(self.rows, np.array(columns))]
        return rendered, np.ones_like(rendered)


def open_pictured(settings: LeakSettings) -> PicturedModel:
    """Return the model and the pictures that settings name.

    Raises:
        UserError: where either is not there, images are missing, or the concepts are not known.
    """
    if settings.data is None:
        raise UserError(
            f"{settings.model} was given without pictures; name a folder in the layout of "
            "CUB-200-2011 with --data, such as `tacit birds make` writes."
        )
    cub = read_cub(settings.data)
    columns = concept_columns(settings.concepts, cub)
    rows = np.arange(len(cub.labels))
    if settings.split == "test":
        rows = rows[~cub.is_train]
    if not len(rows):
        raise UserError(
            f"{cub.root} has no image that is kept for tests; give --split all, and mind that a "
            "model knows the images that it learned from."
        )
    check_images(cub, rows)
    found = next((at for at in (cub.root, cub.root.parent) if (at / TABLE).is_file()), None)
    model = open_model(settings)
    files = [*(cub.root / name for name in FILES), *([found / TABLE] if found else [])]
    return PicturedModel(
        settings=settings,
        model=model,
        cub=cub,
        truth=None if found is None else read_truth(found),
        rows=rows,
        columns=columns,
        digests={"model": model.digest, **{each.name: sha256_of(each) for each in files}},
    )


def concept_columns(told: str, cub: Cub) -> Int[np.ndarray, " k"]:
    """Return the columns of the attributes that a model's concepts are, in its order.

    ``told``: published, rule, or a file with a name a line, behind a number or alone.

    Raises:
        UserError: for an attribute that there is not, or is named twice.
    """
    if told == "published":
        return published_concepts(cub)
    if told == "rule":
        return concepts_by_rule(cub, np.flatnonzero(cub.is_train))
    if not Path(told).is_file():
        raise UserError(
            f"--concepts takes published, rule or a file of attributes, a name a line; {told!r} is "
            "none of them."
        )
    lines = Path(told).read_text(errors="replace").splitlines()
    names = [line.split()[-1] for line in lines if line.strip()]
    column = {name: at for at, name in enumerate(cub.attributes)}
    odd = [name for name in names if name not in column]
    if odd:
        raise UserError(
            f"{told} names {len(odd)} attributes that {cub.root} has not, such as {odd[0]!r}; take "
            f"names from its attributes.txt, which lists {len(column)}."
        )
    if not names or len(set(names)) < len(names):
        raise UserError(
            f"{told} names {len(names)} attributes, {len(set(names))} of them different; give each "
            "concept of the model once."
        )
    return np.array([column[name] for name in names])
