"""The page of causal trees: what a feature rests on, trained and with random weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tacit.base.pages import Plot, Table, Text, Tree
from tacit.studies.interpretable_directions.tracing import Trace

Rows = list[dict[str, Any]]
THRESHOLD = 0.01
"""Share of the activation below which no edge is drawn, as ``causal_tree`` has it."""


def traced_pages(
    traced: Sequence[Trace],
) -> tuple[Mapping[str, Rows], tuple[Text | Plot | Table | Tree, ...]]:
    """Return the tables that are drawn, by name, and the blocks that draw them."""
    tables: dict[str, Rows] = {"rests": _rest_rows(traced)}
    blocks: list[Text | Plot | Table | Tree] = []
    for arm in dict.fromkeys(each.arm for each in traced):
        first = next(each for each in traced if each.arm == arm)
        own = [
            each
            for each in traced
            if (each.arm, each.subject, each.seed) == (arm, first.subject, first.seed)
        ]
        tables[f"tree_{arm}"] = [_drawn(each) for each in own]
        blocks.append(_tree(arm, first, own))
    return tables, (*blocks, _table())


def _drawn(trace: Trace) -> dict[str, Any]:
    """Return an edge as the tree draws it; a node says on which token it mostly stands."""
    return {
        "node": trace.node,
        "parent": trace.parent,
        "site": trace.site,
        "words": f"{trace.stands_on!r} {trace.stands_share:.0%}",
        "share": trace.share,
        "low": trace.low,
        "high": trace.high,
    }


def _tree(arm: str, first: Trace, own: Sequence[Trace]) -> Tree:
    places = sorted({each.site for each in own})
    return Tree(
        table=f"artifacts/tree_{arm}.parquet",
        node="node",
        parent="parent",
        place="site",
        places=tuple(places),
        label="words",
        value="share",
        low="low",
        high="high",
        value_label="share of the activation lost",
        threshold=THRESHOLD,
        title=f"What the feature for {first.label} rests on: {arm}",
        caption=f"{first.subject}, seed {first.seed}: the feature with the best F1 for the label "
        f"({first.f1:.2f}), and what its activation loses when features of the layer before are "
        "ablated one by one. The words are the token on which a feature mostly stands.",
    )


def _rest_rows(traced: Sequence[Trace]) -> Rows:
    """Return what each tree's root loses, a row a tree."""
    rows: Rows = []
    for root in (each for each in traced if each.parent is None):
        key = (root.arm, root.subject, root.seed)
        own = [each for each in traced if (each.arm, each.subject, each.seed) == key]
        rows.append(
            {
                "arm": root.arm,
                "subject": root.subject,
                "seed": root.seed,
                "f1": root.f1,
                "joint": root.joint,
                "total": root.total,
                "control": root.control,
                "rank_correlation": root.rank_correlation,
                "edges": len(own) - 1,
            }
        )
    return rows


def _table() -> Table:
    return Table(
        table="artifacts/rests.parquet",
        columns=(
            ("arm", "weights"),
            ("subject", "subject"),
            ("seed", "seed"),
            ("f1", "F1"),
            ("joint", "lost without all causes"),
            ("total", "sum of each alone"),
            ("control", "without as many others"),
            ("rank_correlation", "attribution and ablation"),
            ("edges", "edges"),
        ),
        title="Edges checked by ablating them together",
        caption="Shares of the root's activation. A tree as strong on random weights says that "
        "the ablation works, not that the subject has learned a circuit.",
    )
