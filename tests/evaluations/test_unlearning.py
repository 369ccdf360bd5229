"""Clamping the atom that is known to cause a token forgets that token, and nothing else."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import sparse

from evaluations.copied_text import with_subject
from tacit.base.errors import UserError
from tacit.base.records import Gap
from tacit.evaluations.clamping import clamp_of, sparse_atoms
from tacit.evaluations.concepts import UNKNOWN
from tacit.evaluations.read_windows import NONE, next_truth, windows_of
from tacit.evaluations.readings import Reading, figure_over, grouped
from tacit.evaluations.unlearning import Unlearning
from tacit.metrics.editing import dose_at_price, rise_at_price


def figures(evidence, **settings):
    readings = Unlearning(**settings).read(evidence, seed=0)
    assert all(isinstance(each, Reading) for each in readings)
    found = {}
    for (name, of), units in grouped(readings).items():
        over = figure_over(units)
        assert over is not None
        found[name, dict(of)["way"], dict(of)["atoms"]] = over.value
    return found


def test_the_atom_that_causes_a_token_forgets_it_at_no_price(copied_circuit, copied):
    found = figures(copied["perfect"])
    # A loss counts up to that of a guess among all words; what was known is nearly all of it.
    guess = math.log(copied_circuit.subject.vocab_size)
    assert guess - 0.2 < found["forgotten_at_price", "dictionary", 5] <= guess
    assert found["price_unreached", "dictionary", 5] == 1
    assert found["forgotten_at_price", "random atoms", 20] < 0.2


def test_better_dictionaries_forget_more(copied):
    values = [
        figures(copied[quality])["forgotten_at_price", "dictionary", 5]
        for quality in ("perfect", "good", "random")
    ]
    assert values[0] > values[1] > values[2]
    assert values[2] < 0.3


def test_only_the_atom_before_a_token_is_chosen(copied_circuit, copied):
    evidence = copied["perfect"]
    truth = next_truth(evidence, evidence.live, evidence.concept("is c"))
    rows = np.flatnonzero(evidence.train & (truth != UNKNOWN))
    chosen = sparse_atoms(evidence, rows, truth[rows] == 1, 0.01)
    assert chosen[0] == copied_circuit.row("copied", "c")


def test_a_clamp_turns_what_fires_and_leaves_what_is_silent(copied_circuit, copied):
    evidence = copied["perfect"]
    atom = copied_circuit.row("copied", "c")
    clamp = clamp_of(evidence, np.array([atom]))
    mean = float(clamp.means[0])
    value = 3 * copied_circuit.directions[[atom, atom - 1]][:, None]
    edited = clamp.edit(2.0, torch.ones(2, 1, dtype=torch.bool))(value)
    along = (edited[:, 0] @ copied_circuit.direction("copied", "c")).tolist()
    # The encoder's bias keeps .01 of a direction out of its activation.
    assert along == pytest.approx([-2 * mean + 0.01, 0.0], abs=1e-4)


def test_a_dictionary_without_fit_atoms_forgets_nothing(copied):
    evidence = copied["perfect"]
    silent = replace(
        evidence, codes=sparse.csr_array(evidence.codes.shape, dtype=np.float32)
    )
    found = figures(silent, atoms=(5,), labels=1)
    for way in ("dictionary", "random atoms"):
        assert found["forgotten_at_price", way, 5] == 0
        assert found["price_unreached", way, 5] == 1


def test_the_next_token_is_looked_up_inside_its_own_text(copied):
    evidence = copied["perfect"]
    concept = evidence.concept("is a")
    truth = next_truth(evidence, evidence.live, concept)
    for row, after in pairwise(range(40)):
        same = evidence.document[row] == evidence.document[after]
        assert truth[row] == (concept.truth[after] if same else UNKNOWN)


def test_windows_hold_one_side_and_count_what_they_leave_out(copied):
    evidence = copied["perfect"]
    read = windows_of(evidence, evidence.live, held_out=True, most=3)
    assert len(read.ids) == 3 and read.num_left_out > 0
    assert evidence.held_out[read.rows[read.rows != NONE]].all()
    token = evidence.live.store.column("token")
    assert (read.ids[read.usable] == token[evidence.rows[read.rows[read.usable]]]).all()


def test_what_cannot_be_forgotten_is_said(copied):
    evidence = copied["perfect"]
    never = replace(
        evidence.concept("is a"), truth=np.zeros(evidence.num_rows, dtype=np.int64)
    )
    always = replace(evidence.concept("is a"), name="all", truth=np.ones_like(never.truth))
    readings = Unlearning().read(replace(evidence, concepts=(never, always)), seed=0)
    assert all(isinstance(each, Gap) for each in readings)
    assert {each.of.get("concept") for each in readings} == {"is a", "all", None}
    encoder = with_subject(evidence, is_causal=False)
    gaps = Unlearning().read(encoder, seed=0)
    assert "predicts no next token" in gaps[0].reason


def test_the_rise_is_read_on_a_line_between_two_doses():
    costs, rises = np.array([0.0, 0.01, 0.09]), np.array([0.0, 1.0, 3.0])
    assert rise_at_price(costs, rises, 0.05) == pytest.approx(2.0)
    assert rise_at_price(costs, rises, 1.0) == 3.0
    assert dose_at_price(costs, 1.0) is None
    with pytest.raises(UserError, match="price above 0"):
        dose_at_price(costs, 0.0)
