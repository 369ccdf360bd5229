"""Participation ratios with a closed form."""

import numpy as np
import pytest
import torch

from tacit.base.errors import UserError
from tacit.metrics.participation import (
    participation_ratio,
    participation_ratios,
    participation_share,
)


def test_an_axis_has_one_and_all_axes_alike_have_all():
    rows = torch.tensor([[0.0, -3, 0, 0], [1, 1, -1, 1], [2, 2, 0, 0]])
    assert participation_ratios(rows).tolist() == pytest.approx([1, 4, 2])
    assert participation_ratio(rows) == pytest.approx(7 / 3)


def test_length_does_not_matter_tiny_or_huge():
    rows = torch.randn(5, 8, generator=torch.Generator().manual_seed(0))
    for scale in (1e-30, 1e30):
        torch.testing.assert_close(
            participation_ratios(rows.double() * scale), participation_ratios(rows)
        )


def test_random_directions_have_a_third_of_the_axes():
    rows = torch.from_numpy(np.random.default_rng(0).standard_normal((4_000, 300)))
    # For a direction uniform on the sphere the mean of sum x^4 is 3 / (d + 2).
    assert participation_ratio(rows) == pytest.approx(302 / 3, rel=0.01)
    assert participation_share(rows, np.random.default_rng(1)) == pytest.approx(1, abs=0.01)


def test_axes_share_little_with_turned_ones():
    share = participation_share(torch.eye(64), np.random.default_rng(2))
    assert share == pytest.approx(3 / 66, rel=0.1)


@pytest.mark.parametrize("rows", [torch.zeros(2, 3), torch.full((1, 2), torch.nan)])
def test_what_is_no_direction_is_refused(rows):
    with pytest.raises(UserError, match="zero or not finite"):
        participation_ratios(rows)
