"""What of a graph's logits goes back to which node, and how much of it to nodes that are errors.

An adjacency holds the direct effect of each node (column) on each other (row); every node comes
after those that it depends on. Axes: n nodes.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from tacit.base.errors import UserError


def incoming_shares(adjacency: Float[Tensor, "n n"]) -> Float[Tensor, "n n"]:
    """Return A: every effect's size over that of all effects on its target; rows sum to 1 or 0."""
    size = adjacency.double().abs()
    total = size.sum(dim=1, keepdim=True)
    return size / torch.where(total > 0, total, 1)


def node_influence(
    adjacency: Float[Tensor, "n n"], weights: Float[Tensor, " n"]
) -> Float[Tensor, " n"]:
    """Return ``w ((I - A)^-1 - I)``: the weight that reaches each node over paths of any length.

    A: ``incoming_shares``; w: the ``weights`` of the nodes to be explained, 0 elsewhere. Range: 0
    to the sum of the weights. Caution: of sizes, so effects that cancel count fully.
    Source: Ameisen et al. 2025, "Circuit Tracing", transformer-circuits.pub.

    Raises:
        UserError: where a node depends on itself or on a later one.
    """
    if adjacency.triu().any():
        raise UserError(
            "a node of this graph depends on itself or on a later one; order the nodes so that "
            "each comes after all that it depends on."
        )
    shares = incoming_shares(adjacency)
    # Solving takes the diagonal for ones and the other triangle for zeros: it is I - A.
    solve = cast(Any, torch.linalg).solve_triangular
    weights = weights.double()
    reached: Tensor = solve(-shares.T, weights[:, None], upper=True, unitriangular=True)
    return reached[:, 0] - weights


def graph_completeness(
    adjacency: Float[Tensor, "n n"],
    weights: Float[Tensor, " n"],
    is_error: Bool[Tensor, " n"],
) -> float:
    """Return ``sum_i s_i (1 - e_i) / sum_i s_i``, over nodes i that anything has an effect on.

    s_i: the node's weight plus its influence; e_i: the share of its incoming effects that comes
    from errors. Range: 0 (all from errors) to 1 (none); higher is better. Caution: a node that is
    half explained counts half, however wrong the rest may be: see ``graph_replacement``.
    Source: Ameisen et al. 2025, "Circuit Tracing"; their published code also counts the nodes
    that nothing has an effect on, as complete, which raises the number.

    Raises:
        UserError: where nothing has an effect on a weighted node.
    """
    shares = incoming_shares(adjacency)
    reached = node_influence(adjacency, weights) + weights
    explained = reached * shares.any(dim=1)
    _check_reached(explained)
    from_errors = shares[:, is_error].sum(dim=1)
    share = (explained * (1 - from_errors)).sum() / explained.sum()
    return min(max(float(share), 0.0), 1.0)


def graph_replacement(
    adjacency: Float[Tensor, "n n"],
    weights: Float[Tensor, " n"],
    is_error: Bool[Tensor, " n"],
    is_token: Bool[Tensor, " n"],
) -> float:
    """Return the tokens' influence over that of tokens and errors: how far back all is explained.

    Range: 0 to 1, higher is better. Caution: falls with depth, as every node on the way passes on
    its errors' share; a graph whose logits depend on the last token alone scores 1.
    Source: Ameisen et al. 2025, "Circuit Tracing".

    Raises:
        UserError: where nothing has an effect on a weighted node.
    """
    influence = node_influence(adjacency, weights)
    tokens, errors = influence[is_token].sum(), influence[is_error].sum()
    _check_reached(tokens + errors)
    return float(tokens / (tokens + errors))


def _check_reached(amount: Tensor) -> None:
    if not amount.sum() > 0:
        raise UserError(
            "nothing in this graph has an effect on its logits, so no share of it can be told; "
            "give logits that depend on the prompt."
        )
