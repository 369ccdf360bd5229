"""How charts look: markers, dashes and colours that stay apart without colour, and settings."""

from __future__ import annotations

from typing import Any

from tacit.reports.themed import GRID, INK, MUTED

MID_TONES = (
    "#2f80c3", "#d9691e", "#109b78", "#b565a7", "#b8860b", "#4aa3d8", "#8a6d5a", "#7a7a85",
)  # fmt: skip
"""The series' colours where they are pixels: an image cannot follow the page's light or dark."""
MARKERS = "osD^vPX"
MARKER_PATHS = (
    "M6 2.5a3.5 3.5 0 1 0 0 7a3.5 3.5 0 1 0 0-7z",
    "M2.8 2.8h6.4v6.4h-6.4z",
    "M6 1.6l4.4 4.4-4.4 4.4-4.4-4.4z",
    "M6 2l4.2 7.6h-8.4z",
    "M6 10l4.2-7.6h-8.4z",
    "M4.6 2h2.8v2.6h2.6v2.8h-2.6v2.6h-2.8v-2.6h-2.6v-2.8h2.6z",
    "M2 3.6l1.6-1.6 2.4 2.4 2.4-2.4 1.6 1.6-2.4 2.4 2.4 2.4-1.6 1.6-2.4-2.4-2.4 2.4-1.6-1.6"
    "l2.4-2.4z",
)
"""The markers once more, in a box of 12 by 12, for the legend."""
BLOCK_PATH = "M1.5 1.5h9v9h-9z"
"""What the legend shows where there are no markers: a block of the colour."""
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (2, 1.5)), (0, (6, 2, 1.5, 2)))
SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "tacit",
    "svg.id": None,
    "text.parse_math": False,
    "path.simplify": False,
    "font.family": ["DejaVu Sans"],
    "font.size": 8.6,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.7,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 8.6,
    "axes.unicode_minus": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 1.7,
    "lines.markersize": 6,
    "savefig.dpi": 150,
    "savefig.facecolor": "none",
    "savefig.edgecolor": "none",
}
