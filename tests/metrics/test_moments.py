"""Moments of activations with a closed form, and of padded codes against dense ones."""

import numpy as np
import pytest
import torch
from scipy import stats

from tacit.base.errors import UserError
from tacit.metrics.moments import moments_of_code


def column(values):
    """A code of one atom."""
    return values[:, None], torch.zeros(len(values), 1, dtype=torch.long), 1


def test_a_switch_that_is_on_with_probability_p():
    """E c^k = p for every k, so skew is p / (p (1 - p))^1.5 and kurtosis p / (p (1 - p))^2."""
    for count in (1, 20, 150, 199):
        p = count / 200
        found = moments_of_code(*column((torch.arange(200) < count).float()))
        spread = p * (1 - p)
        assert found.mean().item() == pytest.approx(p)
        assert found.variance().item() == pytest.approx(spread)
        assert found.skew().item() == pytest.approx(p / spread**1.5)
        assert found.kurtosis().item() == pytest.approx(p / spread**2)


def test_scale_leaves_skew_and_kurtosis_and_sign_turns_skew():
    values = torch.rand(300, generator=torch.Generator().manual_seed(0)).double() ** 3
    own = moments_of_code(*column(values))
    for scale in (1e-6, 50.0):
        scaled = moments_of_code(*column(scale * values))
        torch.testing.assert_close(scaled.skew(), own.skew())
        torch.testing.assert_close(scaled.kurtosis(), own.kurtosis())
    torch.testing.assert_close(moments_of_code(*column(-values)).skew(), -own.skew())


def test_of_centred_values_they_are_the_usual_ones():
    values = np.random.default_rng(0).gamma(2.0, size=5_000)
    centred = values - values.mean()
    found = moments_of_code(*column(torch.from_numpy(centred)))
    assert found.skew().item() == pytest.approx(stats.skew(centred))
    assert found.kurtosis().item() == pytest.approx(stats.kurtosis(centred) + 3)
    normal = moments_of_code(
        *column(torch.from_numpy(stats.norm.ppf(np.linspace(1e-5, 1 - 1e-5, 9_999))))
    )
    assert normal.skew().item() == pytest.approx(0, abs=1e-9)
    assert normal.kurtosis().item() == pytest.approx(3, rel=0.01)


def test_blocks_add_up_and_a_padded_code_counts_as_its_dense_form():
    generator = torch.Generator().manual_seed(1)
    values = torch.randn(90, 3, generator=generator)
    values[values.abs() < 0.4] = 0
    indices = torch.rand(90, 8, generator=generator).argsort(dim=1)[:, :3]
    indices[values == 0] = 999
    parts = [
        moments_of_code(values[i : i + 40], indices[i : i + 40], 8) for i in (0, 40, 80)
    ]
    found = parts[0] + parts[1] + parts[2]
    dense = torch.zeros(90, 8)
    for row in range(90):
        for place in range(3):
            if values[row, place] != 0:
                dense[row, indices[row, place]] = values[row, place]
    c = dense.double()
    assert found.num_rows == 90
    torch.testing.assert_close(found.mean(), c.mean(dim=0))
    torch.testing.assert_close(found.variance(), c.var(dim=0, correction=0))
    torch.testing.assert_close(
        found.skew(), (c**3).mean(dim=0) / c.var(dim=0, correction=0) ** 1.5
    )
    torch.testing.assert_close(
        found.kurtosis(), (c**4).mean(dim=0) / c.var(dim=0, correction=0) ** 2
    )


@pytest.mark.parametrize("value", [0.0, 0.1, 1e6])
def test_what_does_not_vary_has_neither(value):
    found = moments_of_code(*column(torch.full((70,), value)))
    assert found.variance().item() == 0
    assert found.skew().isnan().all() and found.kurtosis().isnan().all()


def test_bad_input_is_explained():
    values, indices, _ = column(torch.ones(2))
    with pytest.raises(UserError, match=r"names atom 3.* has 2 \(0 to 1\)"):
        moments_of_code(values, indices + 3, 2)
    with pytest.raises(UserError, match="1 of whose values"):
        moments_of_code(torch.tensor([[1.0], [torch.inf]]), indices, 1)
    with pytest.raises(UserError, match="moments of 0 rows"):
        moments_of_code(values[:0], indices[:0], 1)
    with pytest.raises(UserError, match="1 atoms cannot be added to those of 2"):
        moments_of_code(values, indices, 1) + moments_of_code(values, indices, 2)
