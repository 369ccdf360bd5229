"""The pages of an attribution graph: its scores, its main ways, and what it does not say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tacit.base.pages import Headline, Limits, Opening, Page, Table, Tree
from tacit.verbs.cards import write_table
from tacit.verbs.graph_tables import (
    LEAST_DRAWN,
    MOST_CAUSES,
    Graphed,
    count_rows,
    drawn_rows,
    edge_rows,
    node_rows,
    places_of,
)

NODES, EDGES, DRAWN, STRONGEST, COUNTS = (
    f"artifacts/{name}.parquet"
    for name in ("nodes", "edges", "drawn", "strongest", "counts")
)
MOST_SHOWN = 30
"""Nodes of the table on the page; the file beside it has them all."""


def pages_of(found: Graphed, folder: Path) -> list[Page]:
    """Write the tables of the run ``folder`` and return the pages that draw them."""
    (folder / "artifacts").mkdir(exist_ok=True)
    nodes, drawn = node_rows(found), drawn_rows(found)
    strongest = [row for row in nodes if row["kind"] != "logit"][:MOST_SHOWN]
    write_table(folder / NODES, nodes)
    write_table(folder / EDGES, edge_rows(found))
    write_table(folder / DRAWN, drawn)
    write_table(folder / STRONGEST, strongest)
    write_table(folder / COUNTS, count_rows(found, drawn))
    return [
        Page(
            title="At a glance",
            blocks=(_opening(found), _headline(), _tree(found, drawn)),
        ),
        Page(
            title="The nodes",
            blocks=(_strongest(len(nodes)), _counts(found), _limits(found)),
        ),
    ]


def _opening(found: Graphed) -> Opening:
    prompt = found.prompt
    explained = ", ".join(
        f"{words} (probability {probability:.3g})"
        for words, probability in zip(prompt.words, prompt.probabilities, strict=True)
    )
    less = (
        "" if prompt.logits[0].other is not None else ", less the mean over the vocabulary"
    )
    return Opening(
        title=f"Through which features {found.subject} comes to its next token",
        setting=f"The prompt: {prompt.text!r}{', after BOS' if prompt.opened else ''}; "
        f"{len(prompt.ids)} tokens. Explained by logits{less}: {explained}.\n\n"
        "Transcoders stand in for the MLPs. With attention patterns and the scales of norms held "
        "as they are on the prompt, every feature and logit is a sum of effects: of the tokens' "
        "embeddings, of features of earlier layers, and of errors, which are what the transcoders "
        "miss. An influence is the share of the logits' weight that reaches a node, over all "
        f"ways.\n\nPruned to the fewest nodes that carry {found.node_share:g} of the influence, "
        f"and of their edges the fewest that carry {found.edge_share:g}.",
    )


def _headline() -> Headline:
    return Headline(
        results=(
            {
                "result": 0,
                "label": "completeness",
                "meaning": "Of all that enters nodes, by their influence, the share that comes "
                "from tokens and features and not from errors. Before pruning.",
            },
            {
                "result": 1,
                "label": "replacement",
                "meaning": "Of what reaches the logits from the start of all ways, the share that "
                "comes from tokens and not from errors. Before pruning.",
            },
        )
    )


def _tree(found: Graphed, drawn: list[dict[str, Any]]) -> Tree:
    values = [abs(row["value"]) for row in drawn if row["value"] is not None]
    return Tree(
        table=DRAWN,
        node="node",
        parent="parent",
        place="place",
        places=places_of(drawn),
        label="label",
        value="value",
        low="low",
        high="high",
        value_label="share of the logits' weight that goes through it",
        threshold=min(values, default=0.0),
        title="The main ways from the prompt to the next token",
        caption="From left to right as the model computes. In a box: layer, number and position of "
        "a feature, and the token there; an error is what that layer's transcoder misses. Drawn "
        "from the logits backwards, always the line next through which most goes, at most "
        f"{MOST_CAUSES} into one node and none below {LEAST_DRAWN:g} of the largest: "
        f"{len(values)} of {int(found.pruned.adjacency.count_nonzero()):,} edges of the pruned "
        "graph. Negative: the one lowers the other.",
    )


def _strongest(num_nodes: int) -> Table:
    return Table(
        table=STRONGEST,
        columns=(
            ("node", "node"),
            ("kind", "kind"),
            ("token", "at the token"),
            ("position", "position"),
            ("layer", "layer"),
            ("feature", "feature"),
            ("value", "activation"),
            ("influence", "influence"),
        ),
        title="The most influential nodes",
        caption=f"At most {MOST_SHOWN} of the pruned graph's {num_nodes:,}; all of them are in "
        f"{NODES}, and the edges in {EDGES}. Influence is that in the whole graph. Embeddings and "
        "errors are vectors and have no activation.",
    )


def _counts(found: Graphed) -> Table:
    return Table(
        table=COUNTS,
        columns=(
            ("what", "what"),
            ("folded", "folded"),
            ("pruned", "pruned"),
            ("kept", "kept"),
            ("drawn", "drawn"),
        ),
        title="What became of all that is active",
        caption="Folded: features that did not become nodes, whose effects count with the error "
        f"of their MLP{'' if found.whole.num_folded else ' (here none)'}.",
    )


def _limits(found: Graphed) -> Limits:
    whole = found.whole
    in_errors = float(whole.influence[whole.of_kind("error")].sum())
    bare = ", ".join(map(str, whole.bare_layers))
    at_bos = "The prompt opens with BOS, which fits leave out: expect errors there."
    return Limits(
        items=(
            "Attention patterns were held as they are on this prompt: why a head looks where it "
            "looks is no part of the graph.",
            f"Errors have no causes here. Over all ways they have an influence of {in_errors:.2g} "
            "together, and what leads to them is not told.",
            *(
                (f"No transcoder was given for layers {bare}: all is error there.",)
                * bool(bare)
            ),
            "This is one prompt. A feature need not mean elsewhere what it seems to mean here.",
            "Influence counts sizes, so effects that cancel count fully; and nothing was changed "
            "in the model to see what follows. Ablate or patch what matters before you rely on it.",
            "The scores alone do not tell a circuit that was learned: they say how much goes "
            "through features, and no model of random weights was looked at beside this one.",
            *((at_bos,) if found.prompt.opened else ()),
            "What was pruned is small one by one; together it may not be.",
        )
    )
