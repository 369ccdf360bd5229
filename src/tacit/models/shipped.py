"""Which subjects come with Tacit."""

from collections.abc import Mapping
from pathlib import Path

from tacit.base.errors import UserError

SHIPPED: Mapping[str, Path] = {
    name: Path(__file__).parent / "shipped" / name
    for name in (
        "pycode",
        "small-16-0",
        "small-16-1",
        "small-32-0",
        "small-32-1",
        "stories",
        "stories-0",
        "stories-2",
    )
}
"""Folders in the layout of the Hugging Face hub, by name."""


def shipped_folder(name: str) -> Path:
    """Return the folder of a shipped subject, or say how to make it when it is missing."""
    folder = SHIPPED[name]
    if not (folder / "config.json").exists():
        raise UserError(
            f"the subject {name!r} was asked for, but this copy of Tacit lacks its folder; "
            f"make it with `tacit train-subject {name} --out FOLDER` and give FOLDER."
        )
    return folder
