"""What stands on the study's pages: words, charts and tables over the tables of a run."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tacit.base.pages import Limits, Opening, Plot, Table
from tacit.studies.small_transformers.examples import MOST_COMMON, NUM_EXAMPLES
from tacit.studies.small_transformers.settings import SmallSettings
from tacit.studies.small_transformers.subjects import HeldOutLoss

CURVES = "artifacts/curves.parquet"
SIZE = "atoms / width of the rows"


def opening(settings: SmallSettings) -> Opening:
    """Return what was studied, and how."""
    subject = settings.subject
    widths = " and ".join(map(str, subject.widths))
    priced = (
        "on rows centred and scaled to a mean squared length of 1"
        if settings.scaled
        else "on raw rows"
    )
    return Opening(
        title="Do dictionaries of different sizes find the same directions?",
        setting=(
            f"GPT-NeoX transformers of width {widths} ({subject.num_layers} layers, "
            f"{subject.num_heads} heads, {subject.vocabulary:,} tokens), {len(settings.seeds)} of "
            f"each, trained on {settings.source} for {subject.steps:,} steps of "
            f"{subject.batch_contexts} windows of {subject.context_tokens} tokens. The MLP of "
            f"layer {settings.layer} was read after its non-linearity, over "
            f"{settings.tokens:,} tokens; ReLU dictionaries of {settings.ratios[0]} to "
            f"{settings.ratios[-1]} times its width were fitted to one stream, "
            f"{settings.steps:,} steps of {settings.batch:,} rows, at a learning rate of "
            f"{settings.learning_rate:g} and a penalty of {settings.penalty:g} {priced}.\n\n"
            "An atom is shared if its partner in the next larger dictionary, one to one, has a "
            "cosine above .9. Every dictionary began from directions of its own."
        ),
    )


def losses() -> Table:
    """Return the transformers with their held-out losses."""
    return Table(
        table="artifacts/losses.parquet",
        columns=(
            ("transformer", "transformer"),
            ("parameters", "parameters"),
            ("nats", "held-out nats a token"),
            ("interval", "95 % interval"),
            ("stated", "to be reached"),
            ("trigram", "3-gram"),
            ("unigram", "frequencies"),
        ),
        title="The transformers",
        caption="Held-out loss over documents that were not trained on, beside a Witten-Bell "
        "3-gram and token frequencies over the same tokens.",
    )


def _curve(y: str, label: str, title: str, caption: str) -> Plot:
    return Plot(
        table=CURVES,
        kind="line",
        x="ratio",
        y=y,
        low=f"{y}_low",
        high=f"{y}_high",
        group="fit",
        log_x=True,
        x_label=SIZE,
        y_label=label,
        title=title,
        caption=caption,
    )


def curves() -> tuple[Plot, ...]:
    """Return how dictionaries change with their size, in transformers and controls."""
    return (
        _curve(
            "shared",
            "shared atoms / dimensions",
            "Directions that two sizes agree on",
            "Atoms matched above .9 with the next larger dictionary, over the width of the rows: "
            "above 1, more directions than dimensions. Token embeddings are as wide as the "
            "residual stream, the others four times that.",
        ),
        _curve(
            "matched",
            "mean matched cosine",
            "Similarity with the next larger dictionary",
            "Mean one-to-one cosine of all atoms, shared or not.",
        ),
        _curve("fvu", "FVU", "Variance unexplained", "On held-out rows."),
        _curve("l0", "L0", "Active atoms a row", "At one penalty for all sizes."),
    )


def histogram() -> Plot:
    """Return how matched cosines are spread."""
    return Plot(
        table="artifacts/cosines.parquet",
        kind="histogram",
        x="cosine",
        group="fit",
        x_label="cosine with the partner in the next larger dictionary",
        y_label="atoms",
        title="Cosines at the size with most shared atoms",
        caption="All transformers together; controls at their nearest size.",
    )


def agreement() -> Plot:
    """Return how alike dictionaries of one size are."""
    return Plot(
        table="artifacts/agreement.parquet",
        kind="line",
        x="ratio",
        y="cosine",
        low="low",
        high="high",
        group="pair",
        log_x=True,
        x_label=SIZE,
        y_label="mean matched cosine",
        title="Two dictionaries of one size",
        caption="Matched one to one: two starts on one stream, and one start on two halves of the "
        "documents.",
    )


def examples() -> Table:
    """Return features with what activates them."""
    return Table(
        table="artifacts/examples.parquet",
        columns=(
            ("transformer", "width, seed"),
            ("feature", "feature"),
            ("label", "label"),
            ("label_share", "share with it"),
            ("token", "token"),
            ("token_share", "share"),
            ("shown", "strongest contexts"),
        ),
        title="Strongest contexts of shared features, drawn at random",
        caption=f"The {NUM_EXAMPLES} contexts that activate a feature most, one a window of text: "
        f"the label that most have (of those on at most {MOST_COMMON:.0%} of tokens), the "
        "commonest token, and three of the contexts with the token in brackets.",
    )


def limits(settings: SmallSettings, losses: Sequence[HeldOutLoss]) -> Limits:
    """Return what may not be concluded."""
    items = [
        "Models of this size show a mechanism: nothing here is a claim about large models.",
        "Agreement between dictionaries is no proof of truth: read it beside the controls.",
        "Halves of the documents hold half of the data each, read twice as often.",
    ]
    missed = [
        f"width {each.width}, seed {each.seed}"
        for each in losses
        if each.nats > (settings.stated(each.width) or math.inf)
    ]
    if missed:
        items.append(f"Held-out loss is above what was stated for {', '.join(missed)}.")
    return Limits(items=tuple(items))
