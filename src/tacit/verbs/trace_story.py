"""The pages of a trace: the tree, how far its edges can be trusted, and what it does not say."""

from __future__ import annotations

from pathlib import Path

from tacit.base.pages import Headline, Limits, Opening, Page, Table, Tree
from tacit.verbs.cards import write_table
from tacit.verbs.trace_tables import Traced, check_rows, node_rows, tree_rows

TREE, CHECKS, NODES = (f"artifacts/{name}.parquet" for name in ("tree", "checks", "nodes"))


def pages_of(found: Traced, folder: Path) -> list[Page]:
    """Write the tables of the run ``folder`` and return the pages that draw them."""
    (folder / "artifacts").mkdir(exist_ok=True)
    write_table(folder / TREE, tree_rows(found))
    write_table(folder / CHECKS, check_rows(found))
    write_table(folder / NODES, node_rows(found))
    return [
        Page(title="At a glance", blocks=(_opening(found), _headline(), _drawn(found))),
        Page(
            title="How far the edges can be trusted",
            blocks=(_checked(), _nodes(), _limits(found)),
        ),
    ]


def _opening(found: Traced) -> Opening:
    tree, root = found.tree, found.tree.root
    growth, below = tree.growth, tree.sites[:-1][::-1]
    ranked = (
        "every feature active there was ablated"
        if growth.by == "ablation"
        else "those that the gradient ranks first were ablated"
    )
    left_out = found.windows.num_left_out
    return Opening(
        title=f"What feature {root.feature} of {root.site} rests on in {found.subject.name}",
        setting=f"The feature was looked at in {len(root.contexts.position)} contexts of "
        f"{found.text}, held out from the dictionaries, in which its activation is at least half "
        f"of its largest. Of the site before it, {ranked}, one by one, at every position of the "
        "context; what the dictionary misses was left as it was. The features that take most of "
        "the activation with them were then looked at in the same way, in contexts of their own, "
        f"down to {below[-1]}.\n\n"
        f"Contexts: {growth.contexts} asked for. Causes of one feature: at most {growth.children}, "
        f"each with at least {growth.smallest} of the activation. Seed {growth.seed}. "
        f"{len(found.windows.ids):,} windows were read"
        f"{f', {left_out:,} left out by a limit' if left_out else ''}.",
    )


def _headline() -> Headline:
    return Headline(
        results=(
            {
                "result": 0,
                "label": "lost without its causes",
                "meaning": "Share of the feature's activation that goes when all that are drawn "
                "beside it are ablated at once.",
            },
            {
                "result": 1,
                "label": "lost without as many others",
                "meaning": "The same with others that are active in the same contexts, drawn at "
                "random: what must be beaten.",
            },
        )
    )


def _drawn(found: Traced) -> Tree:
    return Tree(
        table=TREE,
        node="node",
        parent="parent",
        place="site",
        places=found.tree.sites,
        label="label",
        value="share",
        low="low",
        high="high",
        value_label="share of the activation that goes when the cause is ablated",
        threshold=found.tree.growth.smallest,
        title="Causes of the feature, and theirs",
        caption="From left to right as the model computes. In a box: site and feature, and the "
        "token it stands on most often in its contexts. A feature on which several rest "
        "stands there once. Intervals, over documents, are in the table.",
    )


def _checked() -> Table:
    return Table(
        table=CHECKS,
        columns=(
            ("node", "feature"),
            ("causes", "causes"),
            ("joint", "lost without all"),
            ("sum", "sum of each alone"),
            ("control", "lost without others"),
            ("candidates", "candidates"),
            ("not_ablated", "not ablated"),
            ("below", "too small"),
            ("raising", "of these raising it"),
            ("beyond", "large enough, not drawn"),
            ("rank_correlation", "attribution's rank correlation"),
        ),
        title="Edges together, and what is left out",
        caption="Shares of the activation. A sum above what is lost together: each of them would "
        "do. Below: it takes several. Others: as many as are active in a context, drawn there.",
    )


def _nodes() -> Table:
    return Table(
        table=NODES,
        columns=(
            ("node", "feature"),
            ("label", "stands on"),
            ("example", "an example ends there"),
            ("largest", "largest activation"),
            ("contexts", "contexts"),
            ("asked", "asked for"),
            ("eligible", "of"),
            ("documents", "documents"),
        ),
        title="Every feature of the tree",
        caption="Contexts are drawn from the positions of at least half the largest activation.",
    )


def _limits(found: Traced) -> Limits:
    hard = (
        "Only what the gradient ranks first was ablated: where attention is all but hard, it "
        "misses what decides where a head looks."
    )
    return Limits(
        items=(
            *((hard,) if found.tree.growth.by == "attribution" else ()),
            "The causes with the largest drops were chosen and measured on the same contexts, so "
            "the largest of many is flattered.",
            "A cause that only acts where the feature is weakly active is not seen.",
            "Between two sites lie attention and MLPs; an edge does not say which of them it is.",
            "The residual stream carries a direction on: a cause may be the same feature, one site "
            "earlier.",
            f"Dictionaries of {', '.join(found.tree.sites)} name the features; what they miss "
            "can be no cause here.",
        )
    )
