"""Influence against all paths of a small graph, one by one."""

import pytest
import torch

from tacit.base.errors import UserError
from tacit.metrics import graph_completeness, graph_replacement, node_influence
from tacit.metrics.influence import incoming_shares

N = 8


@pytest.fixture
def adjacency():
    """Two tokens, two errors, two features and two logits."""
    random = torch.Generator().manual_seed(3)
    effects = torch.randn(N, N, generator=random).tril(-1)
    effects[:4] = 0
    effects[6:, 6:] = 0
    return effects


WEIGHTS = torch.tensor([0.0] * 6 + [0.25, 0.75])
ERRORS = torch.tensor([False] * 2 + [True] * 2 + [False] * 4)
TOKENS = torch.arange(N) < 2


def over_all_paths(shares, weights):
    """Follow every path back from the weighted nodes; add up what arrives at each node."""
    found = [0.0] * N

    def follow(node, amount):
        for source in range(N):
            carried = amount * float(shares[node, source])
            if carried:
                found[source] += carried
                follow(source, carried)

    for node in range(N):
        follow(node, float(weights[node]))
    return torch.tensor(found)


def by_hand(adjacency):
    rows = adjacency.abs()
    return rows / rows.sum(dim=1, keepdim=True).clamp_min(1e-30)


def test_influence_is_the_sum_over_all_paths(adjacency):
    found = node_influence(adjacency, WEIGHTS)
    assert found[:6].min() > 0
    torch.testing.assert_close(
        found.float(), over_all_paths(by_hand(adjacency), WEIGHTS), rtol=1e-5, atol=1e-6
    )
    # All weight ends in leaves, as no node keeps any.
    assert float(found[:4].sum()) == pytest.approx(1)


def test_scores_are_what_paths_say(adjacency):
    shares = by_hand(adjacency)
    reached = over_all_paths(shares, WEIGHTS) + WEIGHTS
    inner = range(4, N)
    top = sum(float(reached[i] * (1 - shares[i, ERRORS].sum())) for i in inner)
    wanted = top / sum(float(reached[i]) for i in inner)
    assert graph_completeness(adjacency, WEIGHTS, ERRORS) == pytest.approx(wanted, rel=1e-5)
    found = graph_replacement(adjacency, WEIGHTS, ERRORS, TOKENS)
    assert found == pytest.approx(float(reached[TOKENS].sum()), rel=1e-5)


def test_a_chain_is_replaced_as_far_as_each_of_its_links(adjacency):
    """Token -> feature -> logit, a quarter of each from an error."""
    effects = torch.zeros(4, 4)
    effects[2, 0], effects[2, 1] = -3.0, 1.0
    effects[3, 2], effects[3, 1] = 6.0, 2.0
    weights, is_error = (
        torch.tensor([0.0, 0, 0, 1]),
        torch.tensor([False, True, False, False]),
    )
    assert graph_completeness(effects, weights, is_error) == pytest.approx(0.75)
    assert graph_replacement(effects, weights, is_error, torch.arange(4) == 0) == 0.75**2


def test_rows_without_effects_stay_empty(adjacency):
    shares = incoming_shares(adjacency)
    torch.testing.assert_close(
        shares.sum(dim=1), torch.tensor([0.0] * 4 + [1.0] * 4).double()
    )


def test_what_cannot_be_is_told(adjacency):
    with pytest.raises(UserError, match="depends on itself or on a later one"):
        node_influence(adjacency.T.contiguous(), WEIGHTS)
    nothing = torch.zeros(N, N)
    with pytest.raises(UserError, match="nothing in this graph"):
        graph_completeness(nothing, WEIGHTS, ERRORS)
    with pytest.raises(UserError, match="nothing in this graph"):
        graph_replacement(nothing, WEIGHTS, ERRORS, TOKENS)
