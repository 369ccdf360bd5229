"""How small pictures are drawn: their bytes within the page, a few words below each."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from tacit.base.errors import UserError
from tacit.base.pages import Pictures
from tacit.reports.tables import RunFolder

PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One picture."""

    source: str
    """A data address, so that the page needs no other file."""
    words: str


@dataclass(frozen=True, kw_only=True)
class PictureRow:
    """Pictures side by side under a heading, which may be empty."""

    heading: str
    pictures: tuple[Picture, ...]


def picture_rows(run: RunFolder, block: Pictures) -> tuple[PictureRow, ...]:
    """Return a table's pictures row by row, in its order.

    Raises:
        UserError: where a cell does not hold the bytes of a PNG.
    """
    names = [block.picture, block.words, *([block.row] if block.row else [])]
    found = run.table(block.table, names)
    headings: list[Any] = found[block.row] if block.row else [""] * len(found[block.words])
    rows: dict[str, list[Picture]] = {}
    cells = zip(headings, found[block.picture], found[block.words], strict=True)
    for place, (heading, png, words) in enumerate(cells):
        if not isinstance(png, bytes) or not png.startswith(PNG):
            raise UserError(
                f"row {place} of {block.table} has no PNG in {block.picture!r}; write the bytes "
                "of one picture in each row."
            )
        source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
        rows.setdefault(str(heading), []).append(Picture(source=source, words=str(words)))
    return tuple(
        PictureRow(heading=heading, pictures=tuple(pictures))
        for heading, pictures in rows.items()
    )
