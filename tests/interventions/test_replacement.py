"""Curves and elimination on what can be counted by hand."""

import numpy as np
import pytest
import torch

from tacit.dictionaries import InputContract
from tacit.dictionaries.selections import TopKPositive
from tacit.interventions.differences import code_difference
from tacit.interventions.patching import attributed_effects, exact_effects, patching
from tacit.interventions.replacement import (
    Replacement,
    eliminate,
    ranked_by_prompt,
    ranked_in_common,
    replacement_curve,
)
from tacit.models.prompt_pairs import read_pairs

from .conftest import dictionary_of, directions
from .test_patching import PAIRS, SITE


@pytest.fixture(scope="module")
def runs(tiny_subject):
    return patching(tiny_subject, read_pairs(tiny_subject, PAIRS))


@pytest.fixture(scope="module")
def difference(tiny_subject, runs):
    dictionary = dictionary_of(
        directions(40, 16), TopKPositive(k=6), contract=InputContract(site=SITE)
    )
    return code_difference(tiny_subject, runs.prompts, SITE, dictionary)


def test_the_curve_is_one_measurement_a_count(runs, difference):
    effects = exact_effects(runs, difference)
    order = ranked_by_prompt(effects)
    curve = replacement_curve(runs, difference, order, counts=(0, 1, 3))
    candidates = difference.candidates()
    np.testing.assert_allclose(curve.distances[:, 0], runs.distance, atol=1e-6)
    np.testing.assert_array_equal(curve.num_patched[:, -1], candidates.sum(1))
    for row in range(len(order)):
        own = [f for f in order[row].tolist() if candidates[row, f]]
        assert effects[row, own[0]] == effects[row][candidates[row]].max()
        for column, count in enumerate((0, 1, 3)):
            chosen = torch.zeros_like(candidates)
            chosen[row, own[:count]] = True
            value = difference.clean + difference.change(chosen)
            distance = runs.distances(SITE, value)[row]
            assert curve.distances[row, column] == pytest.approx(distance.item(), abs=1e-6)
            length = difference.change(chosen)[row].norm(dim=-1).sum()
            length = length / runs.prompts.mask[row].sum()
            assert curve.magnitudes[row, column] == pytest.approx(length.item(), rel=1e-5)


def test_features_that_do_not_differ_take_no_place(runs, difference):
    """An order that begins with idle features gives the curve of the order without them."""
    candidates = difference.candidates()
    order = ranked_by_prompt(candidates.float())
    idle_first = order.flip(1)
    swapped = torch.stack(
        [
            torch.cat([row[~mine[row]], row[mine[row]].flip(0)])
            for row, mine in zip(idle_first, candidates, strict=True)
        ]
    )
    a = replacement_curve(runs, difference, order, counts=(0, 1, 2))
    b = replacement_curve(runs, difference, swapped, counts=(0, 1, 2))
    np.testing.assert_allclose(a.distances, b.distances, atol=1e-6)


def test_a_common_order_is_by_mean_effect():
    effects = torch.tensor([[1.0, 0.0, 4.0], [2.0, 6.0, 0.0]])
    assert ranked_in_common(effects, 2).tolist() == [[1, 2, 0], [1, 2, 0]]


def test_marks_are_read_off_the_curve():
    curve = Replacement(
        num_patched=np.array([[0.0, 1.0, 2.0], [0.0, 1.0, 1.0]]),
        distances=np.array([[2.0, 1.0, 0.1], [4.0, 3.0, 3.0]]),
        magnitudes=np.array([[0.0, 5.0, 6.0], [0.0, 1.0, 1.0]]),
    )
    assert curve.until(0.1).tolist() == [2, np.inf]
    assert curve.until(0.5).tolist() == [1, np.inf]
    assert curve.magnitude_until(0.5).tolist() == [5, np.inf]
    axis = np.log1p([0, 1, 2])
    by_hand = ((axis[1] * 0.75) + (axis[2] - axis[1]) * 0.275) / axis[2]
    # The basis with fewer candidates stays where it ended.
    flat = (axis[1] * 0.875 + (axis[2] - axis[1]) * 0.75) / axis[2]
    assert curve.area(2) == pytest.approx((by_hand + flat) / 2)


def test_elimination_lets_go_of_what_does_not_matter(runs, difference):
    found = eliminate(runs, difference, (0.0, 1e-3, 1e9), np.random.default_rng(0))
    none, some, all_gone = found
    candidates = difference.candidates().any(dim=0)
    assert not all_gone.kept.any()
    assert all_gone.distance == pytest.approx(runs.distance.mean().item(), abs=1e-5)
    for each in (none, some):
        assert not (each.kept & ~candidates).any()
        change = difference.change(each.kept.expand(len(runs.prompts), -1))
        distance = runs.distances(SITE, difference.clean + change).mean()
        assert each.distance == pytest.approx(distance.item(), abs=1e-5)
        assert each.num_passes == int(candidates.sum()) + 1
    # Each feature kept at a threshold raised the mean by that much when it was left out, so the
    # end is at most the start plus a threshold for each that went.
    whole = runs.distances(SITE, difference.clean + difference.change()).mean().item()
    gone = int(candidates.sum() - some.kept.sum())
    assert some.distance <= whole + 1e-3 * gone + 1e-5


def test_attribution_ranks_as_exact_patching_does(runs, difference):
    from scipy.stats import spearmanr

    stands = difference.candidates()
    exact = exact_effects(runs, difference)[stands]
    fast = attributed_effects(runs, difference)[stands]
    assert spearmanr(exact, fast).statistic > 0.6
