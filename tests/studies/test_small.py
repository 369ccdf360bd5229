"""The figures and rules of the small transformers' study, on tables whose answers are known."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tacit.base.records import Gap
from tacit.dictionaries import InputContract
from tacit.dictionaries.dictionary import Dictionary
from tacit.dictionaries.selections import Relu
from tacit.studies.small_transformers.blocks import limits
from tacit.studies.small_transformers.cells import Cell, Pairing, agreement, pairing
from tacit.studies.small_transformers.claims import (
    both_above,
    chance_passes,
    claims,
)
from tacit.studies.small_transformers.examples import NUM_EXAMPLES, Example
from tacit.studies.small_transformers.figures import (
    alike_of,
    best_of,
    excess_of,
    most_shared,
    slope_of,
)
from tacit.studies.small_transformers.later import COUNTS, Counted
from tacit.studies.small_transformers.settings import SmallSettings
from tacit.studies.small_transformers.subjects import HeldOutLoss

SETTINGS = SmallSettings(
    seeds=(100, 101, 102), ratios=(2, 4, 8, 16), control_ratios=(2, 4, 8)
)


def paired(**changes) -> Pairing:
    plain = {
        "shared": 8, "shared_share": 0.5, "matched": 0.8, "best": 0.8, "floor": 0.3,
        "bimodal_p": 0.01, "valley": 0.1, "low_mode": 0.3, "high_mode": 0.95,
        "participation": 0.9, "cosines": [0.3, 0.95],
    }  # fmt: skip
    return Pairing(**{**plain, **changes})


def cell(fit="main", ratio=2, **changes) -> Cell:
    plain = {
        "width": 16, "seed": 100, "fit": fit, "ratio": ratio, "atoms": 64 * ratio, "dims": 64,
        "penalty": 0.1, "fvu": 0.1, "l0": 5.0, "dead": 0, "rows": 100, "next": paired(),
    }  # fmt: skip
    return Cell(**{**plain, **changes})


def of_subject(seed, counts=(70, 150, 160), control=20, **changes):
    """A transformer's cells: the main fit with these counts, controls with another."""
    sizes, noise = SETTINGS.ratios, 0.01 * (seed - 100)
    cells = [
        cell(
            ratio=ratio,
            next=paired(shared=count, matched=0.5 + 0.1 * place - 0.1 * (place > 1) + noise,
                        valley=0.1 + noise, participation=0.9 + noise, **changes),
            l0=5.0 + noise,
        )
        for place, (ratio, count) in enumerate(zip(sizes, counts, strict=False))
    ]  # fmt: skip
    cells.append(cell(ratio=16, next=None, l0=5.1))
    for fit in ("random", "embedding", "shuffled"):
        own = [cell(fit, ratio, next=paired(shared=control)) for ratio in (2, 4)]
        cells += [*own, cell(fit, 8, next=None)]
    cells += [cell("divided", ratio, l0=5.0 * ratio / 2) for ratio in (4, 8)]
    return cells


def all_cells(**changes):
    return {each: of_subject(each[1], **changes) for each in SETTINGS.subjects}


def judged(cells, examples=(), counts=()):
    found = claims(SETTINGS, cells, list(examples), list(counts))
    return {each.claim: each for each in found}


def test_counts_are_over_dimensions_and_controls_at_their_own_sizes():
    cells = of_subject(100)
    assert most_shared(cells, "main") == 160 / 64
    assert most_shared(cells, "main", (2, 4)) == 150 / 64
    assert best_of(cells)[0].ratio == 8
    assert excess_of(SETTINGS, cells) == pytest.approx((150 - 20) / 64)


def test_slopes_tell_one_penalty_from_a_divided_one():
    cells = of_subject(100)
    assert slope_of(SETTINGS, cells, divided=False) == pytest.approx(0, abs=1e-9)
    assert slope_of(SETTINGS, cells, divided=True) == pytest.approx(1)
    dead = [replace(each, l0=0.0) for each in cells]
    assert slope_of(SETTINGS, dead, divided=False) is None


def test_claims_follow_their_rules():
    found = judged(all_cells())
    judgements = {name: each.judgement for name, each in found.items()}
    assert judgements["more-features-than-dimensions"] == "reproduced"
    assert judgements["bimodal-cosines"] == "reproduced"
    assert judgements["one-alpha-for-all-sizes"] == "reproduced"
    assert judgements["not-sparse-in-neurons"] == "reproduced"
    assert judgements["interpretable-examples"] == "inconclusive"
    assert judgements["later-layer-2-twice"] == "not testable at this scale"


def test_what_controls_find_too_is_not_reproduced():
    found = judged(all_cells(control=200))["more-features-than-dimensions"]
    assert found.measured.value > 1
    assert found.judgement == "not reproduced"


