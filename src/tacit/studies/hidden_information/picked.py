"""The pictures that the report shows: twins side by side, and what a run makes of them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import UInt8

from tacit.studies.hidden_information.pictures import Pictures, read_pictures
from tacit.studies.hidden_information.runs import read_said
from tacit.studies.hidden_information.settings import HiddenSettings
from tacit.studies.tables import write_rows

PAIRS, EACH = 6, 4
"""Pairs of twins shown, or classes where there are none, and pictures of each."""


@final
@dataclass(frozen=True, kw_only=True)
class PickedRow:
    """One picture."""

    row: str
    words: str
    png: bytes


def write_picked(settings: HiddenSettings, partial: Path) -> None:
    """Write the first test pictures of a few classes, with what two runs say of them."""
    pictures = read_pictures(partial)
    said = {
        arm: read_said(partial, arm, settings.seeds[0]).class_logits.argmax(axis=1)
        for arm in ("joint", "sequential")
    }
    rows: list[PickedRow] = []
    for one, other in _shown(pictures):
        for number in dict.fromkeys((one, other)):
            own = pictures.split.test[pictures.classes[pictures.split.test] == number]
            for image in own[:EACH].tolist():
                told = ", ".join(
                    f"{arm} {_verdict(int(says[image]), number, other if number == one else one)}"
                    for arm, says in said.items()
                )
                words = f"{pictures.names[number]}: {told}"
                rows.append(
                    PickedRow(
                        row=_heading(pictures, one, other),
                        words=words,
                        png=png_of(pictures.pixels[image]),
                    )
                )
    write_rows(partial / "artifacts" / "picked.parquet", rows)


def png_of(pixels: UInt8[np.ndarray, "3 h w"]) -> bytes:
    """Return a picture's bytes as PNG."""
    from PIL import Image

    kept = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))).save(
        kept, format="PNG"
    )
    return kept.getvalue()


def _shown(pictures: Pictures) -> list[tuple[int, int]]:
    if pictures.twin_of is None:
        return [(number, number) for number in range(min(PAIRS, len(pictures.names)))]
    pairs = [(one, int(other)) for one, other in enumerate(pictures.twin_of) if one < other]
    return pairs[:PAIRS]


def _heading(pictures: Pictures, one: int, other: int) -> str:
    names = dict.fromkeys((pictures.names[one], pictures.names[other]))
    return " and ".join(names)


def _verdict(said: int, own: int, twin: int) -> str:
    if said == own:
        return "right"
    return "its twin" if said == twin else "another"
