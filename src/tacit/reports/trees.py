"""How a tree of the pages is drawn: one inline SVG in the page's own colours.

Columns stand side by side, the root at the right. A node stands at the middle of what hangs on it,
so that no two of a column meet. Lengths are in the SVG's own units.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tacit.base.errors import UserError
from tacit.base.pages import Tree
from tacit.reports.charts import Chart
from tacit.reports.numbers import column, number, tick
from tacit.reports.tables import Columns

BOX_WIDTH, BOX_HEIGHT = 122, 34
COLUMN, ROW, TOP, TEXT = 214, 46, 30, 11.5
FEW, NARROW = 4, 180
"""More columns than these stand nearer together."""
LEGIBLE = 0.75
"""Least scale at which labels can be read; a tree that is wider than the page then scrolls."""
WIDEST, THINNEST = 9.0, 0.8
MOST_LETTERS = 21
"""Letters of a label that its box has room for; the table beneath has them all."""
FONT = 'font-size="11"'
DASHES = Markup(' stroke-dasharray="5 3"')
"""Of a line whose number is negative."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """What joins a node to a parent."""

    node: str
    parent: str
    value: float
    text: str
    """The value, with as many decimals as those of all other lines."""
    ends: str
    """Its interval in words; empty where there is none."""

    @property
    def words(self) -> str:
        """All of it in words."""
        return f"{self.node} to {self.parent}: {self.text}{self.ends}"


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Nodes with the places of their boxes' corners, and lines."""

    x: Mapping[str, int]
    y: Mapping[str, float]
    label: Mapping[str, str]
    lines: Sequence[Line]
    height: float

    def arrival(self, line: Line) -> float:
        """Return where a line meets its parent: one below the other, in their nodes' order."""
        beside = [each for each in self.lines if each.parent == line.parent]
        beside.sort(key=lambda each: self.y[each.node])
        apart = beside.index(line) - (len(beside) - 1) / 2
        return self.y[line.parent] + BOX_HEIGHT / 2 + apart * TEXT


def draw_tree(block: Tree, columns: Columns, anchor: str) -> Chart:
    """Return a tree as SVG; equal inputs give equal bytes.

    Raises:
        UserError: for a node in none of the block's places, or whose parent has no row before it.
    """
    if not columns[block.node]:
        nothing = f"There is nothing to draw: {block.table} holds no node."
        return Chart(svg=Markup(""), legend=(), notes=(nothing,))
    found = _placed(block, columns)
    largest = max((abs(line.value) for line in found.lines), default=0.0)
    step = _step(block)
    width = (len(block.places) - 1) * step + BOX_WIDTH + 2
    parts = [_heading(place, at * step) for at, place in enumerate(block.places)]
    parts += [_line(line, found, largest) for line in found.lines]
    parts += [_box(name, found) for name in found.x]
    svg = Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" '
        'viewBox="0 0 {width} {height}" style="--legible:{legible:g}px" '
        'aria-labelledby="{anchor}-title {anchor}-desc">'
        '<title id="{anchor}-title">{title}</title><desc id="{anchor}-desc">{said}</desc>'
        "{parts}</svg>"
    ).format(
        width=width,
        legible=LEGIBLE * width,
        height=f"{found.height:g}",
        anchor=anchor,
        title=block.title,
        said=_said(block, found),
        parts=Markup("").join(parts),
    )
    return Chart(svg=svg, legend=(), notes=_notes(block, found, largest))


def _placed(block: Tree, columns: Columns) -> Drawn:
    names, parents = columns[block.node], columns[block.parent]
    x: dict[str, int] = {}
    hanging: dict[str, list[str]] = {}
    for row, (name, parent) in enumerate(zip(names, parents, strict=True)):
        place = columns[block.place][row]
        if place not in block.places or (parent is not None and parent not in x):
            raise UserError(
                f"{block.table} has {name} at {place} under {parent}; a tree draws nodes at "
                f"{', '.join(block.places)}, each after its parent."
            )
        if name not in x and parent is not None:
            hanging.setdefault(parent, []).append(name)
        x.setdefault(name, block.places.index(place) * _step(block) + 1)
    lines = _lines(block, columns)
    most = max(Counter(line.parent for line in lines).values(), default=0)
    row_height = max(ROW, TEXT * most + 10)
    y: dict[str, float] = {}
    free = float(TOP)
    for root in (n for n, p in zip(names, parents, strict=True) if p is None):
        free = _stack(root, hanging, y, free, row_height)
    labels = dict(zip(names, columns[block.label], strict=True))
    return Drawn(x=x, y=y, label=labels, lines=lines, height=free)


