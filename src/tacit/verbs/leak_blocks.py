"""What the class head makes of a leak, as blocks of its report, and what may not be concluded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tacit.base.pages import Block, Limits, Pictures, Plot, Table, Text
from tacit.verbs.cards import write_table
from tacit.verbs.leak_answers import NO_CLASSES
from tacit.verbs.leak_inputs import Basis, LeakSource
from tacit.verbs.leak_measures import Found
from tacit.verbs.leak_settings import LeakSettings
from tacit.verbs.leak_tables import curve_rows, pair_rows, picture_rows

CAUTIONS: Mapping[Basis, str] = {
    "drawn": "What was drawn is the truth here. Drawn birds are not photographs, and figures do "
    "not stand for those of real birds.",
    "annotated": "Annotations stand for the truth, and they are noisy: what readings know of "
    "concepts that annotators got wrong counts as leak, so that the figure is too high. It is for "
    "differences between models on the same images alone.",
    "given": "The concepts given stand for the truth. Where they are annotations, what annotators "
    "got wrong counts as leak, and the figure is too high: then it is for differences between "
    "models on the same images alone.",
}
"""What a reader must know of the concepts that readings are held against."""


def answer_blocks(
    found: Found, source: LeakSource, settings: LeakSettings, artifacts: Path
) -> tuple[Block, ...]:
    """Return how answers differ from those of the concepts alone, and whose pictures these are."""
    blocks: list[Block] = []
    moved = found.moved
    if moved is None:
        return (Text(text=f"Not to be told: {NO_CLASSES}."),)
    blocks.append(
        Text(
            text="The mean of the class logits of images with equal concepts is what the concepts "
            f"alone get. {moved.to_right.mean():.1%} of images are named rightly where that names "
            f"another class, and {moved.to_wrong.mean():.1%} wrongly where that is right. Noise "
            "alone would make at least as many wrong as right; a leak makes them right."
        )
    )
    pictures = picture_rows(found, source, settings.seed)
    if pictures:
        write_table(artifacts / "pictures.parquet", pictures)
        blocks.append(_shown())
    pairs = pair_rows(found)
    if pairs:
        write_table(artifacts / "pairs.parquet", pairs)
        blocks.append(_pairs(found))
    curve = curve_rows(found)
    if curve:
        write_table(artifacts / "curve.parquet", curve)
        blocks.append(_curve(settings))
    return tuple(blocks)


def _shown() -> Pictures:
    return Pictures(
        table="artifacts/pictures.parquet",
        picture="png",
        words="words",
        row="row",
        title="Right by more than the concepts",
        caption="Each row: images of one class that are named rightly, though images with the same "
        "concepts are named otherwise on average; then images of that other class, with the same "
        "concepts. Whatever tells the two apart is no concept. Kinds with the most such images, of "
        "which those shown are drawn at random.",
    )


def _pairs(found: Found) -> Table:
    assert found.twins is not None, "a table of pairs has pairs"
    by_pairs = found.twins.by_pairs
    ends = by_pairs.ends
    told = "" if ends is None else f" ({0.5 + ends[0]:.3f} to {0.5 + ends[1]:.3f})"
    return Table(
        table="artifacts/pairs.parquet",
        columns=(
            ("pair", "twins"),
            ("value", "told apart"),
            ("low", "from"),
            ("high", "to"),
            ("n", "images"),
        ),
        title="Twins, pair by pair",
        caption="Share of images given to the right one of the two; the concepts can give 1/2. "
        f"Over pairs it is {0.5 + by_pairs.value:.3f}{told}, n = {by_pairs.n}. To be right as "
        f"often, {found.twins.least_nats:.3f} nats must be known (Fano's bound).",
    )


def _curve(settings: LeakSettings) -> Plot:
    return Plot(
        table="artifacts/curve.parquet",
        kind="line",
        x="groups",
        y="value",
        group="set",
        low="low",
        high="high",
        x_label="groups of concepts set",
        y_label="class right",
        title="Concepts set by hand",
        caption="To their truth, and, as a control, to the model's own yes and no, written at the "
        "same values: what falls with the control is the values' doing, and not a leak that is "
        f"lost. Mean over {settings.orders} orders of groups.",
    )


def limits_of(found: Found, settings: LeakSettings) -> Limits:
    """Return what may not be concluded, and what was left out."""
    own, leak = found.examined, found.leak
    n = len(own.labels)
    items = [
        "The figure is what a classifier finds, which is no more than there is: the "
        f"{settings.estimator} one looks within equal concepts. A leak that it cannot see is none "
        "to it.",
        CAUTIONS[own.basis],
        "That a reading carries the class does not show that the class head uses it: see how "
        "twins are told and what becomes of answers.",
    ]
    num_unknown = int((~own.known).sum())
    counts = (
        (leak.num_alone, f"of {n:,} images have concepts that no other image has; they can show no "
        "leak, and count as showing none."),
        (leak.num_left_out, f"of {n:,} images are in groups that the estimator cannot take, and "
        "count as showing none."),
        (leak.num_constant, f"of {own.readings.shape[1]:,} readings are the same on all images, "
        "and were left out."),
        (own.num_constant, f"of {len(own.concepts):,} concepts are the same on all images; they "
        "tell nothing, and the measures of single concepts leave them out."),
        (num_unknown, f"of {own.known.size:,} labels of concepts are not known; they count as "
        "absent in what is given, and not in the share told right."),
    )  # fmt: skip
    items += [f"{count:,} {words}" for count, words in counts if count]
    if settings.split == "all":
        items.append("Images that the model may have learned from count too.")
    items += [f"Met in the data: {note}" for note in own.notes]
    return Limits(items=tuple(items))
