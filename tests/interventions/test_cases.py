"""Case studies of single features, on a dictionary whose features are known to be tokens."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tacit.activations.windows import Windows
from tacit.base.errors import UserError
from tacit.dictionaries.dictionary import Dictionary, InputContract
from tacit.dictionaries.selections import Relu
from tacit.interventions.cases import Case, case_of
from tacit.models import load_subject

SITE = "resid.0"


@pytest.fixture(scope="module")
def subject():
    return load_subject("stories")


@pytest.fixture(scope="module")
def windows(subject):
    text = "Mary gave a book to John. John was happy, so he went home."
    ids = subject.tokenizer(text)["input_ids"]
    rows = np.array([ids, ids[5:] + [-1] * 5])
    return Windows(ids=rows, usable=rows >= 0, document=np.zeros_like(rows), num_left_out=0)


@pytest.fixture(scope="module")
def of_direction(subject, windows):
    """Feature 0 is the coordinate along the mean; feature 1 never fires."""
    flow = subject.run(torch.from_numpy(windows.ids), sites=(SITE,))
    rows = flow.activations[SITE][torch.from_numpy(windows.usable)]
    first = rows.mean(0) / rows.mean(0).norm()
    atoms = torch.stack([first, first])
    return Dictionary(
        atoms=atoms,
        encoder=atoms,
        encoder_bias=torch.tensor([0.0, -1e6]),
        centre=torch.zeros(len(first)),
        scale=1.0,
        selection=Relu(),
        contract=InputContract(),
        method="by hand",
        seed=0,
    )


def test_values_tokens_and_rises_agree_with_runs_of_one_window(
    subject, windows, of_direction
):
    case = case_of(subject, windows, SITE, of_direction, 0)
    values, tokens, following, rises = [], [], [], []
    for row in windows.ids:
        ids = torch.from_numpy(row[row >= 0])[None]
        clean = subject.run(ids, sites=(SITE,), logits=True)
        own = (clean.activations[SITE][0] @ of_direction.atoms[0]).clamp(min=0)
        put = clean.activations[SITE] - own[None, :, None] * of_direction.atoms[0]
        edited = subject.run(ids, edits={SITE: lambda _, put=put: put}, logits=True)
        before, after = (e.logits[0].log_softmax(-1) for e in (clean, edited))
        for at in np.flatnonzero(own.numpy() > 0):
            values.append(float(own[at]))
            tokens.append(int(ids[0, at]))
            last = at == ids.shape[1] - 1
            next_one = -1 if last else int(ids[0, at + 1])
            following.append(next_one)
            rises.append(np.nan if last else float((before - after)[at, next_one]))
    assert len(case.values) == len(values) > 10
    np.testing.assert_allclose(case.values, values, rtol=1e-4)
    assert case.tokens.tolist() == tokens
    assert case.next_tokens.tolist() == following
    np.testing.assert_allclose(case.rises, rises, atol=1e-4)
    assert case.num_positions == windows.usable.sum()


def test_a_feature_that_is_never_active_is_refused(subject, windows, of_direction):
    with pytest.raises(UserError, match="active at none"):
        case_of(subject, windows, SITE, of_direction, 1)
    with pytest.raises(UserError, match="2"):
        case_of(subject, windows, SITE, of_direction, 2)


CASE = Case(
    feature=0,
    values=np.array([0.05, 0.9, 1.0, 0.65, 0.61, 0.6]),
    tokens=np.array([3, 3, 3, 3, 5, 5]),
    next_tokens=np.array([7, 7, -1, 8, 8, 8]),
    rises=np.array([0.02, 0.5, np.nan, 0.1, 0.7, -2.0]),
    documents=np.zeros(6, dtype=np.int64),
    num_positions=20,
)


def test_bins_are_tenths_of_the_largest_activation():
    counts = CASE.histogram()
    assert list(counts) == [3, 5]
    assert counts[3].tolist() == [1, 0, 0, 0, 0, 0, 1, 0, 1, 1]
    assert counts[5].tolist() == [0, 0, 0, 0, 0, 1, 1, 0, 0, 0]
    assert CASE.purity([3]) == pytest.approx(3 / 4)
    assert CASE.purity([3, 5]) == 1


def test_effects_are_those_of_a_tenth_of_a_nat_by_what_follows():
    found = CASE.effects()
    assert list(found) == [8, 7]
    assert found[8].tolist() == [0.1, 0.7]
    assert found[7].tolist() == [0.5]
    assert not replace(CASE, rises=np.full(6, -1.0)).effects()
