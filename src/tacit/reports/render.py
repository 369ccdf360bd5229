"""How a run folder becomes ``report.html``: one file, no network, no model, the same twice."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tacit.base.errors import UserError
from tacit.base.files import sha256_of_text, write_atomically
from tacit.base.pages import Features, Table
from tacit.reports.kept import Allowance, attempts, keep, notice
from tacit.reports.numbers import fixed
from tacit.reports.tables import RunFolder, read_run_folder
from tacit.reports.views import BlockView, RecordView, record_view, view_of

REPORT = "report.html"
MOST_BYTES = 3_000_000
MOST_ROWS = 200
"""Rows of a table that the page shows, unless it sorts them; it says where the others are."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A page of the run folder: a titled section of the report."""

    title: str
    anchor: str
    blocks: tuple[BlockView, ...]


def _sections(run: RunFolder) -> list[Section]:
    return [
        Section(
            title=page.title,
            anchor=f"section-{number}",
            blocks=tuple(
                view_of(run, block, f"block-{number}-{place}")
                for place, block in enumerate(page.blocks, start=1)
            ),
        )
        for number, page in enumerate(run.pages, start=1)
    ]


def _one_of(kind: str, sections: Sequence[Section], run: RunFolder) -> BlockView | None:
    found = [
        block for section in sections for block in section.blocks if block.kind == kind
    ]
    if len(found) > 1 and kind == "opening":
        raise UserError(f"the pages of {run.path} hold {len(found)} openings; keep one.")
    return found[0] if found else None


def flattened(values: Mapping[str, Any], path: str = "") -> list[tuple[str, str]]:
    """Return the leaves of a nested mapping as pairs (dotted path, value in words)."""
    leaves: list[tuple[str, str]] = []
    for key, value in values.items():
        name = f"{path}.{key}" if path else str(key)
        if isinstance(value, Mapping) and value:
            leaves += flattened(value, name)
        elif isinstance(value, list):
            leaves.append((name, ", ".join(str(part) for part in value) or "none"))
        else:
            leaves.append((name, "none" if value is None else str(value)))
    return leaves


def _configuration(manifest: Mapping[str, Any]) -> list[tuple[str, str, bool]]:
    """Return each setting, its value, and whether it was passed rather than defaulted."""
    passed = manifest.get("passed", [])
    found = []
    for name, value in flattened(manifest["configuration"]):
        setting = name.removeprefix("settings.")
        by_hand = any(setting == one or setting.startswith(f"{one}.") for one in passed)
        found.append((name, value, by_hand))
    return found


def _about(run: RunFolder) -> list[tuple[str, str]]:
    """Return what the manifest says of the run beside its configuration, in words."""
    rest = {key: run.manifest[key] for key in run.manifest if key not in _ELSEWHERE}
    return flattened(rest)


_ELSEWHERE = {"configuration", "passed", "kind", "title"}


def _title(run: RunFolder) -> str:
    name = run.path.resolve().name.removeprefix(".").removesuffix(".partial")
    return f"{run.manifest['kind']}: {name}"


def _kept(sections: Sequence[Section], allowance: Allowance, bound: str) -> dict[str, Any]:
    """Return the cards each list of features keeps and what the page says of the others."""
    found = {}
    for block in (block for section in sections for block in section.blocks):
        if isinstance(block.block, Features):
            cards = keep(block.cards, allowance)
            said = notice(block.cards, cards, block.block.contexts, bound)
            found[block.anchor] = {"cards": cards, "notice": said}
    return found


def _anchors(
    sections: Sequence[Section], kept: Mapping[str, Any]
) -> dict[str, dict[int, str]]:
    """Return, for each section, where a feature's card is: in that section, or the first."""
    everywhere: dict[int, str] = {}
    own: dict[str, dict[int, str]] = {section.anchor: {} for section in sections}
    for section in sections:
        for block in section.blocks:
            for card in kept.get(block.anchor, {"cards": ()})["cards"]:
                place = f"{block.anchor}-feature-{card.feature}"
                own[section.anchor].setdefault(card.feature, place)
                everywhere.setdefault(card.feature, place)
    return {anchor: {**everywhere, **places} for anchor, places in own.items()}


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("tacit.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _static(environment: Environment, name: str) -> Markup:
    assert environment.loader is not None
    return Markup(environment.loader.get_source(environment, name)[0].strip())


def _script(environment: Environment, sections: Sequence[Section]) -> Markup:
    """Return the page's script, with that of sorting where a table can be sorted."""
    blocks = [view.block for section in sections for view in section.blocks]
    sorts = any(isinstance(block, Table) and block.sortable for block in blocks)
    names = ("page.js", "sorting.js") if sorts else ("page.js",)
    return Markup("\n").join(_static(environment, name) for name in names)


def _shared(run: RunFolder, sections: Sequence[Section]) -> dict[str, Any]:
    """Return what every attempt at the page has in common."""
    environment = _environment()
    script = _script(environment, sections)
    script_hash = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    records: list[RecordView] = [record_view(record) for record in run.records]
    digests = run.digests()
    blocks = [block for section in sections for block in section.blocks]
    limits = [block for block in blocks if block.kind == "limits"]
    gaps = [view for view in records if not view.measured]
    return {
        "template": environment.get_template("report.html"),
        "style": _static(environment, "style.css"),
        "script": script,
        "script_hash": script_hash,
        "title": _title(run),
        "opening": _one_of("opening", sections, run),
        "records": records,
        "claims": [view for view in records if view.claim],
        "gaps": list({(gap.name, gap.of, gap.reason): gap for gap in gaps}.values()),
        "limits": [sentence for block in limits for sentence in block.paragraphs],
        "has_negative": any(card.has_negative for block in blocks for card in block.cards),
        "has_predicted": any(
            card.has_predicted for block in blocks for card in block.cards
        ),
        "configuration": _configuration(run.manifest),
        "about": _about(run),
        "manifest": run.manifest,
        "digests": digests,
        "digest": sha256_of_text("\n".join(f"{name} {digest}" for name, digest in digests)),
        "most_rows": MOST_ROWS,
    }


def render_report(run_folder: Path, *, most_bytes: int = MOST_BYTES) -> Path:
    """Draw ``report.html`` of a run folder from its files alone, and return its path.

    A page over ``most_bytes`` keeps fewer contexts, then fewer features, and says how many of
    how many. A missing or damaged file is a ``UserError`` that names it.
    """
    run = read_run_folder(run_folder)
    sections = _sections(run)
    shared = _shared(run, sections)
    template = shared.pop("template")
    bound = f"{fixed(most_bytes / 1e6, 1)} MB"
    cards = [
        card for section in sections for block in section.blocks for card in block.cards
    ]
    size = 0
    for allowance in attempts(cards, most_bytes):
        kept = _kept(sections, allowance, bound)
        page = template.render(
            **shared, sections=sections, kept=kept, anchors=_anchors(sections, kept)
        )
        size = len(page.encode())
        if size <= most_bytes:
            write_atomically(run_folder / REPORT, page)
            return run_folder / REPORT
    raise UserError(
        f"the report of {run_folder} would take {size / 1e6:.1f} MB without any context, over "
        f"{bound}: its pages hold too many charts, tables or features. Draw fewer."
    )