def _lines(block: Tree, columns: Columns) -> list[Line]:
    low, high = columns[block.low], columns[block.high]
    return [
        Line(
            node=columns[block.node][row],
            parent=parent,
            value=columns[block.value][row],
            text=text,
            ends=""
            if low[row] is None
            else f" ({number(low[row])} to {number(high[row])})",
        )
        for row, (parent, text) in enumerate(
            zip(columns[block.parent], column(columns[block.value]), strict=True)
        )
        if parent is not None
    ]


def _stack(
    name: str,
    hanging: Mapping[str, Sequence[str]],
    y: dict[str, float],
    free: float,
    row_height: float,
) -> float:
    """Give a node and all that hangs on it their heights from ``free`` on; return what is next."""
    own = hanging.get(name, ())
    for child in own:
        free = _stack(child, hanging, y, free, row_height)
    y[name] = (y[own[0]] + y[own[-1]]) / 2 if own else free
    return free if own else free + row_height


def _step(block: Tree) -> int:
    """Return how far apart columns begin."""
    return COLUMN if len(block.places) <= FEW else NARROW


def _heading(place: str, x: int) -> Markup:
    text = Markup(
        '<text x="{x}" y="14" {font} text-anchor="middle" font-weight="600">{}</text>'
    )
    return text.format(place, x=x + 1 + BOX_WIDTH // 2, font=Markup(FONT))


def _box(name: str, found: Drawn) -> Markup:
    x, y, label = found.x[name], found.y[name], str(found.label[name] or "")
    shown = label if len(label) <= MOST_LETTERS else label[: MOST_LETTERS - 1] + "…"
    return Markup(
        '<g><title>{name}: {label}</title><rect x="{x}" y="{y:g}" width="{w}" height="{h}" rx="6" '
        'fill="var(--panel)" stroke="var(--muted)"/>'
        '<text x="{middle}" y="{first:g}" {font} font-weight="600" text-anchor="middle">{name}'
        '</text><text x="{middle}" y="{second:g}" {font} text-anchor="middle">{shown}</text></g>'
    ).format(
        name=name,
        label=label,
        shown=shown,
        x=x,
        y=y,
        w=BOX_WIDTH,
        h=BOX_HEIGHT,
        middle=x + BOX_WIDTH // 2,
        first=y + 14,
        second=y + 28,
        font=Markup(FONT),
    )


def _line(line: Line, found: Drawn, largest: float) -> Markup:
    begin, end = found.x[line.node] + BOX_WIDTH, found.x[line.parent]
    above, below = found.y[line.node] + BOX_HEIGHT / 2, found.arrival(line)
    middle = (begin + end) / 2
    return Markup(
        '<g><title>{words}</title><path d="M{begin} {above:g}C{middle:g} {above:g} {middle:g} '
        '{below:g} {end} {below:g}" fill="none" stroke="var(--series-0)" stroke-opacity=".55" '
        'stroke-width="{width:.2f}"{dashes}/><text x="{at}" y="{base:g}" {font} text-anchor="end" '
        'stroke="var(--panel)" stroke-width="3" paint-order="stroke">{text}</text></g>'
    ).format(
        words=line.words,
        begin=begin,
        end=end,
        middle=middle,
        above=above,
        below=below,
        width=max(THINNEST, WIDEST * abs(line.value) / largest if largest > 0 else 0.0),
        dashes=DASHES if line.value < 0 else "",
        at=end - 5,
        base=below + 4,
        font=Markup(FONT),
        text=line.text,
    )


def _said(block: Tree, found: Drawn) -> str:
    lines = "; ".join(line.words for line in found.lines) or "no line"
    return f"{block.caption} Lines, {block.value_label}: {lines}."


def _notes(block: Tree, found: Drawn, largest: float) -> tuple[str, ...]:
    if not found.lines:
        nothing = (
            f"No {block.value_label} reaches {tick(block.threshold)}, the least drawn."
        )
        return (nothing,)
    dashed = (
        " Dashed: negative numbers." if any(line.value < 0 for line in found.lines) else ""
    )
    return (
        f"Width and number of a line: {block.value_label}, here up to {number(largest)}; lines "
        f"are drawn from {tick(block.threshold)}.{dashed}",
    )
