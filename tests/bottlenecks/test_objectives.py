"""The losses by hand."""

import math

import pytest
import torch

from tacit.bottlenecks.objectives import ConceptLoss, class_terms, concept_accuracy

LOGITS = torch.tensor([[2.0, -1.0, 7.0], [0.0, 3.0, -7.0]])
TRUTH = torch.tensor([[1.0, 1.0], [0.0, 0.75]])
KNOWN = torch.tensor([[True, True], [False, True]])
PREVALENCE = torch.tensor([0.5, 0.2])
"""Ratios of negatives to positives of 1 and 4."""


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


# Of the three labels that are known: -log p, or its mean over a label of three quarters.
FIRST = softplus(-2.0)
SECOND = softplus(1.0)
FOURTH = 0.75 * softplus(-3.0) + 0.25 * softplus(3.0)


def loss(**settings) -> float:
    return float(ConceptLoss(prevalence=PREVALENCE, **settings)(LOGITS, TRUTH, KNOWN))


def test_the_loss_is_the_mean_over_known_labels_and_slots_are_left_out():
    assert loss() == pytest.approx((FIRST + SECOND + FOURTH) / 3)


def test_the_sum_is_as_many_times_as_much_as_there_are_concepts():
    assert loss(is_summed=True) == pytest.approx(2 * loss())


def test_weight_scales_the_whole_term_and_pos_weight_the_positives():
    whole = (FIRST + 4 * (SECOND + FOURTH)) / 3
    positives = (FIRST + 4 * SECOND + 4 * 0.75 * softplus(-3.0) + 0.25 * softplus(3.0)) / 3
    assert loss(imbalance="weight") == pytest.approx(whole)
    assert loss(imbalance="pos_weight") == pytest.approx(positives)


def test_the_penalty_is_the_squared_distance_from_plus_or_minus_three():
    # Targets 3, 3 and 6 * 0.75 - 3 = 1.5; summed over concepts, averaged over two images.
    distance = ((2 - 3) ** 2 + (-1 - 3) ** 2 + (3 - 1.5) ** 2) / 2
    assert loss(information_penalty=0.1) == pytest.approx(loss() + 0.1 * distance)


def test_nothing_known_costs_nothing():
    nothing = torch.zeros_like(KNOWN)
    assert float(ConceptLoss(prevalence=PREVALENCE)(LOGITS, TRUTH, nothing)) == 0


def test_learners_side_by_side_are_measured_one_by_one():
    both = torch.stack([LOGITS, LOGITS.flip(0)])
    truth, known = TRUTH.expand(2, -1, -1), KNOWN.expand(2, -1, -1)
    measure = ConceptLoss(
        prevalence=PREVALENCE, imbalance="weight", information_penalty=0.1
    )
    found, right = measure(both, truth, known), concept_accuracy(both, truth, known)
    for place in range(2):
        assert found[place] == pytest.approx(float(measure(both[place], TRUTH, KNOWN)))
        alone = concept_accuracy(both[place], TRUTH, KNOWN)
        assert right[place] == pytest.approx(float(alone))


def test_concept_accuracy_counts_known_labels():
    assert float(concept_accuracy(LOGITS, TRUTH, KNOWN)) == pytest.approx(2 / 3)


def test_class_terms_are_those_of_the_softmax():
    logits = torch.tensor([[[0.0, math.log(3)], [0.0, 0.0]]])
    found = class_terms(logits, torch.tensor([[1, 1]]))
    assert float(found["loss"]) == pytest.approx((-math.log(0.75) + math.log(2)) / 2)
    # A tie goes to the first class.
    assert float(found["class_accuracy"]) == 0.5
