"""The pages of a measured dictionary: what each measure says of it, and of baselines beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tacit.activations.store import Store
from tacit.base.pages import Headline, Limits, Opening, Page, Plot, Table, Text
from tacit.base.records import Record, Result
from tacit.evaluations.differences import DICTIONARY
from tacit.evaluations.evidence import Evidence
from tacit.evaluations.gathering import BASELINES, Plan
from tacit.evaluations.readings import Reading
from tacit.evaluations.suite import MEASURES, Measured
from tacit.verbs.cards import write_table
from tacit.verbs.frontier import shown_name
from tacit.verbs.instruments import instruments_table
from tacit.verbs.measured_tables import (
    curve_rows,
    difference_rows,
    figure_rows,
    gap_rows,
    unit_rows,
)
from tacit.verbs.measured_text import Given

HEADLINES: tuple[tuple[str, Mapping[str, Any], str, str], ...] = (
    ("fvu", {}, "variance unexplained", "Of held-out rows; 0 is exact, 1 the mean."),
    ("l0", {}, "active atoms a row", "What that was had for."),
    ("loss_recovered", {"against": "zero"}, "loss recovered", "1 loses nothing."),
    (
        "sparse_probe_accuracy",
        {"probe_k": 1},
        "a concept from one atom",
        "Balanced; chance .5.",
    ),
    ("absorbed_share", {}, "absorbed", "Rows whose concept another atom hides."),
    (
        "shared_cosine",
        {"twin": "seed"},
        "shared with other seeds",
        "Cosine of matched atoms.",
    ),
)
"""Figure, coordinates, label and meaning of what a reader wants first."""


@dataclass(frozen=True, kw_only=True)
class Scored:
    """All that a measurement found, on its way to the page."""

    baselines: Sequence[str]
    given: Given
    store: Store
    plan: Plan
    evidence: Evidence
    records: Sequence[Record]
    readings: Sequence[Reading]
    measured: Sequence[Measured]
    of: Mapping[str, str | int | float]
    """Coordinates of the dictionary."""


def pages_of(found: Scored, artifacts: Path) -> list[Page]:
    """Write the tables under ``artifacts`` and return the pages that draw them."""
    rows = figure_rows(found.records, found.of)
    write_table(artifacts / "figures.parquet", rows)
    pages = [
        Page(
            title="At a glance",
            blocks=(
                _opening(found),
                *_headline(found),
                _figures(rows),
                *_differences(found, artifacts),
            ),
        )
    ]
    for each in found.measured:
        if each.readings:
            blocks = _blocks_of(found, each, artifacts)
            pages.append(Page(title=each.measure.capitalize(), blocks=blocks))
    names = [each.measure for each in found.measured]
    trust = instruments_table(names, artifacts)
    pages.append(Page(title="How far the measures can be trusted", blocks=(trust,)))
    pages.append(Page(title="What is missing", blocks=_missing(found, artifacts)))
    return pages


def _opening(found: Scored) -> Opening:
    own = found.given.dictionary
    held = found.evidence.held_out
    return Opening(
        title=f"{shown_name(own.method)} with {own.num_atoms:,} atoms, measured",
        setting=f"The dictionary reads {own.contract.site} of {found.given.subject.name}. "
        f"{len(held):,} usable rows of {found.store.manifest['configuration']['text']} were read, "
        f"{int(held.sum()):,} of them held out; {found.plan.num_left_out:,} more were left out. "
        f"{len(found.evidence.concepts)} concepts are known of them.\n\n"
        "Whatever is chosen or fitted comes from the training documents, every figure from the "
        "held-out ones. A figure over concepts is their mean, with Student's 95 % interval over "
        "the concepts: it says what other concepts of the kind would give. A figure of one unit "
        "has its interval over documents. Beside stand the same measures of "
        f"{', '.join(found.baselines) or 'no baseline'}, fitted to the same rows.",
    )


def _headline(found: Scored) -> tuple[Headline, ...]:
    cards = []
    for name, of, label, meaning in HEADLINES:
        for place, record in enumerate(found.records):
            if (
                isinstance(record, Result)
                and record.name == name
                and {**of, "basis": DICTIONARY}.items() <= record.of.items()
            ):
                cards.append({"result": place, "label": label, "meaning": meaning})
                break
    return (Headline(results=tuple(cards)),) if cards else ()


def _bases(rows: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, str], ...]:
    """Return a column for each basis that rows tell anything of."""
    beside = (each for each in BASELINES if rows and each in rows[0])
    return ((DICTIONARY, "this dictionary"), *((each, each) for each in beside))


def _figures(rows: Sequence[Mapping[str, Any]]) -> Table:
    return Table(
        table="artifacts/figures.parquet",
        columns=(
            ("measure", "measure"),
            ("figure", "figure"),
            ("setting", "setting"),
            ("better", "better"),
            *_bases(rows),
            ("n", "n"),
        ),
        title="Every figure",
        caption="With 95 % intervals over n units. What each figure is, and what it does not "
        "show, stands in docs/metrics.md and docs/measures.",
    )


def _differences(found: Scored, artifacts: Path) -> tuple[Table, ...]:
    rows = difference_rows(found.records, found.of)
    if not rows:
        return ()
    write_table(artifacts / "differences.parquet", rows)
    headings = (("measure", "measure"), ("figure", "figure"), ("setting", "setting"))
    minus = tuple((each, f"minus {each}") for each in BASELINES if each in rows[0])
    return (
        Table(
            table="artifacts/differences.parquet",
            columns=(*headings, ("better", "better"), *minus, ("n", "n")),
            title="Against the baselines",
            caption="This dictionary's figure minus the baseline's, paired unit by unit, with 95 % "
            "intervals. One that holds 0 is no difference.",
        ),
    )


def _blocks_of(found: Scored, measured: Measured, artifacts: Path) -> tuple[Any, ...]:
    kind = MEASURES[measured.measure]
    units = f"artifacts/units-{measured.measure}.parquet"
    rows = unit_rows(found.readings, measured.measure)
    write_table(artifacts.parent / units, rows)
    blocks: list[Any] = [Text(text=" ".join((kind.__doc__ or "").split()))]
    if measured.measure == "probing":
        blocks.append(_probing_plot(found, artifacts))
    return (
        *blocks,
        Table(
            table=units,
            columns=(
                ("unit", "unit"),
                ("figure", "figure"),
                ("setting", "setting"),
                *_bases(rows),
                ("parts", "parts"),
            ),
            title="Unit by unit",
            caption=f"Took {measured.seconds:.1f} s. Parts are the documents that a unit's value "
            "is summed over, where it is made of any.",
        ),
    )


def _probing_plot(found: Scored, artifacts: Path) -> Plot:
    write_table(
        artifacts / "probing.parquet",
        curve_rows(found.records, "sparse_probe_accuracy", "probe_k"),
    )
    return Plot(
        table="artifacts/probing.parquet",
        kind="line",
        x="probe_k",
        y="value",
        low="low",
        high="high",
        group="basis",
        x_label="atoms that the probe reads",
        y_label="balanced accuracy",
        log_x=True,
        title="Concepts read off few atoms",
        caption="Mean over concepts. Higher and further left is better; a basis whose single "
        "atoms are concepts is high from the start.",
    )


def _missing(found: Scored, artifacts: Path) -> tuple[Any, ...]:
    rows = gap_rows(found.records)
    write_table(artifacts / "gaps.parquet", rows)
    limits = Limits(
        items=(
            "A dictionary of one seed stands for that seed: how much another would differ is told "
            "by the stability measure and by `tacit compare` alone.",
            "Concepts are those that the text's labels and tokens give; a dictionary may have "
            "features for others, which no measure here sees.",
            "Figures of two dictionaries compare where model, site, text and settings are the "
            "same, and fidelity at a like L0.",
        )
    )
    if not rows:
        return (Text(text="Nothing: every measure gave its figures."), limits)
    table = Table(
        table="artifacts/gaps.parquet",
        columns=(("figure", "figure"), ("of", "of"), ("reason", "why"), ("times", "times")),
        title="Not measured",
        caption="Each with its reason.",
    )
    return (table, limits)
