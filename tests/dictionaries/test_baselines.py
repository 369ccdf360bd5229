"""ICA, NMF and the bases against rows whose makings are known."""

import itertools

import numpy as np
import pytest
import torch

from tacit.base.errors import UserError
from tacit.dictionaries import (
    ICA,
    NMF,
    PCA,
    NeuronBasis,
    OrthonormalBasis,
    RowBlocks,
    fit,
    ica,
    load_dictionary,
    nmf,
)
from tacit.dictionaries.bases import halves
from tacit.metrics.recovery import mmcs

WIDTH = 8


def fitted(method, rows, *, seed=0, steps=8, folder=None):
    blocks = RowBlocks(rows={"here": rows}, block_rows=500, seed=0)
    (member,) = fit([method], blocks, [seed], steps=steps, folder=folder)
    return member.dictionary


def mixed(count=4_000, seed=0):
    """Independent sources with heavy tails, mixed by directions that are not orthogonal."""
    rng = np.random.default_rng(seed)
    mixing = rng.standard_normal((WIDTH, WIDTH))
    mixing /= np.linalg.norm(mixing, axis=1, keepdims=True)
    rows = rng.laplace(size=(count, WIDTH)) @ mixing + 5.0
    return torch.from_numpy(rows).float(), torch.from_numpy(mixing).float()


def in_parts(count=4_000, num_parts=5, width=20):
    """Sums of a few non-negative parts that overlap little."""
    rng = np.random.default_rng(0)
    parts = rng.random((num_parts, width)) * (rng.random((num_parts, width)) < 0.3)
    strengths = rng.random((count, num_parts)) * (rng.random((count, num_parts)) < 0.3)
    unit = parts / np.linalg.norm(parts, axis=1, keepdims=True)
    return torch.from_numpy(strengths @ unit).float(), torch.from_numpy(unit).float()


def either_sign(mixing, atoms):
    return float((mixing @ atoms.T).abs().max(dim=1).values.mean())


def test_independent_sources_are_found_by_ica_and_not_by_pca():
    rows, mixing = mixed()
    assert either_sign(mixing, fitted(ICA(), rows).atoms) > 0.99
    assert either_sign(mixing, fitted(PCA(), rows).atoms) < 0.9


def test_all_independent_coordinates_rebuild_exactly_and_do_not_correlate():
    rows, _ = mixed()
    dictionary = fitted(ICA(), rows)
    torch.testing.assert_close(dictionary.rebuild(rows), rows, atol=1e-4, rtol=0)
    values = dictionary.encode(rows).dense()
    correlation = np.corrcoef(values.numpy().T) - np.eye(WIDTH)
    assert np.abs(correlation).max() < 1e-3


def test_the_heavier_tail_of_a_source_is_positive():
    rng = np.random.default_rng(0)
    sources = -rng.exponential(size=(4_000, WIDTH))
    rows = torch.from_numpy(sources @ rng.standard_normal((WIDTH, WIDTH))).float()
    values = fitted(ICA(), rows).encode(rows).dense()
    assert ((values - values.mean(dim=0)) ** 3).mean(dim=0).min() > 0


def test_directions_without_variance_do_not_stop_ica():
    rows, _ = mixed()
    flat = torch.cat([rows, torch.full((len(rows), 2), 3.0)], dim=1)
    dictionary = fitted(ICA(), flat)
    assert dictionary.num_atoms == WIDTH + 2
    torch.testing.assert_close(dictionary.rebuild(flat), flat, atol=1e-4, rtol=0)


def test_few_components_come_from_the_principal_ones():
    rows, _ = mixed()
    plane = fitted(PCA(num_atoms=3), rows).atoms
    atoms = fitted(ICA(num_atoms=3), rows).atoms
    torch.testing.assert_close(atoms @ plane.T @ plane, atoms, atol=1e-3, rtol=0)


def test_non_negative_parts_are_recovered():
    rows, parts = in_parts()
    dictionary = fitted(
        NMF(num_atoms=5, split_about="zero", max_iterations=200), rows, seed=1
    )
    assert mmcs(parts, dictionary.atoms) > 0.98
    assert dictionary.atoms.min() > -1e-6
    assert torch.equal(dictionary.centre, torch.zeros(20))


@pytest.mark.parametrize("method", [ICA, NMF])
def test_how_the_fit_ended_is_kept_and_saved(method, tmp_path):
    rows, _ = mixed()
    cut = fitted(method(max_iterations=1, num_vectors=1_200), rows, folder=tmp_path)
    assert cut.outcome == {
        "num_vectors": 1_200,
        "num_iterations": 1,
        "has_converged": False,
    }
    loaded = load_dictionary(tmp_path / method.kind / "seed-0")
    assert loaded.outcome == cut.outcome
    short = fitted(method(max_iterations=2_000), rows, steps=2)
    assert short.outcome["num_vectors"] == 1_000
    assert short.outcome["has_converged"]


