"""Which atoms fire, counted from padded codes, against the dense code they stand for."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tacit.base.errors import UserError
from tacit.metrics import Firing, count_firing, mean_l0

NUM_ATOMS = 11


def padded_code(seed: int, rows: int = 20, places: int = 4):
    """Distinct atoms in each row, some places silent, some values negative."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.rand(rows, NUM_ATOMS, generator=generator).argsort(dim=1)
    values = torch.randn(rows, places, generator=generator)
    return values * (values.abs() > 0.6), order[:, :places]


def dense(values, indices):
    return torch.zeros(len(values), NUM_ATOMS).scatter(1, indices, values)


@given(st.integers(0, 2**31))
def test_a_padded_code_counts_as_its_dense_form(seed):
    values, indices = padded_code(seed)
    fires = dense(values, indices) != 0
    firing = count_firing(values, indices, NUM_ATOMS)
    assert firing.counts.tolist() == fires.sum(dim=0).tolist()
    assert firing.mean_l0() == pytest.approx(fires.sum(dim=1).double().mean().item())
    assert mean_l0(values) == firing.mean_l0()
    assert torch.equal(firing.density(), fires.double().mean(dim=0))
    assert torch.equal(firing.dead(), ~fires.any(dim=0))
    assert torch.equal(firing.dense(), fires.double().mean(dim=0) > 0.1)


def test_blocks_add_up_to_the_whole():
    values, indices = padded_code(1)
    whole = count_firing(values, indices, NUM_ATOMS)
    parts = [
        count_firing(values[i : i + 7], indices[i : i + 7], NUM_ATOMS) for i in (0, 7, 14)
    ]
    total = parts[0] + parts[1] + parts[2]
    assert total.num_tokens == whole.num_tokens == 20
    assert torch.equal(total.counts, whole.counts)


def test_dead_and_dense_shares_of_a_known_code():
    firing = Firing(counts=torch.tensor([0, 0, 1, 10, 100]), num_tokens=100)
    assert firing.dead_share() == 0.4
    assert firing.dense_share() == 0.2  # 10 of 100 is not more than 0.1
    assert firing.dense_share(0.05) == 0.4
    assert firing.mean_l0() == 1.11


def test_padding_is_silent_whatever_its_index():
    values, indices = torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([[2, 0, 999]])
    assert count_firing(values, indices, 3).counts.tolist() == [0, 0, 1]


def test_a_code_that_never_fires_is_all_dead():
    firing = count_firing(torch.zeros(5, 2), torch.zeros(5, 2, dtype=torch.int32), 3)
    assert firing.dead_share() == 1
    assert firing.mean_l0() == 0


def test_bad_input_is_explained():
    values, indices = torch.ones(2, 1), torch.tensor([[0], [3]])
    with pytest.raises(UserError, match="names atoms 0 to 3, but the dictionary has 3"):
        count_firing(values, indices, 3)
    with pytest.raises(UserError, match="atoms -1 to"):
        count_firing(values, indices - 1, 3)
    with pytest.raises(UserError, match="1 of 2 values of the code are not finite"):
        count_firing(torch.tensor([[1.0], [float("nan")]]), indices, 4)
    with pytest.raises(UserError, match="no tokens"):
        count_firing(values[:0], indices[:0], 3)
    with pytest.raises(UserError, match="no tokens"):
        mean_l0(values[:0])
    with pytest.raises(UserError, match="different dictionaries"):
        count_firing(values, indices, 4) + count_firing(values, indices, 5)
    with pytest.raises(UserError, match=r"more than 1\.5"):
        count_firing(values, indices, 4).dense(1.5)
