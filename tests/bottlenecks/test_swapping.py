"""Swaps on encoders and heads whose codes are set by hand."""

import numpy as np
import pytest
import torch

from bottlenecks.toy_images import TWIN_OF
from tacit.base.errors import UserError
from tacit.bottlenecks.descent import DescentSettings
from tacit.bottlenecks.networks import BottleneckSettings, ClassHead, new_head
from tacit.bottlenecks.stitching import stitch
from tacit.bottlenecks.swapping import own, retention, swap, swapped, swapped_over_units

RNG = np.random.default_rng(0)
CLASSES = RNG.integers(0, 8, 400)
BITS = np.stack([CLASSES >> 2 & 1, CLASSES >> 1 & 1, CLASSES & 1], axis=1) * 2.0 - 1
SHAPE = BottleneckSettings(num_concepts=3, num_classes=8, carries="logits")
ALL_CLASSES = np.arange(8)
CODES = (
    np.stack([ALL_CLASSES >> 2 & 1, ALL_CLASSES >> 1 & 1, ALL_CLASSES & 1], axis=1) * 2 - 1
)


def encoder(sign: float, noise: float = 0.0) -> np.ndarray:
    """Two concepts and, in the third place, the mark in a code of one sign."""
    rows = BITS * [1, 1, sign] + noise * RNG.standard_normal(BITS.shape)
    return rows.astype(np.float32)


def head(sign: float) -> ClassHead:
    """The head that reads such a code exactly."""
    made = new_head(SHAPE, seed=0)
    with torch.no_grad():
        made.layers[0].weight.copy_(torch.tensor(CODES * [1, 1, sign]))
        made.layers[0].bias.zero_()
    return made


def test_runs_of_one_code_are_all_like_the_diagonal():
    found = swap([encoder(1.0)] * 3, [head(1.0)] * 3, CLASSES, twin_of=TWIN_OF)
    assert (found.accuracy == 1).all()
    assert (found.twins.accuracy == 1).all()
    assert (found.twins.agreement == 1).all()


def test_a_head_of_the_opposite_code_takes_each_twin_for_the_other():
    found = swap(
        [encoder(1.0), encoder(-1.0)], [head(1.0), head(-1.0)], CLASSES, twin_of=TWIN_OF
    )
    assert found.accuracy.tolist() == [[1, 0], [0, 1]]
    assert found.twins.accuracy.tolist() == [[1, 0], [0, 1]]
    assert found.twins.agreement.tolist() == [[1, 0], [0, 1]]
    # A difference of logits of two either way: 2 - (-2) on the first class less the second.
    assert found.twins.contrasts[0, 0].tolist() == [4] * 4
    assert found.twins.contrasts[0, 1].tolist() == [-4] * 4


def test_without_a_code_twins_are_told_by_chance_and_a_tie_is_one_half():
    found = swap([encoder(0.0)] * 2, [head(1.0)] * 2, CLASSES, twin_of=TWIN_OF)
    assert (found.twins.accuracy == 0.5).all()
    assert (found.twins.agreement == 0).all()


def test_a_bias_for_one_twin_is_no_code():
    """It decides every image of the pair, and cancels in the contrast."""
    biased = head(0.0)
    with torch.no_grad():
        biased.layers[0].bias[::2] = 1.0
    found = swap([encoder(1.0)] * 2, [biased] * 2, CLASSES, twin_of=TWIN_OF)
    assert np.allclose(found.twins.contrasts, 0)
    assert found.twins.accuracy[0, 0] == pytest.approx((CLASSES % 2 == 0).mean())


def test_only_pairs_with_images_of_both_count():
    few = CLASSES != 3
    found = swap([encoder(1.0)[few]] * 2, [head(1.0)] * 2, CLASSES[few], twin_of=TWIN_OF)
    assert found.twins.pairs.tolist() == [[0, 1], [4, 5], [6, 7]]
    assert found.twins.right.shape[2] == np.isin(CLASSES[few], found.twins.pairs).sum()
    alone = swap([encoder(1.0)] * 2, [head(1.0)] * 2, CLASSES, twin_of=np.full(8, -1))
    assert alone.twins is None


def test_a_mean_over_pairs_of_runs_is_the_mean_off_the_diagonal():
    cells = np.arange(16.0).reshape(4, 4)
    off = cells[~np.eye(4, dtype=bool)]
    assert swapped(cells).value == pytest.approx(off.mean())
    assert own(cells).value == pytest.approx(np.diagonal(cells).mean())
    assert swapped(cells[:2, :2]).ends is None


def test_the_interval_over_runs_covers_where_cells_share_runs():
    """Cells are sums of an effect of the encoder's run and one of the head's."""
    rng, size, hits = np.random.default_rng(1), 6, 0
    for _ in range(400):
        effects = rng.standard_normal((2, size))
        low, high = swapped(effects[0][:, None] + effects[1]).ends
        hits += low <= 0 <= high
    # 95 % of 400 is 380; the binomial's standard error is 4.4, and a jackknife errs wide.
    assert hits >= 365


def test_the_interval_over_images_is_of_their_means_over_pairs():
    right = np.zeros((2, 2, 10))
    right[0, 1, :6] = 1
    found = swapped_over_units(right)
    assert (found.value, found.n) == (pytest.approx(0.3), 10)


def test_retention_is_one_where_nothing_is_lost_and_none_without_a_gain():
    assert retention(own=0.7, swapped=0.7, without=0.5) == 1
    assert retention(own=0.7, swapped=0.5, without=0.5) == 0
    assert retention(own=0.5, swapped=0.4, without=0.5) is None


def test_a_learned_stitch_mends_what_a_swap_cannot_read():
    """So that it says little about whether two runs share a code."""
    rows = np.arange(len(CLASSES))
    settings = DescentSettings(
        num_epochs=30, batch_images=50, optimiser="adamw", learning_rate=0.05, patience=None
    )
    heads = [head(1.0), head(-1.0)]
    before = [each.layers[0].weight.clone() for each in heads]
    right = stitch(
        [encoder(1.0, 0.1), encoder(-1.0, 0.1)],
        heads,
        CLASSES,
        settings,
        seed=0,
        train_rows=rows[:200],
        validation_rows=rows[200:300],
        test_rows=rows[300:],
    )
    assert right.shape == (2, 2, 100)
    assert (right.mean(axis=2) > 0.95).all()
    assert all(
        torch.equal(b, h.layers[0].weight) for b, h in zip(before, heads, strict=True)
    )


def test_what_is_not_of_the_same_runs_is_refused():
    with pytest.raises(UserError, match="2 encoders were given with 1 heads"):
        swap([encoder(1.0)] * 2, [head(1.0)], CLASSES)
    with pytest.raises(UserError, match="twins in pairs"):
        swap(
            [encoder(1.0)], [head(1.0)], CLASSES, twin_of=np.array([1, 2, 1, 0, 5, 4, 7, 6])
        )
    with pytest.raises(UserError, match="two or more"):
        swapped(np.ones((1, 1)))
