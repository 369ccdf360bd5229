"""What runs that are compared are called: by their folders, or by paths where two are alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tacit.base.errors import UserError


def labelled(folders: Sequence[str | Path]) -> list[tuple[Path, str]]:
    """Return each folder with its name, or its whole path where two folders are called the same.

    Raises:
        UserError: where a folder is given twice.
    """
    paths = [Path(folder) for folder in folders]
    twice = [path for path, uses in Counter(p.resolve() for p in paths).items() if uses > 1]
    if twice:
        raise UserError(f"the run {twice[0]} was given twice; give every run once.")
    names = Counter(path.resolve().name for path in paths)
    return [
        (path, str(path) if names[path.resolve().name] > 1 else path.resolve().name)
        for path in paths
    ]
