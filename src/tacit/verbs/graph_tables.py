"""An attribution graph as rows of tables: nodes, edges, what is drawn, and what was left out.

Axes: n nodes of the whole graph, p of the pruned one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor

from tacit.interventions.nodes_and_edges import AttributionGraph, Node
from tacit.metrics.influence import incoming_shares
from tacit.verbs.explained_prompt import ExplainedPrompt

MOST_CAUSES, MOST_LINES = 6, 32
"""Lines drawn into one node, and in all."""
LEAST_DRAWN = 0.02
"""Of what the largest edge carries, the least that a line is drawn for."""
TOKENS, NEXT = "tokens", "next token"
"""Places of embeddings and logits; between them stand the layers."""
KINDS = {"embedding": "tokens", "error": "errors", "feature": "features", "logit": "logits"}


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Graphed:
    """A graph, and what is left of it, with what it takes to put it into words."""

    subject: str
    prompt: ExplainedPrompt
    whole: AttributionGraph
    pruned: AttributionGraph
    node_share: float
    edge_share: float

    @cached_property
    def names(self) -> dict[Node, str]:
        """A short name of each node that stays, unlike any other's."""
        numbers = {each: number for number, each in enumerate(self.logits, start=1)}
        return {node: _name(node, numbers) for node in self.pruned.nodes}

    @cached_property
    def influence(self) -> Float[Tensor, " p"]:
        """Of each node that stays, in the whole graph."""
        return self.whole.influence[self._rows]

    @cached_property
    def shares(self) -> Float[Tensor, "p p"]:
        """Each edge's share of all that enters its target in the whole graph."""
        rows = self._rows
        shares = incoming_shares(self.whole.adjacency)[rows][:, rows]
        return shares * (self.pruned.adjacency != 0)

    @cached_property
    def carried(self) -> Float[Tensor, "p p"]:
        """The share of the logits' weight that goes through each edge."""
        reaching = self.influence + self.pruned.weights
        return self.shares * reaching[:, None]

    def label(self, node: Node) -> str:
        """Return the token that a node stands at, or the logit in words."""
        if node.kind == "logit":
            return self.prompt.words[self.logits.index(node)]
        return repr(node.text)

    @cached_property
    def logits(self) -> list[Node]:
        """Those that are explained, in the order of the prompt's."""
        return [node for node in self.pruned.nodes if node.kind == "logit"]

    @cached_property
    def _rows(self) -> list[int]:
        """Where the nodes that stay are in the whole graph."""
        places = {node: row for row, node in enumerate(self.whole.nodes)}
        return [places[node] for node in self.pruned.nodes]


def node_rows(found: Graphed) -> list[dict[str, Any]]:
    """Return the nodes that stay, the most influential first, logits at the end."""
    probability = dict(zip(found.logits, found.prompt.probabilities, strict=True))
    rows = [
        {
            "node": found.names[node],
            "kind": node.kind,
            "token": found.label(node),
            "position": node.position,
            "layer": node.layer,
            "feature": node.feature,
            "value": node.value,
            "probability": probability.get(node),
            "influence": influence,
        }
        for node, influence in zip(
            found.pruned.nodes, found.influence.tolist(), strict=True
        )
    ]
    return sorted(rows, key=lambda row: -row["influence"])


def edge_rows(found: Graphed) -> list[dict[str, Any]]:
    """Return the edges that stay, those first through which most of the weight goes."""
    names = list(found.names.values())
    targets, sources = found.pruned.adjacency.nonzero(as_tuple=True)
    order = found.carried[targets, sources].argsort(descending=True, stable=True)
    places = targets[order], sources[order]
    columns = (found.pruned.adjacency, found.shares, found.carried)
    numbers = (column[places].tolist() for column in columns)
    return [
        {
            "source": names[source],
            "target": names[target],
            "effect": effect,
            "share": share,
            "carried": carried,
        }
        for target, source, effect, share, carried in zip(
            *(place.tolist() for place in places), *numbers, strict=True
        )
    ]


def drawn_rows(found: Graphed) -> list[dict[str, Any]]:
    """Return the logits and the lines that are drawn, each after the node that it leads to.

    From the logits backwards: the edge through which most goes into a node drawn already is the
    next, until there are ``MOST_LINES`` or only less than ``LEAST_DRAWN`` is left.
    """
    nodes, carried = found.pruned.nodes, found.carried.clone()
    least = LEAST_DRAWN * float(carried.max())
    full = torch.tensor([node.kind != "logit" for node in nodes])
    rows = [_drawn(found, node, None, None) for node in nodes if node.kind == "logit"]
    entering: Counter[int] = Counter()
    for _ in range(MOST_LINES):
        left = carried.masked_fill(full[:, None], 0)
        target, source = divmod(int(left.argmax()), len(nodes))
        if left[target, source] <= 0 or left[target, source] < least:
            break
        sign = 1 if found.pruned.adjacency[target, source] > 0 else -1
        value = sign * float(left[target, source])
        rows.append(_drawn(found, nodes[source], nodes[target], value))
        carried[target, source] = 0
        entering[target] += 1
        full[target] = entering[target] == MOST_CAUSES
        full[source] = entering[source] == MOST_CAUSES  # it may have been drawn before
    return rows


def places_of(rows: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """Return the places where a drawn node stands, as the model computes."""
    return tuple(sorted({row["place"] for row in rows}, key=_depth))


def count_rows(found: Graphed, drawn: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what became of all active features and other nodes, and of the edges."""
    whole = Counter(node.kind for node in found.whole.nodes)
    kept = Counter(node.kind for node in found.pruned.nodes)
    names = {name: node.kind for node, name in found.names.items()}
    shown = Counter(names[name] for name in {row["node"] for row in drawn})
    rows = [
        {
            "what": words,
            "folded": found.whole.num_folded if kind == "feature" else 0,
            "pruned": whole[kind] - kept[kind],
            "kept": kept[kind],
            "drawn": shown[kind],
        }
        for kind, words in KINDS.items()
    ]
    edges = {
        "what": "edges",
        "folded": None,
        "pruned": found.pruned.left_out.get("edges", 0),
        "kept": int(found.pruned.adjacency.count_nonzero()),
        "drawn": sum(row["parent"] is not None for row in drawn),
    }
    return [*rows, edges]


def _name(node: Node, logits: dict[Node, int]) -> str:
    match node.kind:
        case "embedding":
            return f"token {node.position}"
        case "error":
            return f"error {node.layer} at {node.position}"
        case "feature":
            return f"{node.layer}/{node.feature} at {node.position}"
        case "logit":
            return f"logit {logits[node]}"


def _drawn(
    found: Graphed, node: Node, target: Node | None, value: float | None
) -> dict[str, Any]:
    ends = {"embedding": TOKENS, "logit": NEXT}
    return {
        "node": found.names[node],
        "parent": None if target is None else found.names[target],
        "place": ends.get(node.kind, f"layer {node.layer}"),
        "label": found.label(node),
        "value": value,
        "low": None,
        "high": None,
    }


def _depth(place: str) -> float:
    ends = {TOKENS: -1.0, NEXT: float("inf")}
    return ends[place] if place in ends else float(place.removeprefix("layer "))
