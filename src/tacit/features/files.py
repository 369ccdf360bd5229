"""Files as DuckDB names them."""

from __future__ import annotations

import re
from pathlib import Path


def parquet(path: Path) -> str:
    """Return DuckDB's words for one file, whose name may hold its quote and wild cards."""
    literal = re.sub(r"([*?\[])", r"[\1]", str(path))
    return f"read_parquet({quoted(literal)})"


def quoted(text: str) -> str:
    """Return a text as a string of SQL."""
    return "'" + text.replace("'", "''") + "'"
