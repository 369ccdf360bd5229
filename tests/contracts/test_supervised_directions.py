"""What every way of making directions from labels must keep: each entry of SUPERVISED."""

import numpy as np
import pytest
import torch

from tacit.base.errors import UserError
from tacit.dictionaries import (
    SUPERVISED,
    DifferenceOfMeans,
    LabelledRows,
    LogisticProbes,
    load_dictionary,
    save_dictionary,
)
from tacit.metrics.fidelity import fraction_variance_unexplained

WIDTH, NAMES = 12, ("verb", "noun", "name", "sign")


def labelled(count=600, *, scale=1.0, margin=0.5):
    """Rows that a plane separates by each label, with a gap of ``margin`` about the plane."""
    rng = np.random.default_rng(0)
    normals, _ = np.linalg.qr(rng.standard_normal((WIDTH, WIDTH)))
    normals = normals[: len(NAMES)]
    rows = rng.standard_normal((count, WIDTH))
    sides = np.sign(rows @ normals.T)
    rows += margin * sides @ normals
    labels = {name: torch.from_numpy(sides[:, i] > 0) for i, name in enumerate(NAMES)}
    made = torch.from_numpy(scale * (rows + 2.0)).float()
    return LabelledRows(rows=made, labels=labels), torch.from_numpy(normals).float()


@pytest.fixture(params=sorted(SUPERVISED))
def kind(request):
    return SUPERVISED[request.param]


@pytest.fixture(params=[None, 2])
def method(request, kind):
    return kind(k=request.param)


def test_kind_is_the_name_in_the_table(kind):
    assert SUPERVISED[kind.kind] is kind


def test_one_unit_atom_a_label_in_order(method):
    given, _ = labelled()
    dictionary = method.fit(given)
    assert dictionary.outcome["labels"] == list(NAMES)
    assert dictionary.outcome["num_vectors"] == 600
    lengths = dictionary.atoms.norm(dim=1)
    torch.testing.assert_close(lengths, torch.ones(4), atol=1e-6, rtol=0)


def test_a_value_above_zero_says_that_the_label_holds(kind):
    given, normals = labelled()
    dictionary = kind().fit(given)
    assert (dictionary.atoms * normals).sum(dim=1).min() > 0.9
    said = dictionary.encode(given.rows).dense() > 0
    truth = torch.stack(list(given.labels.values()), dim=1)
    assert (said == truth).float().mean() > 0.95


def test_k_values_are_the_largest_of_all(kind):
    given, _ = labelled()
    few = kind(k=2).fit(given).encode(given.rows)
    every = kind().fit(given).encode(given.rows).dense()
    assert int(few.l0().max()) == 2
    assert torch.equal(few.dense().argmax(dim=1), every.argmax(dim=1))


def test_code_of_one_row_does_not_depend_on_its_batch(method):
    given, _ = labelled()
    dictionary = method.fit(given)
    together = dictionary.encode(given.rows).dense()
    alone = dictionary.encode(given.rows[5:6]).dense()[0]
    torch.testing.assert_close(together[5], alone, atol=1e-5, rtol=1e-4)


def test_it_beats_predicting_the_mean_at_any_scale(method):
    fvu = []
    for scale in (1.0, 1000.0):
        given, _ = labelled(scale=scale)
        rebuilt = method.fit(given).rebuild(given.rows)
        fvu.append(fraction_variance_unexplained(given.rows, rebuilt))
    assert fvu[0] < 0.9
    assert fvu[1] == pytest.approx(fvu[0], rel=0.01)


def test_fitted_twice_and_saved_it_is_the_same(method, tmp_path):
    given, _ = labelled()
    one, two = method.fit(given), method.fit(given)
    save_dictionary(one, tmp_path)
    loaded = load_dictionary(tmp_path)
    for name, tensor in one.tensors().items():
        assert torch.equal(tensor, two.tensors()[name]), name
        assert torch.equal(tensor, loaded.tensors()[name]), name
    assert SUPERVISED[loaded.method](**loaded.settings) == method
    assert loaded.outcome == one.outcome


def test_rows_are_left_alone(method):
    given, _ = labelled()
    before = given.rows.clone()
    method.fit(given)
    assert torch.equal(given.rows, before)


def test_difference_of_means_is_its_closed_form():
    given, _ = labelled()
    dictionary = DifferenceOfMeans().fit(given)
    for atom, label in zip(dictionary.atoms, given.labels.values(), strict=True):
        expected = given.rows[label].mean(dim=0) - given.rows[~label].mean(dim=0)
        torch.testing.assert_close(atom, expected / expected.norm(), atol=1e-5, rtol=0)
    # A row midway between the two means is on the plane, however the gain turned out.
    label = given.labels["verb"]
    midway = (given.rows[label].mean(dim=0) + given.rows[~label].mean(dim=0)) / 2
    projected = (midway - dictionary.centre) @ dictionary.encoder.T
    assert float(projected[0] + dictionary.encoder_bias[0]) == pytest.approx(0, abs=1e-5)


def test_a_probe_separates_what_a_plane_can_separate():
    given, _ = labelled()
    dictionary = LogisticProbes(inverse_penalty=1_000.0).fit(given)
    said = dictionary.encode(given.rows).dense() > 0
    truth = torch.stack(list(given.labels.values()), dim=1)
    assert torch.equal(said, truth)
    assert dictionary.outcome["has_converged"]


def test_probes_that_did_not_converge_are_counted():
    given, _ = labelled()
    outcome = LogisticProbes(max_iterations=1).fit(given).outcome
    assert outcome["num_not_converged"] == 4
    assert not outcome["has_converged"]


def spoiled(**change):
    given, _ = labelled(40)
    return LabelledRows(**{"rows": given.rows, "labels": given.labels, **change})


@pytest.mark.parametrize(
    ("made", "match"),
    [
        (lambda: spoiled(labels={}), "no labels"),
        (
            lambda: spoiled(labels={"verb": torch.ones(40, dtype=torch.bool)}),
            "40 of them true",
        ),
        (lambda: spoiled(labels={"verb": torch.eye(39)[0] > 0}), "39 entries for 40 rows"),
        (lambda: spoiled(rows=torch.full((40, 3), torch.nan)), "NaN"),
        (lambda: LogisticProbes(inverse_penalty=0.0), "inverse_penalty is 0.0"),
        (lambda: LogisticProbes(max_iterations=0), "max_iterations is 0"),
        (lambda: DifferenceOfMeans(k=0), "k is 0"),
        (lambda: DifferenceOfMeans(k=5).fit(labelled()[0]), "number of atoms, 4"),
        (lambda: DifferenceOfMeans().fit(spoiled(rows=torch.ones(40, 3))), "no direction"),
    ],
)
def test_what_cannot_be_is_refused_by_name(made, match):
    with pytest.raises(UserError, match=match):
        made()
