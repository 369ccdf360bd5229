"""The pages of a leak's report: how much, where, in which pictures, and what may be concluded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tacit.base.pages import (
    Block,
    Headline,
    Limits,
    Opening,
    Page,
    Plot,
    Table,
    Text,
)
from tacit.base.records import Gap, Result
from tacit.verbs.cards import write_table
from tacit.verbs.instruments import instruments_table
from tacit.verbs.leak_blocks import CAUTIONS, answer_blocks, limits_of
from tacit.verbs.leak_inputs import IN_WORDS, LeakSource
from tacit.verbs.leak_measures import Found
from tacit.verbs.leak_settings import LeakSettings
from tacit.verbs.leak_tables import (
    MOST_BARS,
    bar_rows,
    concept_rows,
    figure_rows,
)
from tacit.verbs.measured_tables import gap_rows

CONCEPTS = "artifacts/concepts.parquet"
INSTRUMENT = "leak"
HEADLINES = (
    (
        "conditional_information",
        "leak",
        "What readings say of the class beyond the concepts.",
    ),
    (
        "entropy_given_concepts",
        "most that could leak",
        "What the concepts leave open of the class.",
    ),
    ("task_accuracy", "class right", "By the model's own answers."),
    ("concept_accuracy", "concepts right", "By the sign of their logits."),
    ("twin_accuracy", "twins told", "1/2 is all that the concepts can give."),
)
"""Figure, label and meaning of what a reader wants first."""


def pages_of(
    found: Found, source: LeakSource, settings: LeakSettings, artifacts: Path
) -> list[Page]:
    """Write the tables under ``artifacts`` and return the pages that draw them."""
    write_table(artifacts / "figures.parquet", figure_rows(found))
    figures = Table(
        table="artifacts/figures.parquet",
        columns=(
            ("figure", "figure"),
            ("of", "of"),
            ("value", "value"),
            ("unit", "unit"),
            ("better", "better"),
            ("n", "n"),
        ),
        title="Every figure",
        caption="With 95 % intervals over n units. What each is, and what it does not show, stands "
        "in docs/metrics.md.",
    )
    size = {INSTRUMENT: len(found.examined.labels)}
    trust = instruments_table([INSTRUMENT], artifacts, sizes=size)
    glance = (
        _opening(found, settings),
        Text(text=in_a_sentence(found)),
        _headline(found),
        figures,
    )
    return [
        Page(title="At a glance", blocks=glance),
        Page(title="Where does it leak?", blocks=_places(found, artifacts)),
        Page(
            title="What becomes of it",
            blocks=answer_blocks(found, source, settings, artifacts),
        ),
        Page(title="How far this can be trusted", blocks=(trust,)),
        Page(title="What is missing", blocks=_missing(found, settings, artifacts)),
    ]


def in_a_sentence(found: Found) -> str:
    """Return what was found, and how sure that is."""
    leak, own = found.leak, found.examined.basis
    if isinstance(leak.information, Gap):
        return f"No leak can be measured: {leak.information.reason}."
    value, ends = leak.information.value, leak.information.ends
    assert ends is not None, "the information has an interval over images"
    told = f"{value:.3f} nats (95 % interval {ends[0]:.3f} to {ends[1]:.3f})"
    caution = f" {CAUTIONS[own]}" if own == "annotated" else ""
    if ends[0] > 0:
        return (
            f"The readings carry {told} of the class beyond {IN_WORDS[own]}. The concepts leave "
            f"{leak.entropy.value:.3f} nats open, which is the most that could leak.{caution}"
        )
    return (
        f"No leak was found: {told} of the class beyond {IN_WORDS[own]}. That is no proof that "
        f"there is none: up to {ends[1]:.3f} of the {leak.entropy.value:.3f} nats that concepts "
        f"leave open would have looked the same.{caution}"
    )


def _opening(found: Found, settings: LeakSettings) -> Opening:
    own = found.examined
    return Opening(
        title="What a concept layer says beyond its concepts",
        setting=f"The bottleneck is {settings.model}"
        f"{f', on pictures of {settings.data}' if settings.data else ''}. "
        f"{len(own.labels):,} images of {len(set(own.labels.tolist()))} classes were looked at, "
        f"with {len(own.concepts)} concepts, and {own.readings.shape[1]} readings that the class "
        f"head is given ({found.leak.told}). Images fall into {found.leak.num_groups:,} groups of "
        "equal concepts.\n\n"
        "A classifier that knows the concepts tries to tell the class, once with the readings, and "
        "once with readings of other images that are equal in all concepts. By how much the first "
        "does better is what the readings carry of the class beyond the concepts, in nats: a coin "
        "is worth 0.693.",
    )


def _headline(found: Found) -> Headline:
    cards: list[dict[str, Any]] = []
    for name, label, meaning in HEADLINES:
        for place, record in enumerate(found.records):
            if isinstance(record, Result) and record.name == name:
                cards.append({"result": place, "label": label, "meaning": meaning})
                break
    return Headline(results=tuple(cards))


def _places(found: Found, artifacts: Path) -> tuple[Block, ...]:
    rows = concept_rows(found)
    write_table(artifacts.parent / CONCEPTS, rows)
    table = Table(
        table=CONCEPTS,
        columns=(
            ("concept", "concept"),
            ("leak", "leak, nats"),
            ("entropy", "entropy, nats"),
            ("present", "present in"),
            ("right", "told right"),
        ),
        sortable=True,
        title="Every concept",
        caption="Leak: what the concept's reading alone carries of the class beyond all concepts, "
        "as of normal noise; below 0 by chance alone, and empty where it could not be measured.",
    )
    if isinstance(found.by_concept, Gap):
        return (
            Text(text=f"Not to be told concept by concept: {found.by_concept.reason}"),
            table,
        )
    bars = bar_rows(rows)
    write_table(artifacts / "bars.parquet", bars)
    plot = Plot(
        table="artifacts/bars.parquet",
        kind="bar",
        x="concept",
        y="nats",
        group="of",
        x_label="concept",
        y_label="nats",
        title="Leak by concept, beside its entropy",
        caption=f"The {min(MOST_BARS, len(bars) // 2)} concepts whose readings leak most, each by "
        "itself: they may carry the same, and do not add up. Beside each, how much the concept "
        "itself has to tell.",
    )
    return (plot, table)


def _missing(
    found: Found, settings: LeakSettings, artifacts: Path
) -> tuple[Text | Table, Limits]:
    rows, limits = gap_rows(found.records), limits_of(found, settings)
    if not rows:
        return (Text(text="Nothing: every measure gave its figures."), limits)
    write_table(artifacts / "gaps.parquet", rows)
    table = Table(
        table="artifacts/gaps.parquet",
        columns=(("figure", "figure"), ("of", "of"), ("reason", "why")),
        title="Not measured",
        caption="Each with its reason.",
    )
    return (table, limits)
