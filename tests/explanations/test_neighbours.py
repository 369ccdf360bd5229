"""The nearest features, against dense matrices of all pairs."""

import numpy as np
import pytest
import torch

from tacit.base.errors import UserError
from tacit.dictionaries import Dictionary, InputContract
from tacit.dictionaries.selections import TopKPositive
from tacit.explanations import neighbours
from tacit.explanations.neighbours import NONE, coactive, neighbours_of, similar
from tacit.features.build import build_index

SITE = "resid.0"


@pytest.fixture(params=[1 << 24, 40], ids=["at once", "a few at a time"])
def cells(request, monkeypatch):
    """All pairs together, and in blocks of one or two features."""
    monkeypatch.setattr(neighbours, "_CELLS_AT_ONCE", request.param)


def firings(density=0.1, num_rows=200, num_features=30):
    fires = np.random.default_rng(0).random((num_rows, num_features)) < density
    fires[:, 7] = False
    fires[:, 8] = fires[:, 9]
    rows, features = np.nonzero(fires)
    return fires, rows, features


def test_coactive_features_have_the_largest_jaccard_index(cells):
    fires, rows, features = firings()
    found = coactive(rows, features, fires.shape[1], 4)
    both = fires.T.astype(int) @ fires
    either = fires.sum(axis=0)[:, None] + fires.sum(axis=0) - both
    jaccard = np.where(both > 0, both / np.maximum(either, 1), 0)
    np.fill_diagonal(jaccard, 0)
    for feature, near in enumerate(found):
        kept = near[near != NONE]
        best = np.sort(jaccard[feature])[::-1][:4]
        np.testing.assert_allclose(jaccard[feature][kept], best[best > 0])
        assert feature not in kept
    assert found[8, 0] == 9
    assert (found[7] == NONE).all()
    assert 7 not in found


def test_similar_features_have_the_largest_cosine_and_fire(cells):
    atoms = torch.randn(30, 6, generator=torch.Generator().manual_seed(0))
    atoms *= torch.linspace(0.1, 5, 30)[:, None]
    firing = np.flatnonzero(np.arange(30) != 7)
    found = similar(atoms, firing, 4)
    unit = (atoms / atoms.norm(dim=1, keepdim=True)).numpy()
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -2)
    cosines[:, 7] = -2
    for feature, near in enumerate(found):
        best = np.sort(cosines[feature])[::-1][:4]
        np.testing.assert_allclose(cosines[feature][near], best, rtol=1e-5)


def test_fewer_features_than_neighbours_leave_places_empty():
    found = coactive(np.array([0, 0, 1]), np.array([0, 1, 2]), 3, 5)
    assert found.tolist() == [[1, *[NONE] * 4], [0, *[NONE] * 4], [NONE] * 5]


def test_an_index_without_firings_has_no_neighbours():
    none = np.empty(0, dtype=np.int64)
    assert (coactive(none, none, 3, 2) == NONE).all()


def test_no_neighbours_cannot_be_asked_for():
    with pytest.raises(UserError, match="0 neighbours"):
        coactive(np.array([0]), np.array([0]), 1, 0)


@pytest.fixture(scope="module")
def indexed(tmp_path_factory, tiny_store):
    atoms = torch.randn(40, 16, generator=torch.Generator().manual_seed(0))
    atoms /= atoms.norm(dim=1, keepdim=True)
    dictionary = Dictionary(
        atoms=atoms,
        encoder=atoms.clone(),
        encoder_bias=torch.zeros(40),
        centre=torch.zeros(16),
        scale=1.0,
        selection=TopKPositive(k=4),
        contract=InputContract(site=SITE),
        method="by hand",
        seed=0,
    )
    folder = tmp_path_factory.mktemp("indices") / "index"
    return build_index(dictionary, tiny_store, folder), dictionary


def test_neighbours_of_an_index_are_of_both_kinds(indexed):
    index, dictionary = indexed
    near = neighbours_of(index, dictionary, 3)
    assert near.coactive.shape == near.similar.shape == (40, 3)
    fired = index.query("SELECT row, feature FROM by_row")
    together = coactive(fired["row"], fired["feature"], 40, 3)
    assert (near.coactive == together).all()
    of = near.of(0)
    assert len(set(of)) == len(of) <= 6
    assert set(of) == {*near.coactive[0].tolist(), *near.similar[0].tolist()} - {NONE}


def test_another_dictionary_is_refused(indexed):
    index, dictionary = indexed
    other = Dictionary(**{**vars(dictionary), "scale": 2.0})
    with pytest.raises(UserError, match="neighbours were asked for by dictionary"):
        neighbours_of(index, other)
