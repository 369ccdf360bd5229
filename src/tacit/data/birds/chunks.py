"""The images of one class, drawn and annotated: the unit that workers share and a stop leaves.

Axes: i images of the class, a the 312 attributes, p the 15 parts.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from tacit.base.files import written_aside
from tacit.base.seeds import stream
from tacit.data.birds.annotators import Habits, annotate
from tacit.data.birds.outlines import Cues
from tacit.data.birds.picture import Picture, draw_picture
from tacit.data.birds.plan import Plan
from tacit.data.birds.poses import draw_pose
from tacit.data.birds.settings import BirdSettings
from tacit.data.birds.species import COLUMNS
from tacit.data.cub.vocabulary import GROUPS, PARTS

QUALITY = 95
"""Of JPEG, with colour kept at full resolution: a cue may be two pixels wide."""


@dataclass(frozen=True)
class Chunk:
    """One class to draw."""

    settings: BirdSettings
    plan: Plan
    ways: Habits
    label: int
    images: Path
    """The folder of all images."""
    done: Path
    """Where to write what was said of them; its being there means that they are drawn."""


def values_of(drawn: np.ndarray) -> dict[str, list[str]]:
    """Return the values that a bird has of each group."""
    return {
        group: [
            value for value, has in zip(values, drawn[COLUMNS[group]], strict=True) if has
        ]
        for group, values in GROUPS.items()
    }


def image_name(plan: Plan, row: int) -> str:
    """Return an image's path below ``images``.

    As in the original, the file repeats the class in another case, and ends in a number.
    """
    name = plan.classes[plan.labels[row]]
    within = int((plan.labels[:row] == plan.labels[row]).sum()) + 1
    return f"{name}/{name.partition('.')[2].title()}_{within:04d}_{row + 1}.jpg"


def picture_of(settings: BirdSettings, plan: Plan, row: int) -> Picture:
    """Return one image's picture, which depends on no other image."""
    pose = draw_pose(stream(settings.seed, f"birds/{row}"), settings.leaves)
    bars, plume, cheek = map(bool, plan.organs[row])
    return draw_picture(
        values_of(plan.looks[plan.species[plan.labels[row]], plan.morph[row]]),
        Cues(bars=bars, plume=plume, cheek=cheek),
        pose,
        settings.side,
        berry=bool(plan.nuisance[row]),
    )


def encoded(
    pixels: UInt8[np.ndarray, "h w 3"],
    kind: str,
    *,
    colours: int | None = None,
    **ways: object,
) -> bytes:
    """Return the bytes of an image file, in a palette of so many colours if asked."""
    from PIL import Image

    image, out = Image.fromarray(pixels), io.BytesIO()
    drawn = image if colours is None else image.quantize(colours, dither=Image.Dither.NONE)
    drawn.save(out, kind, **ways)
    return out.getvalue()


def draw_chunk(chunk: Chunk) -> int:
    """Draw and annotate a class; return the number of its images."""
    plan = chunk.plan
    rows, species = (
        np.flatnonzero(plan.labels == chunk.label),
        int(plan.species[chunk.label]),
    )
    (chunk.images / plan.classes[chunk.label]).mkdir(parents=True, exist_ok=True)
    said, boxes, places = [], [], np.zeros((len(rows), len(PARTS), 3))
    for at, row in enumerate(rows.tolist()):
        picture = picture_of(chunk.settings, plan, row)
        jpeg = encoded(picture.pixels, "JPEG", quality=QUALITY, subsampling=0)
        (chunk.images / image_name(plan, row)).write_bytes(jpeg)
        drawn = plan.looks[species, plan.morph[row]]
        # Twins are annotated in the same words, so that no label tells them apart either.
        rng = stream(chunk.settings.seed, f"birds/annotations/{species}/{at}")
        said.append(annotate(drawn, species, chunk.ways, picture.places, rng))
        boxes.append(picture.box)
        for part, (x, y) in picture.places.items():
            places[at, PARTS.index(part)] = (int(x), int(y), 1)
    with written_aside(chunk.done) as aside:
        np.savez(
            aside,
            present=np.stack([each.present for each in said]),
            certainty=np.stack([each.certainty for each in said]),
            seconds=np.stack([each.seconds for each in said]),
            boxes=np.array(boxes),
            places=places,
        )
    return len(rows)
