"""Losses in nats and the share of them that a reconstruction keeps."""

import math

import pytest
import torch

from tacit.base.errors import UserError
from tacit.metrics import cross_entropy, loss_recovered, token_losses


def test_the_ends_of_the_scale():
    assert loss_recovered(clean=2.0, substituted=2.0, ablated=6.0) == 1
    assert loss_recovered(clean=2.0, substituted=6.0, ablated=6.0) == 0
    assert loss_recovered(clean=2.0, substituted=3.0, ablated=6.0) == 0.75
    assert loss_recovered(clean=2.0, substituted=8.0, ablated=6.0) == -0.5


@pytest.mark.parametrize("ablated", [2.0, 1.5])
def test_nothing_is_recovered_where_ablating_does_not_hurt(ablated):
    with pytest.raises(UserError, match="ablating does not hurt"):
        loss_recovered(clean=2.0, substituted=3.0, ablated=ablated)


def test_losses_that_are_not_finite_are_refused():
    with pytest.raises(UserError, match="not finite"):
        loss_recovered(clean=2.0, substituted=math.nan, ablated=3.0)


def test_a_uniform_guess_costs_the_log_of_the_vocabulary():
    loss = cross_entropy(torch.zeros(4, 50), torch.arange(4))
    assert loss == pytest.approx(math.log(50), rel=1e-6)


def test_token_losses_are_minus_the_log_probability_of_the_target():
    logits = torch.tensor([[0.0, math.log(3.0)], [0.0, math.log(3.0)]])
    expected = [math.log(4), math.log(4 / 3)]
    assert token_losses(logits, torch.tensor([0, 1])).tolist() == pytest.approx(expected)


def test_half_precision_logits_are_scored_in_float32():
    losses = token_losses(torch.zeros(3, 7, dtype=torch.float16), torch.zeros(3).long())
    assert losses.dtype == torch.float32


def test_bad_logits_are_explained():
    with pytest.raises(UserError, match="no tokens"):
        cross_entropy(torch.zeros(0, 7), torch.zeros(0).long())
    with pytest.raises(UserError, match="not finite"):
        cross_entropy(torch.full((1, 7), float("inf")), torch.zeros(1).long())