@pytest.mark.parametrize("method", [ICA, NMF])
def test_only_the_stated_vectors_are_read(method):
    rows, _ = mixed()
    stated = fitted(method(num_vectors=1_000), rows, steps=8)
    assert torch.equal(stated.encoder, fitted(method(), rows, steps=2).encoder)


class Stops:
    """A stream that ends the fit with an error at one block."""

    def __init__(self, blocks, at):
        self.blocks, self.at, self.sites, self.width = (
            blocks,
            at,
            blocks.sites,
            blocks.width,
        )

    def block(self, i):
        if i == self.at:
            raise InterruptedError
        return self.blocks.block(i)


@pytest.mark.parametrize("method", [ICA, NMF, NeuronBasis, OrthonormalBasis])
def test_a_fit_that_stopped_ends_in_the_same_bytes(method, tmp_path):
    blocks = RowBlocks(rows={"here": mixed()[0]}, block_rows=500, seed=0)
    (whole,) = fit([method(k=2)], blocks, [0], steps=8)
    with pytest.raises(InterruptedError):
        fit([method(k=2)], Stops(blocks, 5), [0], steps=8, folder=tmp_path,
            checkpoint_seconds=0.0, clock=itertools.count().__next__)  # fmt: skip
    ica._unmixed.cache_clear()
    nmf._factored.cache_clear()
    (resumed,) = fit([method(k=2)], blocks, [0], steps=8, folder=tmp_path)
    for name, tensor in whole.dictionary.tensors().items():
        assert torch.equal(tensor, resumed.dictionary.tensors()[name]), name


@pytest.mark.parametrize("method", [ICA, NMF])
def test_members_that_differ_in_k_share_their_atoms(method):
    rows, _ = mixed()
    few, every = fitted(method(k=2), rows), fitted(method(), rows)
    assert torch.equal(few.atoms, every.atoms)
    assert int(few.encode(rows).l0().max()) == 2


@pytest.mark.parametrize("method", [ICA, NMF])
def test_rows_that_are_all_equal_are_refused(method):
    with pytest.raises(UserError, match="all equal"):
        fitted(method(), torch.ones(500, WIDTH), steps=1)


@pytest.mark.parametrize("basis", [NeuronBasis, OrthonormalBasis])
def test_every_coordinate_of_a_basis_rebuilds_exactly_and_keeps_norms(basis):
    rows, _ = mixed()
    dictionary = fitted(basis(), rows)
    torch.testing.assert_close(dictionary.rebuild(rows), rows, atol=1e-5, rtol=0)
    turn = dictionary.atoms
    torch.testing.assert_close(turn @ turn.T, torch.eye(WIDTH), atol=1e-6, rtol=0)
    norms = (rows - dictionary.centre).norm(dim=1)
    torch.testing.assert_close(dictionary.encode(rows).dense().norm(dim=1), norms)
    torch.testing.assert_close(dictionary.centre, rows.mean(dim=0), atol=1e-5, rtol=0)


def test_atom_of_the_neuron_basis_is_the_neuron():
    rows, _ = mixed()
    dictionary = fitted(NeuronBasis(k=1), rows)
    assert torch.equal(dictionary.atoms, torch.eye(WIDTH))
    centred = rows - dictionary.centre
    assert torch.equal(dictionary.encode(rows).indices[:, 0], centred.abs().argmax(dim=1))


def test_rotations_have_no_preferred_sign():
    # Without the fix of signs the first entry of QR's first column is never positive.
    firsts = [float(OrthonormalBasis().directions(3, seed)[0, 0]) for seed in range(60)]
    assert 15 <= sum(first > 0 for first in firsts) <= 45


@pytest.mark.parametrize(
    ("made", "match"),
    [
        (lambda: ICA(num_vectors=1), "num_vectors is 1"),
        (lambda: ICA(tolerance=0.0), "tolerance is 0.0"),
        (lambda: ICA(max_iterations=0), "max_iterations is 0"),
        (lambda: NMF(max_iterations=0), "max_iterations is 0"),
        (lambda: NMF(split_about="median"), "split_about is 'median'"),
        (lambda: NeuronBasis(num_blocks=0), "num_blocks is 0"),
        (lambda: fitted(ICA(num_atoms=9), mixed()[0]), "at most the width"),
        (lambda: fitted(NeuronBasis(k=9), mixed()[0]), "k is 9"),
    ],
)
def test_settings_that_cannot_be_are_refused(made, match):
    with pytest.raises(UserError, match=match):
        made()


def test_both_sides_of_a_basis_rebuild_what_it_does():
    rows, _ = mixed()
    basis = fitted(PCA(), rows)
    both = halves(basis)
    code, signed = both.encode(rows).dense(), basis.encode(rows).dense()
    assert (code >= 0).all()
    torch.testing.assert_close(code[:, :WIDTH] - code[:, WIDTH:], signed)
    torch.testing.assert_close(both.rebuild(rows), basis.rebuild(rows))
    with pytest.raises(UserError, match="k left out"):
        halves(fitted(PCA(k=2), rows))
