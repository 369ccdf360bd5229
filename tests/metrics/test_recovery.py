"""Recovery of true features: closed forms, an exhaustive matching, and the random floor."""

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tacit.base.errors import UserError
from tacit.metrics import best_cosines, match, mmcs, mmcs_of_atoms, random_floor


def directions(seed: int, rows: int, width: int):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, width, generator=generator, dtype=torch.float64)


def test_the_true_features_themselves_score_one_in_any_order_and_scale():
    true = directions(0, 6, 8)
    atoms = true[torch.randperm(6, generator=torch.Generator().manual_seed(1))] * 3.5
    found = match(true, atoms)
    assert mmcs(true, atoms) == pytest.approx(1)
    assert mmcs_of_atoms(true, atoms) == pytest.approx(1)
    assert found.matched_cosine() == pytest.approx(1)
    assert found.recall() == found.precision() == 1


def test_the_opposite_of_a_feature_does_not_recover_it():
    true = torch.eye(3)
    assert mmcs(true, -true) == pytest.approx(0)  # the other axes are at right angles
    assert mmcs(true[:1], -true[:1]) == pytest.approx(-1)
    assert match(true[:1], -true[:1]).matched_cosine() == pytest.approx(-1)


def test_a_known_pair_of_directions():
    true, atoms = torch.eye(2), torch.tensor([[1.0, 1.0], [1.0, 0.0]])
    half = math.sqrt(0.5)
    assert mmcs(true, atoms) == pytest.approx((1 + half) / 2)
    assert match(true, atoms).matched_cosine() == pytest.approx((1 + half) / 2)
    assert match(true, atoms).recall() == match(true, atoms).precision() == 0.5


def test_copies_of_one_feature_count_once():
    true = torch.eye(4)
    atoms = true[0].repeat(4, 1)
    assert mmcs_of_atoms(true, atoms) == pytest.approx(1)
    assert match(true, atoms).precision() == match(true, atoms).recall() == 0.25


def test_missing_atoms_count_zero_and_lower_recall_alone():
    true = torch.eye(4)
    found = match(true, true[:1])
    assert found.matched_cosine() == 0.25
    assert found.recall() == 0.25
    assert found.precision() == 1


@given(st.integers(0, 2**31), st.integers(1, 5), st.integers(1, 5))
def test_the_matching_is_the_best_of_all_matchings(seed, num_true, num_atoms):
    true, atoms = directions(seed, num_true, 4), directions(seed + 1, num_atoms, 4)
    cosines = torch.nn.functional.cosine_similarity(true[:, None], atoms[None], dim=2)
    small = min(num_true, num_atoms)
    best = max(
        sum(float(cosines[r, c]) for r, c in zip(rows, columns, strict=True))
        for rows in itertools.combinations(range(num_true), small)
        for columns in itertools.permutations(range(num_atoms), small)
    )
    assert match(true, atoms).matched_cosine() == pytest.approx(best / num_true, abs=1e-9)
    expected = cosines.max(dim=1).values.mean().item()
    assert mmcs(true, atoms) == pytest.approx(expected, abs=1e-9)
    assert mmcs_of_atoms(true, atoms) == pytest.approx(mmcs(atoms, true))


def test_blocks_of_rows_change_nothing(monkeypatch):
    true, atoms = directions(2, 50, 6), directions(3, 30, 6)
    whole = best_cosines(true, atoms)
    monkeypatch.setattr("tacit.metrics.recovery._BLOCK_ROWS", 7)
    torch.testing.assert_close(best_cosines(true, atoms), whole)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_cosines_stay_within_one_in_low_precision(dtype):
    rows = (directions(4, 200, 33) * 100).to(dtype)
    assert float(best_cosines(rows, rows).max()) <= 1
    assert mmcs(rows, rows) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_scale_does_not_matter_even_where_squares_leave_float32(scale):
    rows = directions(5, 5, 8).float()
    assert mmcs(rows * scale, rows) == pytest.approx(1, abs=1e-6)


# Measured once by simulation (isotropic features and atoms, d = 256); three digits are given.
RECORDED_FLOORS = {64: 0.146, 128: 0.159, 256: 0.175, 512: 0.190, 2048: 0.213, 16384: 0.246}


@pytest.mark.parametrize("num_atoms", RECORDED_FLOORS)
def test_the_random_floor_agrees_with_recorded_simulations(num_atoms):
    recorded = RECORDED_FLOORS[num_atoms]
    assert random_floor(256, num_atoms) == pytest.approx(recorded, abs=0.004)


@pytest.mark.parametrize(("width", "num_atoms"), [(2, 3), (8, 1), (8, 40), (64, 500)])
def test_the_random_floor_is_what_random_atoms_score(width, num_atoms):
    repeats = 2000
    features = directions(6, repeats, width)
    scores = torch.cat(
        [
            best_cosines(features[i : i + 40], directions(100 + i, num_atoms, width))
            for i in range(0, repeats, 40)
        ]
    )
    # Forty features share their atoms, so the error is that of some fifty to 2,000 draws.
    error = float(scores.std()) / math.sqrt(repeats / 40)
    assert float(scores.mean()) == pytest.approx(
        random_floor(width, num_atoms), abs=4 * error
    )


def test_one_random_atom_scores_nothing_on_average():
    assert random_floor(16, 1) == pytest.approx(0, abs=1e-9)


def test_in_two_dimensions_the_floor_is_known():
    # The largest of two independent cosines of uniform angles has mean 4 / pi^2.
    assert random_floor(2, 2) == pytest.approx(4 / math.pi**2, abs=1e-6)


def test_bad_input_is_explained():
    rows = torch.eye(3)
    with pytest.raises(UserError, match="1 of 3 directions are zero"):
        mmcs(rows, rows * torch.tensor([[1.0], [0.0], [1.0]]))
    with pytest.raises(UserError, match="1 of 3 directions"):
        match(rows * torch.tensor([[1.0], [float("nan")], [1.0]]), rows)
    with pytest.raises(UserError, match="1 of 3 directions"):
        match(rows * torch.tensor([[1.0], [float("inf")], [1.0]]), rows)
    with pytest.raises(UserError, match="no directions"):
        mmcs(rows, rows[:0])
    with pytest.raises(UserError, match="0 random atoms in 8"):
        random_floor(8, 0)


def test_what_two_dictionaries_share_is_the_same_both_ways():
    one, other = torch.eye(4), torch.cat([torch.eye(4)[:2], -torch.ones(1, 4)])
    there, back = match(one, other), match(other, one)
    assert there.shared_cosine() == pytest.approx(back.shared_cosine())
    # Two atoms are the same; the third's best partner is at -1/2.
    assert there.shared_cosine() == pytest.approx((1 + 1 - 0.5) / 3)
    assert there.shared() == back.shared() == pytest.approx(2 / 3)


def test_either_sign_takes_an_atom_for_its_opposite():
    turned = torch.diag(torch.tensor([1.0, -1.0, -1.0]))
    assert match(torch.eye(3), turned).shared() == pytest.approx(1 / 3)
    found = match(torch.eye(3), turned, either_sign=True)
    assert (found.shared(), found.shared_cosine()) == (1, 1)
