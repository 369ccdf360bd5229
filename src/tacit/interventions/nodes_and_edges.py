"""An attribution graph: its nodes, their direct effects on each other, and what may be pruned.

Axes: n nodes. Nodes stand so that each comes after all that it depends on: embeddings, errors,
features by layer, logits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from tacit.base.errors import UserError
from tacit.base.records import Gap, Result
from tacit.metrics.catalogue import METRICS
from tacit.metrics.influence import (
    graph_completeness,
    graph_replacement,
    incoming_shares,
    node_influence,
)

Kind = Literal["embedding", "error", "feature", "logit"]


@final
@dataclass(frozen=True, kw_only=True)
class Node:
    """One node of a graph."""

    kind: Kind
    position: int
    """Of the token in the prompt; a logit stands at the last."""
    text: str
    """That token; of a logit the token that may follow, and that whose logit is taken off."""
    token: int | None = None
    """Id of an embedding's or a logit's token."""
    layer: int | None = None
    """Of an error or a feature."""
    feature: int | None = None
    """Atom of the layer's transcoder."""
    value: float | None = None
    """A feature's activation, or the logit; an embedding and an error are vectors."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class AttributionGraph:
    """What adds how much to what on one prompt. Made by ``attribution_graph``."""

    nodes: tuple[Node, ...] = field(repr=False)
    adjacency: Float[Tensor, "n n"] = field(repr=False)
    """Direct effect of each node (column) on each feature's pre-activation or logit (row)."""
    constants: Float[Tensor, " n"] = field(repr=False)
    """What biases add. Of a graph not pruned, a row's sum and this are the node's value."""
    weights: Float[Tensor, " n"] = field(repr=False)
    """Of the logits, by the probability of their tokens, in all 1; of other nodes 0."""
    num_folded: int
    """Active features that are no nodes: their effects count with the error of their MLP."""
    bare_layers: tuple[int, ...]
    """Layers without a transcoder, whose MLPs are all error."""
    left_out: Mapping[str, int] = field(default_factory=dict[str, int])
    """How many nodes of each kind, and ``edges``, pruning took away."""

    def of_kind(self, *kinds: Kind) -> Bool[Tensor, " n"]:
        """Return which nodes are of these kinds."""
        return torch.tensor([node.kind in kinds for node in self.nodes])

    @cached_property
    def influence(self) -> Float[Tensor, " n"]:
        """Share of the logits' weight that reaches each node: ``metrics.influence``."""
        return node_influence(self.adjacency, self.weights)

    def completeness(self) -> float:
        """Return ``graph_completeness``; take it before pruning, which takes errors away."""
        return graph_completeness(self.adjacency, self.weights, self.of_kind("error"))

    def replacement(self) -> float:
        """Return ``graph_replacement``; take it before pruning, which takes errors away."""
        errors, tokens = self.of_kind("error"), self.of_kind("embedding")
        return graph_replacement(self.adjacency, self.weights, errors, tokens)

    def records(self, **of: str | int | float) -> list[Result | Gap]:
        """Return both scores as results, or as gaps where the logits depend on nothing."""
        found: list[Result | Gap] = []
        for name, score in (
            ("graph_completeness", self.completeness),
            ("graph_replacement", self.replacement),
        ):
            try:
                value = score()
            except UserError as error:
                found.append(Gap(name=name, reason=str(error), of=of))
                continue
            row = METRICS[name]
            told = {"unit": row.unit, "better": row.direction, "n": 1, "interval": None}
            found.append(Result(name=name, value=value, of=of, **told))
        return found

    def pruned(
        self, *, node_share: float = 0.8, edge_share: float = 0.98
    ) -> AttributionGraph:
        """Return the fewest nodes, then edges, that carry these shares of the influence.

        Embeddings and logits stay. An edge carries its share of what enters its target, times
        what reaches the target in the graph of the nodes that stay. Features and errors that end
        up on no way to a logit, and features without cause, go too. Ameisen et al. 2025.
        """
        for name, share in (("node_share", node_share), ("edge_share", edge_share)):
            if not 0 < share <= 1:
                raise UserError(f"{name} is {share}; give a share above 0, at most 1.")
        always = self.of_kind("embedding", "logit")
        kept = _carrying(self.influence, node_share) | always
        adjacency = self.adjacency * kept * kept[:, None]
        reaching = node_influence(adjacency, self.weights) + self.weights
        carried = incoming_shares(adjacency) * reaching[:, None]
        adjacency = adjacency * _carrying(carried.flatten(), edge_share).view_as(adjacency)
        while True:
            has_effect, has_cause = adjacency.any(dim=0), adjacency.any(dim=1)
            still = kept & (always | has_effect & (has_cause | self.of_kind("error")))
            if torch.equal(still, kept):
                break
            kept = still
            adjacency = adjacency * kept * kept[:, None]
        return self._some(kept, adjacency)

    def _some(
        self, kept: Bool[Tensor, " n"], adjacency: Float[Tensor, "n n"]
    ) -> AttributionGraph:
        gone = Counter(self.left_out)
        gone += Counter(
            node.kind for node, stays in zip(self.nodes, kept, strict=True) if not stays
        )
        gone["edges"] += int(self.adjacency.count_nonzero() - adjacency.count_nonzero())
        return replace(
            self,
            nodes=tuple(
                node for node, stays in zip(self.nodes, kept, strict=True) if stays
            ),
            adjacency=adjacency[kept][:, kept],
            constants=self.constants[kept],
            weights=self.weights[kept],
            left_out=dict(gone),
        )

    def node_rows(self) -> list[dict[str, Any]]:
        """Return the nodes as plain rows, in their order, with the influence of each."""
        return [
            {"node": number, **vars(node), "influence": influence}
            for number, (node, influence) in enumerate(
                zip(self.nodes, self.influence.tolist(), strict=True)
            )
        ]

    def edge_rows(self) -> list[dict[str, Any]]:
        """Return the edges as plain rows of node numbers and the effect, the largest first."""
        targets, sources = self.adjacency.nonzero(as_tuple=True)
        effects = self.adjacency[targets, sources]
        order = effects.abs().argsort(descending=True, stable=True)
        columns = (
            sources[order].tolist(),
            targets[order].tolist(),
            effects[order].tolist(),
        )
        return [
            {"source": source, "target": target, "effect": effect}
            for source, target, effect in zip(*columns, strict=True)
        ]


def _carrying(scores: Float[Tensor, " m"], share: float) -> Bool[Tensor, " m"]:
    """Return the fewest entries, the largest first, whose sum is at least a share of all."""
    ordered, order = scores.sort(descending=True, stable=True)
    before = ordered.cumsum(dim=0) - ordered
    kept = torch.zeros(len(scores), dtype=torch.bool)
    kept[order] = (before < share * ordered.sum()) & (ordered > 0)
    return kept
