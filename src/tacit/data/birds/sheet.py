"""A contact sheet: every row a species, its looks and the two twins side by side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from tacit.base.errors import UserError
from tacit.base.files import write_atomically
from tacit.base.folders import read_manifest
from tacit.data.birds.chunks import encoded, picture_of
from tacit.data.birds.draw import KIND
from tacit.data.birds.plan import Plan, make_plan
from tacit.data.birds.settings import BirdSettings

GAP = 2
"""Pixels between pictures."""
PAPER = 255
COLOURS = 256
"""Of the sheet: grain in all colours would make it twice as large."""


def settings_of(folder: Path | str) -> BirdSettings:
    """Return the settings that drawn birds were made with.

    Raises:
        UserError: if the folder holds none.
    """
    manifest = read_manifest(Path(folder))
    if manifest["kind"] != KIND:
        raise UserError(
            f"{folder} holds a {manifest['kind']}, and {KIND} were asked for; make some with "
            "`tacit birds make FOLDER`."
        )
    return BirdSettings(**manifest["configuration"])


def write_sheet(
    settings: BirdSettings, out: Path, *, species: int = 6, columns: int = 8, zoom: int = 1
) -> None:
    """Write a contact sheet of species from first to last as a PNG, drawn again from the settings.

    ``columns``: pictures of a row, half of them of either twin, or all of the one class.
    """
    plan = make_plan(settings)
    some = np.linspace(0, settings.num_species - 1, min(species, settings.num_species))
    shown = some.round().astype(int).tolist()
    rows = [
        [_picture(settings, plan, row) for row in _images(plan, at, columns)]
        for at in shown
    ]
    sheet = np.concatenate([np.concatenate(row, axis=1) for row in rows])[:-GAP, :-GAP]
    enlarged = sheet.repeat(zoom, axis=0).repeat(zoom, axis=1)
    write_atomically(out, encoded(enlarged, "PNG", colours=COLOURS, optimize=True))


def _images(plan: Plan, species: int, columns: int) -> list[int]:
    """Return as many images of each class of a species, every look of it in turn."""
    classes = np.flatnonzero(plan.species == species)
    found: list[int] = []
    for label in classes.tolist():
        rows = np.flatnonzero(plan.labels == label)
        # The first image of each look, then the second of each, and so on.
        nth = [
            (plan.morph[rows[:at]] == plan.morph[row]).sum() for at, row in enumerate(rows)
        ]
        order = np.lexsort((plan.morph[rows], nth))[: columns // len(classes)]
        found += rows[order[np.argsort(plan.morph[rows[order]], kind="stable")]].tolist()
    return found


def _picture(settings: BirdSettings, plan: Plan, row: int) -> UInt8[np.ndarray, "h w 3"]:
    pixels = picture_of(settings, plan, row).pixels
    return np.pad(pixels, ((0, GAP), (0, GAP), (0, 0)), constant_values=PAPER)
