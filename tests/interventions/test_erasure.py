"""Concepts planted in rows are gone after erasure, for the probes that should not find them."""

import numpy as np
import pytest
import torch

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.dictionaries.selections import TopKPositive
from tacit.interventions.erasure import Eraser, feature_erasers, probe, projections

from .conftest import WIDTH, dictionary_of, directions


def planted(count, seed=0, *, is_curved=False):
    """Rows with a concept along one direction; if curved also in whether another is far out."""
    generator = torch.Generator().manual_seed(seed)
    has_it = torch.rand(count, generator=generator) < 0.4
    rows = torch.randn(count, WIDTH, generator=generator)
    mixing = torch.randn(WIDTH, WIDTH, generator=torch.Generator().manual_seed(9))
    rows[:, 0] += 3 * has_it
    if is_curved:
        rows[:, 1] *= torch.where(has_it, 4.0, 0.25)
    return rows @ mixing, has_it


TRAIN, FAR = planted(4_000), planted(2_000, seed=1)


def probed(eraser, train=TRAIN, far=FAR):
    return probe((eraser.erase(train[0]), train[1]), (eraser.erase(far[0]), far[1]))


def test_a_concept_is_found_before_it_is_erased():
    found = probed(Eraser(name="none", erase=lambda rows: rows))
    for each in found.values():
        assert each.low > 0.85 > each.chance + 0.2
        assert not each.is_at_chance


@pytest.mark.parametrize("name", ["leace", "orth", "mean difference"])
def test_projections_leave_no_linear_trace(name):
    found = probed(projections(*TRAIN)[name])["linear"]
    assert found.is_at_chance
    assert found.chance == pytest.approx(0.6, abs=0.04)


def test_leace_moves_rows_least():
    """Against the other two, which also leave nothing: mean squared length of the change."""
    cost = {
        name: (each.erase(TRAIN[0]) - TRAIN[0]).square().sum(dim=1).mean().item()
        for name, each in projections(*TRAIN).items()
    }
    assert cost["leace"] < 0.98 * min(cost["orth"], cost["mean difference"])


def test_after_leace_the_classes_have_one_mean():
    """Which is what makes every linear probe useless, by theorem 3.1 of the paper."""
    rows, has_it = TRAIN
    erased = projections(rows, has_it)["leace"].erase(rows)
    apart = erased[has_it].mean(dim=0) - erased[~has_it].mean(dim=0)
    before = rows[has_it].mean(dim=0) - rows[~has_it].mean(dim=0)
    assert apart.norm() < 1e-4 * before.norm()


def test_what_is_not_linear_outlives_a_linear_erasure():
    train, far = planted(4_000, is_curved=True), planted(2_000, seed=1, is_curved=True)
    found = probed(projections(*train)["leace"], train, far)
    assert found["linear"].is_at_chance
    assert found["mlp"].low > found["mlp"].chance + 0.1


def test_the_feature_that_carries_a_concept_is_the_one_switched_off():
    atoms = torch.linalg.qr(directions(WIDTH)).Q
    dictionary = dictionary_of(atoms, TopKPositive(k=8), centre=torch.zeros(WIDTH))
    generator = torch.Generator().manual_seed(4)
    has_it = torch.rand(1_500, generator=generator) < 0.5
    code = torch.rand(1_500, WIDTH, generator=generator) * 0.5
    code[:, 13] += 2.0 * has_it
    rows = code @ atoms
    made = feature_erasers(dictionary, rows, has_it, np.random.default_rng(0), few=3)
    assert made["best feature"].features == (13,)
    assert 13 in made["best 3 features"].features
    assert len(made["best 3 features"].features) == 3
    gone = made["best feature"].erase(rows) @ atoms[13]
    active = dictionary.encode(rows).dense()[:, 13] > 0
    assert gone[active].abs().max() < 1e-4


def test_an_eraser_as_an_edit_touches_only_what_it_is_for():
    eraser = projections(*TRAIN)["leace"]
    value = TRAIN[0][:24].reshape(4, 6, WIDTH)
    where = torch.zeros(4, 6, dtype=torch.bool)
    where[1, 2:] = True
    edited = eraser.edit(where)(value)
    assert edited[~where].equal(value[~where])
    torch.testing.assert_close(edited[where], eraser.erase(value[where]))
    whole = eraser.erase(value.reshape(-1, WIDTH)).reshape(value.shape)
    torch.testing.assert_close(eraser.edit()(value), whole)


def test_a_concept_of_one_side_is_refused():
    rows = TRAIN[0][:10]
    for has_it in (torch.zeros(10, dtype=torch.bool), torch.ones(10, dtype=torch.bool)):
        with pytest.raises(UserError, match="two rows or more on each side"):
            projections(rows, has_it)
    dictionary = dictionary_of(directions(4), TopKPositive(k=1))
    with pytest.raises(UserError, match="lower few"):
        feature_erasers(dictionary, *TRAIN, np.random.default_rng(0), few=20)


def test_an_interval_over_documents_holds_the_truth_where_one_over_rows_does_not():
    """Rows of a document that are all told alike are one observation, not twenty."""
    held = {"documents": [], "rows": []}
    for number in range(60):
        rng = stream(number, "tests/erasure/documents")
        document = np.repeat(np.arange(24), 20)
        # Whole documents have their concept turned about, a quarter of all in the long run.
        turned = (rng.random(24) < 0.25)[document]
        truth = rng.random(len(document)) < 0.5
        seen = truth ^ turned
        rows = torch.from_numpy(np.where(seen, 1.0, -1.0)[:, None] + np.zeros((1, 2)))
        clear = torch.tensor([[1.0, 1.0]] * 30 + [[-1.0, -1.0]] * 30)
        train = clear + 0.01 * torch.from_numpy(rng.standard_normal((60, 2))).float()
        train = (train, torch.arange(60) < 30)
        given = (rows.float(), torch.from_numpy(truth))
        for name, documents in (("documents", document), ("rows", None)):
            told = probe(train, given, documents=documents)["linear"]
            held[name].append(told.low <= 0.75 <= told.high)
    assert np.mean(held["documents"]) >= 0.88  # 0.95 less two standard errors of 60
    assert np.mean(held["rows"]) < 0.6
