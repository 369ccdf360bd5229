"""PCA and random directions against the linear algebra that defines them."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA as Reference

from tacit.base.errors import UserError
from tacit.dictionaries import PCA, RandomDirections, RowBlocks, fit
from tacit.metrics.fidelity import fraction_variance_unexplained


def rows(count=600, width=10):
    generator = torch.Generator().manual_seed(0)
    spread = torch.linspace(1.0, 4.0, width)
    turn, _ = torch.linalg.qr(torch.randn(width, width, generator=generator))
    return torch.randn(count, width, generator=generator) * spread @ turn + 50.0


def fitted(method, x, *, steps=6, block_rows=100):
    blocks = RowBlocks(rows={"here": x}, block_rows=block_rows, seed=0)
    (member,) = fit([method], blocks, [0], steps=steps)
    return member.dictionary


def test_components_are_those_of_scikit_learn():
    x = rows()
    ours, theirs = fitted(PCA(num_atoms=4), x), Reference(n_components=4).fit(x.numpy())
    cosines = (ours.atoms.numpy() * theirs.components_).sum(axis=1)
    np.testing.assert_allclose(np.abs(cosines), 1, atol=1e-4)
    np.testing.assert_allclose(ours.centre.numpy(), theirs.mean_, rtol=1e-5)


def test_all_components_rebuild_exactly():
    x = rows()
    torch.testing.assert_close(fitted(PCA(), x).rebuild(x), x, atol=1e-3, rtol=0)


def test_the_k_kept_are_the_largest_in_magnitude():
    x = rows()
    dictionary = fitted(PCA(k=3), x)
    code = dictionary.encode(x).dense()
    full = (x - dictionary.centre) @ dictionary.atoms.T
    expected = full.abs().topk(3).values.sort().values
    torch.testing.assert_close(
        code.abs().topk(3).values.sort().values, expected, atol=1e-4, rtol=1e-4
    )
    assert (code < 0).any()


def test_only_the_stated_blocks_are_read():
    x = rows()
    two = fitted(PCA(num_blocks=2), x, steps=6)
    assert torch.equal(two.atoms, fitted(PCA(), x, steps=2).atoms)
    gain = fitted(RandomDirections(num_atoms=30, k=3, num_blocks=2), x, steps=6)
    again = fitted(RandomDirections(num_atoms=30, k=3), x, steps=2)
    assert torch.equal(gain.encoder, again.encoder)


@pytest.mark.parametrize("k", [1, 5, 40])
def test_random_directions_are_no_worse_than_the_mean(k):
    # Without the gain, k of 40 overlapping directions rebuild far worse than the mean.
    x = rows()
    dictionary = fitted(RandomDirections(num_atoms=40, k=k), x)
    found = fraction_variance_unexplained(x, dictionary.rebuild(x))
    assert found <= 1.02


def test_the_gain_is_the_best_one():
    x = rows()
    dictionary = fitted(RandomDirections(num_atoms=40, k=8), x, steps=6)
    moved = dictionary.rebuild(x) - dictionary.centre
    errors = [
        float((factor * moved - (x - dictionary.centre)).square().sum())
        for factor in (0.98, 1.0, 1.02)
    ]
    assert errors[1] < min(errors[0], errors[2])


def test_more_components_than_dimensions_are_refused():
    with pytest.raises(UserError, match="at most the width"):
        fitted(PCA(num_atoms=11), rows())
    with pytest.raises(UserError, match="k is 11"):
        fitted(PCA(k=11), rows())
