"""The pages of single dictionaries and features: reconstruction in place, and the apostrophe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tacit.base.pages import Plot, Table
from tacit.studies.interpretable_directions.apostrophe import Word
from tacit.studies.interpretable_directions.figures import perplexity
from tacit.studies.interpretable_directions.substituting import Substituted

Rows = list[dict[str, Any]]
Part = tuple[Mapping[str, Rows], tuple[Plot | Table, ...]]
"""Tables by name, and the blocks that draw them."""


def in_place_pages(substituted: Sequence[Substituted]) -> Part:
    """Return the table of every basis in place of the site, and what draws it."""
    return {"in_place": _in_place_rows(substituted)}, _in_place_blocks()


def case_pages(words: Sequence[Word]) -> Part:
    """Return the tables of the apostrophe, and what draws them."""
    return {"tenths": _tenth_rows(words), "cases": _case_rows(words)}, _case_blocks()


def _in_place_rows(substituted: Sequence[Substituted]) -> Rows:
    """Return each basis's means over subjects and seeds."""
    rows: Rows = []
    for basis in dict.fromkeys(each.basis for each in substituted):
        own = [each for each in substituted if each.basis == basis]
        rows.append(
            {
                "basis": basis,
                "kind": basis.partition(",")[0].partition("_")[0],
                "runs": len(own),
                "atoms": own[0].atoms,
                **{
                    key: sum(getattr(each, key) for each in own) / len(own)
                    for key in ("l0", "fvu", "live", "clean", "loss")
                },
                "perplexity": sum(map(perplexity, own)) / len(own),
                "added": sum(each.loss - each.clean for each in own) / len(own),
            }
        )
    return rows


def _in_place_blocks() -> tuple[Plot | Table, ...]:
    """Return the cost of every basis against what it spends."""
    plot = Plot(
        table="artifacts/in_place.parquet",
        kind="scatter",
        x="l0",
        y="added",
        group="kind",
        x_label="L0",
        y_label="nats a token more",
        log_x=True,
        title="Loss with the reconstruction in place against L0",
        caption="A point for each basis, mean over its subjects and seeds; the same penalty buys "
        "a different L0 from each method.",
    )
    table = Table(
        table="artifacts/in_place.parquet",
        columns=(
            ("basis", "basis"),
            ("runs", "runs"),
            ("atoms", "atoms"),
            ("l0", "L0"),
            ("fvu", "FVU"),
            ("live", "live"),
            ("loss", "loss, nats a token"),
            ("perplexity", "perplexity over the subject's"),
        ),
        title="Every basis in place of the site",
        caption="Held-out text. Live: the share of atoms that fire more than ten times in 50,000 "
        "rows of training text, or in all there are.",
    )
    return plot, table


def _tenth_rows(words: Sequence[Word]) -> Rows:
    """Return how often the apostrophe and all else stand in each tenth of activation."""
    rows: Rows = []
    for arm in dict.fromkeys(each.arm for each in words):
        own = [each for each in words if each.arm == arm]
        for tenth in range(len(own[0].word)):
            inside, outside = (
                sum(getattr(each, key)[tenth] for each in own) for key in ("word", "others")
            )
            if inside + outside:
                share = inside / (inside + outside)
                rows.append({"arm": arm, "tenth": (tenth + 0.5) / 10, "share": share})
    return rows


def _case_rows(words: Sequence[Word]) -> Rows:
    """Return each arm's means over subjects and seeds."""
    rows: Rows = []
    for arm in dict.fromkeys(each.arm for each in words):
        own = [each for each in words if each.arm == arm]
        row: dict[str, Any] = {"arm": arm, "runs": len(own)}
        for key in ("f1", "purity", "positions", "follows", "other_rise"):
            known = [value for each in own if (value := getattr(each, key)) is not None]
            row[key] = sum(known) / len(known) if known else None
            row[f"{key}_runs"] = len(known)
        rows.append(row)
    return rows


def _case_blocks() -> tuple[Plot | Table, ...]:
    """Return the apostrophe's feature beside neurons and random weights."""
    plot = Plot(
        table="artifacts/tenths.parquet",
        kind="line",
        x="tenth",
        y="share",
        group="arm",
        x_label="activation, as a share of the largest",
        y_label="share that is an apostrophe",
        title="What stands where the feature is active",
        caption="Held-out positions of all subjects and seeds, by tenths of each one's range; a "
        "tenth that is empty has no point.",
    )
    table = Table(
        table="artifacts/cases.parquet",
        columns=(
            ("arm", "feature"),
            ("runs", "runs"),
            ("f1", "F1 in training text"),
            ("purity", "purity"),
            ("purity_runs", "runs with one"),
            ("positions", "positions"),
            ("follows", "rise before s, nats"),
            ("other_rise", "rise elsewhere"),
        ),
        title="The apostrophe",
        caption="Chosen in training text by F1; the nearest neuron is where the feature's "
        "direction is largest. Rise: of the next token's loss when the feature is ablated.",
    )
    return plot, table
