"""FVU: one definition, whatever the batching, with sums by unit that add up to it."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import r2_score

from tacit.base.errors import UserError
from tacit.metrics import VarianceUnexplained, fraction_variance_unexplained


def sample(seed: int, rows: int = 60, width: int = 5, offset: float = 0.0):
    generator = torch.Generator().manual_seed(seed)
    x = (
        torch.randn(rows, width, generator=generator) * torch.linspace(0.1, 3, width)
        + offset
    )
    return x, x + 0.4 * torch.randn(rows, width, generator=generator)


def test_predicting_the_mean_scores_one():
    x = sample(0)[0].double()
    guess = x.mean(dim=0).expand_as(x)
    assert fraction_variance_unexplained(x, guess) == pytest.approx(1, abs=1e-12)


def test_an_exact_rebuild_scores_zero():
    x = sample(1)[0]
    assert fraction_variance_unexplained(x, x.clone()) == 0


def test_rebuilding_half_of_each_deviation_scores_a_quarter():
    x = sample(2)[0].double()
    middle = x.mean(dim=0)
    rebuilt = middle + (x - middle) / 2
    assert fraction_variance_unexplained(x, rebuilt) == pytest.approx(0.25, abs=1e-12)


def test_agrees_with_an_independent_r_squared():
    x, rebuilt = sample(3)
    r_squared = r2_score(
        x.double().numpy(), rebuilt.double().numpy(), multioutput="variance_weighted"
    )
    assert fraction_variance_unexplained(x, rebuilt) == pytest.approx(
        1 - r_squared, rel=1e-12
    )


@given(
    seed=st.integers(0, 2**31),
    cuts=st.lists(st.integers(1, 59), max_size=12),
    offset=st.sampled_from([0.0, 3.0, -1e4, 1e6]),
    with_units=st.booleans(),
)
def test_batching_never_changes_the_value(seed, cuts, offset, with_units):
    x, rebuilt = sample(seed, offset=offset)
    whole = fraction_variance_unexplained(x, rebuilt)
    units = torch.randint(0, 7, (60,), generator=torch.Generator().manual_seed(seed))
    pieces = VarianceUnexplained()
    for block in np.array_split(np.arange(60), sorted(set(cuts))):
        rows = torch.from_numpy(block)
        pieces.add(x[rows], rebuilt[rows], units[rows] if with_units else None)
    assert pieces.value() == pytest.approx(whole, rel=1e-9)


def test_a_large_offset_costs_no_digits():
    x, rebuilt = sample(4)
    x, rebuilt = x.double(), rebuilt.double()
    plain = fraction_variance_unexplained(x, rebuilt)
    # The offset itself rounds the rows by 1e-10 of their spread; the sums add nothing to that.
    far = fraction_variance_unexplained(x + 1e6, rebuilt + 1e6)
    assert far == pytest.approx(plain, rel=1e-8)


def test_half_precision_is_summed_in_double():
    x, rebuilt = (rows.half() for rows in sample(5))
    exact = fraction_variance_unexplained(x.double(), rebuilt.double())
    assert fraction_variance_unexplained(x, rebuilt) == exact


def test_unit_sums_add_up_and_each_is_its_own_definition():
    x, rebuilt = (rows.double() for rows in sample(6))
    units = torch.arange(60) % 4 * 10 + 3
    pieces = VarianceUnexplained()
    for start in range(0, 60, 7):
        part = slice(start, start + 7)
        pieces.add(x[part], rebuilt[part], units[part])
    sums = pieces.unit_sums()
    assert sums.units.tolist() == [3, 13, 23, 33]
    ratio = sums.numerators.sum() / sums.denominators.sum()
    assert ratio == pytest.approx(pieces.value(), rel=1e-12)
    for unit, above, below in zip(
        sums.units, sums.numerators, sums.denominators, strict=True
    ):
        rows = units == unit
        assert above == pytest.approx(float((x - rebuilt)[rows].square().sum()), rel=1e-10)
        spread = (x - x.mean(dim=0))[rows].square().sum()
        assert below == pytest.approx(float(spread), rel=1e-10)


def test_units_may_be_numpy_numbers_in_any_order_and_negative():
    x, rebuilt = sample(7, rows=4)
    pieces = VarianceUnexplained()
    pieces.add(x, rebuilt, np.array([9, -1, 9, 4], dtype=np.int32))
    assert pieces.unit_sums().units.tolist() == [-1, 4, 9]


def test_empty_batches_change_nothing():
    x, rebuilt = sample(8)
    pieces = VarianceUnexplained()
    for part in (slice(0, 0), slice(0, 60), slice(0, 0)):
        pieces.add(x[part], rebuilt[part])
    assert pieces.value() == fraction_variance_unexplained(x, rebuilt)


@pytest.mark.parametrize("constant", [0.0, 0.1, -7e5])
def test_a_constant_sample_has_no_value(constant):
    x = torch.full((1000, 3), constant)
    pieces = VarianceUnexplained()
    for part in x.split(7):
        pieces.add(part, part + 1, torch.arange(len(part)))
    with pytest.raises(UserError, match="1000 rows that are all equal"):
        pieces.value()
    with pytest.raises(UserError, match="all equal"):
        fraction_variance_unexplained(x, x)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("which", ["original", "rebuilt", "both"])
def test_what_is_not_finite_is_refused_and_counted(bad, which):
    x, rebuilt = sample(9)
    if which != "rebuilt":
        x[3, 1] = bad
    if which != "original":
        rebuilt[3, 1] = bad
    expected = f"{int(which != 'rebuilt')} original and {int(which != 'original')} rebuilt"
    with pytest.raises(UserError, match=expected):
        fraction_variance_unexplained(x, rebuilt)


def test_the_caller_may_overwrite_a_block_and_finds_it_unchanged():
    x, rebuilt = (rows.double() for rows in sample(12))
    whole, kept = fraction_variance_unexplained(x, rebuilt), x.clone()
    pieces = VarianceUnexplained()
    for part, guess in zip(x.split(9), rebuilt.split(9), strict=True):
        block = part.clone()
        pieces.add(block, guess)
        assert torch.equal(block, part)
        block.fill_(77)
    assert pieces.value() == pytest.approx(whole, rel=1e-12)
    assert torch.equal(x, kept)


def test_a_refused_batch_leaves_the_sample_as_it_was():
    x, rebuilt = sample(10)
    pieces = VarianceUnexplained()
    with pytest.raises(UserError, match="not finite"):
        pieces.add(x * float("nan"), rebuilt)
    pieces.add(x, rebuilt)
    before = pieces.value()
    with pytest.raises(UserError, match="not finite"):
        pieces.add(x * float("inf"), rebuilt)
    assert pieces.value() == before == fraction_variance_unexplained(x, rebuilt)


def test_misuse_is_explained(unchecked_shapes):
    x, rebuilt = sample(11)
    pieces = VarianceUnexplained()
    with pytest.raises(UserError, match="no rows"):
        pieces.value()
    pieces.add(x, rebuilt)
    with pytest.raises(UserError, match="without units"):
        pieces.unit_sums()
    with pytest.raises(UserError, match="some without"):
        pieces.add(x, rebuilt, torch.zeros(60, dtype=torch.long))
    with unchecked_shapes(), pytest.raises(UserError, match=r"\(59, 5\) and the original"):
        pieces.add(x, rebuilt[:-1])
    with pytest.raises(UserError, match="width 4 were added to rows of width 5"):
        pieces.add(x[:, :4], rebuilt[:, :4])
