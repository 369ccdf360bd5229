"""How an SVG of matplotlib becomes part of a page: its colours are the page's own variables.

Charts are drawn in stand-in colours that occur nowhere else; each is replaced by a CSS variable,
so that one drawing serves the light page, the dark page and paper.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

from markupsafe import Markup

NUM_COLOURS = 8
INK, MUTED, GRID, GROUND = "#010101", "#010102", "#010103", "#010104"
SERIES = tuple(f"#0101{16 + index:02x}" for index in range(NUM_COLOURS))
_VARIABLES = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    GRID: "var(--grid)",
    GROUND: "var(--panel)",
    **{colour: f"var(--series-{index})" for index, colour in enumerate(SERIES)},
}
_COLOUR = re.compile(r"#0101[0-9a-f]{2}")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_UNWANTED = {f"{_SVG}metadata", f"{_SVG}style"}


def _style(text: str, prefix: str) -> str:
    """Return a style with the page's colours and font, and its references renamed."""
    kept = [rule for rule in text.split("; ") if not rule.startswith("font-family")]
    coloured = _COLOUR.sub(lambda found: _VARIABLES[found.group()], "; ".join(kept))
    return _REFERENCE.sub(rf"url(#{prefix}\1)", coloured)


def themed(svg: bytes, *, prefix: str, label: str) -> Markup:
    """Return matplotlib's SVG for a page that may hold many.

    Every id begins with ``prefix``; ids that nothing refers to, styles that would leak into the
    page, fixed sizes and metadata are dropped. ``label`` is what a screen reader says of it.
    """
    ElementTree.register_namespace("", _SVG.strip("{}"))
    root = ElementTree.fromstring(svg)
    used = {found for found in _REFERENCE.findall(svg.decode())}
    used |= {element.get(_LINK, "").lstrip("#") for element in root.iter()}
    for element in root.iter():
        for child in [child for child in element if child.tag in _UNWANTED]:
            element.remove(child)
        if (identity := element.attrib.pop("id", None)) in used and identity:
            element.set("id", prefix + identity)
        if target := element.attrib.pop(_LINK, None):
            inside = target.startswith("#")
            element.set("href", f"#{prefix}{target[1:]}" if inside else target)
        if "clip-path" in element.attrib:
            element.set("clip-path", _style(element.attrib["clip-path"], prefix))
        if "style" in element.attrib:
            element.set("style", _style(element.attrib["style"], prefix))
        if "d" in element.attrib:
            element.set("d", element.attrib["d"].replace("\n", ""))
        element.tail = None
        if element.tag != f"{_SVG}text" and not (element.text or "").strip():
            element.text = None
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.set("class", "chart")
    root.set("role", "img")
    root.set("aria-label", label)
    return Markup(ElementTree.tostring(root, encoding="unicode"))
