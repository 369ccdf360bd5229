"""Steering by the feature that is known to cause a token writes it; by a random one does not."""

from dataclasses import replace

import numpy as np
import pytest

from evaluations.copied_text import with_subject
from tacit.base.records import Gap
from tacit.evaluations.behaviours import behaviour_of, own_tokens, telling_atom
from tacit.evaluations.prefixes import prefixes_in, richest_stretches
from tacit.evaluations.read_windows import windows_of
from tacit.evaluations.readings import Reading, figure_over, grouped
from tacit.evaluations.steered import SteeringOf

QUICK = SteeringOf(labels=2, prefixes=24, prefix_tokens=8, strengths=(0.5, 0.75, 1.0, 1.5))


def figures(evidence):
    readings = QUICK.read(evidence, seed=0)
    assert all(isinstance(each, Reading) for each in readings)
    found = {}
    for (name, of), units in grouped(readings).items():
        over = figure_over(units)
        assert over is not None
        found[name, dict(of).get("way")] = over.value
    return found


@pytest.fixture(scope="module")
def found(copied):
    return {
        quality: figures(evidence)
        for quality, evidence in copied.items()
        if quality != "good"
    }


def test_the_feature_that_causes_a_token_brings_it_about(found):
    shares = found["perfect"]
    assert shares["steered_share", "feature"] > shares["steered_share", "unsteered"] + 0.3
    assert shares["steered_share", "feature"] > shares["steered_share", "random"] + 0.3


def test_the_feature_of_a_random_dictionary_does_not(found):
    assert found["random"]["steered_share", "feature"] < (
        found["perfect"]["steered_share", "feature"] - 0.3
    )
    assert found["random"]["steering_advantage", None] < -0.2


def test_other_ways_do_not_depend_on_the_dictionary(found):
    for way in ("unsteered", "difference of means", "prompt"):
        key = ("steered_share", way)
        assert found["perfect"][key] == pytest.approx(found["random"][key])


def test_the_advantage_is_the_difference_of_the_two_shares(found):
    for shares in found.values():
        assert shares["steering_advantage", None] == pytest.approx(
            shares["steered_share", "feature"]
            - shares["steered_share", "difference of means"]
        )


def test_the_feature_is_the_one_that_tells_the_next_token(copied_circuit, copied):
    evidence = copied["perfect"]
    behaviour = behaviour_of(evidence, evidence.live, evidence.concept("is d"))
    assert telling_atom(evidence, behaviour.rows, behaviour.has_it) == copied_circuit.row(
        "copied", "d"
    )
    silent = replace(evidence, codes=evidence.codes * 0)
    assert telling_atom(silent, behaviour.rows, behaviour.has_it) is None


def test_a_labels_own_tokens_are_those_that_mostly_have_it(copied_circuit, copied):
    evidence = copied["perfect"]
    own = own_tokens(evidence, evidence.live, evidence.concept("is d"))
    assert own == frozenset(copied_circuit.subject.tokenize("d").ids)


def test_prefixes_begin_with_bos_and_do_not_overlap(copied_circuit, copied):
    evidence, bos = copied["perfect"], copied_circuit.subject.bos_id
    windows = windows_of(evidence, evidence.live, held_out=True, most=4)
    rng = np.random.default_rng(0)
    found = prefixes_in(evidence, windows, tokens=8, most=99, bos=bos, rng=rng)
    assert {len(ids) for ids in found.ids} == {8} and {ids[0] for ids in found.ids} == {bos}
    assert evidence.held_out[np.isin(evidence.document, found.document)].all()
    assert len(found.ids) * 7 <= windows.usable.sum()
    cued = found.after("prompt", [[5, 6], [7, 8]]).cued
    assert cued[0] == [bos, 5, 6, *found.ids[0][1:]] and cued[1][1:3] == [7, 8]


def test_the_richest_stretch_holds_most_wanted_tokens(copied_circuit, copied):
    evidence = copied["perfect"]
    windows = windows_of(evidence, evidence.live, held_out=False, most=99)
    (wanted,) = copied_circuit.subject.tokenize("d").ids
    stretches = richest_stretches(windows, {wanted}, 8, 3)
    assert [each.count(wanted) for each in stretches] == [4, 4, 4]
    assert richest_stretches(windows, {wanted}, 99, 3) == []


def test_what_cannot_be_steered_is_said(copied):
    evidence = copied["perfect"]
    label = evidence.concept("is a")
    mixed = replace(label, name="mixed", truth=np.arange(evidence.num_rows) % 2)
    always = replace(label, name="always", truth=np.ones(evidence.num_rows, dtype=np.int64))
    gaps = QUICK.read(replace(evidence, concepts=(mixed, always)), seed=0)
    assert all(isinstance(each, Gap) for each in gaps)
    assert {each.of.get("concept") for each in gaps} == {"mixed", "always", None}
    assert "predicts no next token" in (
        QUICK.read(with_subject(evidence, is_causal=False), seed=0)[0].reason
    )
    assert "reads 32 of 38 tokens" in SteeringOf().read(evidence, seed=0)[0].reason