def test_one_transformer_with_one_mode_leaves_two_modes_open():
    cells = all_cells()
    first = SETTINGS.subjects[0]
    cells[first] = of_subject(100, bimodal_p=0.2)
    assert judged(cells)["bimodal-cosines"].judgement == "inconclusive"


def test_a_plateau_is_a_rise_and_then_little():
    rising = judged(all_cells())["rise-then-plateau"]
    # .5, .6, .6: up by .1, then no change.
    assert rising.measured.value == pytest.approx(0.1)
    assert rising.judgement == "reproduced"


@pytest.mark.parametrize(
    ("sides", "judgement"),
    [
        (("above", "above"), "reproduced"),
        (("above", "across"), "inconclusive"),
        (("across", "below"), "not reproduced"),
    ],
)
def test_two_intervals_make_one_judgement(sides, judgement):
    assert both_above(*sides) == judgement


def example(subject, kind, share, contexts=NUM_EXAMPLES):
    width, seed = subject
    return Example(
        width=width, seed=seed, ratio=4, kind=kind, feature=0, contexts=contexts, label="name",
        label_share=share, token="x", token_share=0.1, shown="",
    )  # fmt: skip


def test_examples_are_judged_beside_random_directions():
    features = [
        example(each, "feature", share)
        for number, each in enumerate(SETTINGS.subjects)
        for share in (0.9, 0.8, 0.9 if number % 2 else 0.1)
    ]
    random = [example(each, "random direction", 0.3) for each in SETTINGS.subjects]
    found = judged(all_cells(), [*features, *random])["interpretable-examples"]
    assert found.judgement == "reproduced"
    assert alike_of(SETTINGS, random, "random direction")[SETTINGS.subjects[0]] == 0
    few = [example(each, "feature", 1.0, contexts=1) for each in SETTINGS.subjects]
    missing = judged(all_cells(), [*few, *random])["interpretable-examples"]
    assert isinstance(missing.measured, Gap)


@pytest.mark.parametrize(
    ("shared", "judgement"),
    [((300, 350, 400), "reproduced"), ((10, 20, 30), "not reproduced")],
)
def test_later_counts_are_held_against_the_published_ones(shared, judgement):
    counts = [
        Counted(claim=COUNTS[0].claim, seed=seed, atoms=1024, shared=each)
        for seed, each in zip(SETTINGS.seeds, shared, strict=True)
    ]
    found = judged(all_cells(), counts=counts)
    assert found[COUNTS[0].claim].judgement == judgement
    assert found[COUNTS[1].claim].judgement == "not testable at this scale"


def test_chance_passes_few_rows():
    assert 0 <= chance_passes(all_cells()) < 0.6


def dictionary(atoms):
    return Dictionary(
        atoms=atoms, encoder=atoms, encoder_bias=torch.zeros(len(atoms)),
        centre=torch.zeros(atoms.shape[1]), scale=1.0, selection=Relu(),
        contract=InputContract(), method="relu-l1", seed=0,
    )  # fmt: skip


def unit(rows, width, seed):
    raw = torch.from_numpy(np.random.default_rng(seed).standard_normal((rows, width)))
    return (raw / raw.norm(dim=1, keepdim=True)).float()


def test_a_pairing_counts_atoms_that_are_there_again():
    small = unit(40, 32, 0)
    large = torch.cat([small[:25], unit(55, 32, 1)])
    found = pairing(dictionary(small), dictionary(large), seed=0)
    assert found.shared == 25
    assert found.shared_share == pytest.approx(25 / 40)
    assert len(found.cosines) == 40
    assert found.valley < 0.2
    assert found.bimodal_p < 0.05
    assert found.participation == pytest.approx(1, abs=0.2)
    assert pairing(dictionary(small), dictionary(unit(80, 32, 2)), seed=0).shared == 0


def test_agreement_is_one_of_a_dictionary_with_itself():
    one = dictionary(unit(16, 8, 0))
    found = agreement(16, 0, 2, "same", (one, dictionary(one.atoms[torch.randperm(16)])))
    assert found.shared_cosine == pytest.approx(1)
    assert found.shared_share == 1


def test_a_transformer_above_the_stated_loss_is_told():
    def lost(nats):
        return HeldOutLoss(
            width=16, seed=100, parameters=1, nats=nats, low=nats, high=nats, unigram=6.0,
            trigram=3.0, documents=9,
        )  # fmt: skip

    assert "above what was stated" not in " ".join(limits(SETTINGS, [lost(4.1)]).items)
    assert "width 16, seed 100" in " ".join(limits(SETTINGS, [lost(4.5)]).items)
    other = SETTINGS.model_copy(update={"source": "my texts"})
    assert other.stated(16) is None
    assert len(limits(other, [lost(9.0)]).items) == len(limits(SETTINGS, [lost(1.0)]).items)
