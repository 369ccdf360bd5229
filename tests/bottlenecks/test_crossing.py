"""Crossed wires move what a stage says, and heads come to read every encoder."""

import numpy as np
import pytest
import torch

from bottlenecks.toy_images import BRIEF, FAST, QUICK, toy_images, toy_model, weights
from tacit.base.errors import UserError
from tacit.bottlenecks.crossing import CrossStage, cross
from tacit.bottlenecks.reading import read_out
from tacit.bottlenecks.swapping import swap
from tacit.bottlenecks.training import train

IMAGES = toy_images()


@pytest.fixture(scope="module")
def models():
    return [train(toy_model(seed), IMAGES, QUICK, seed=seed).model for seed in range(2)]


def moved(one, other) -> bool:
    after = weights(other)
    return any(not torch.equal(value, after[name]) for name, value in weights(one).items())


@pytest.mark.parametrize(
    "moves, heads, encoders",
    [("heads", True, False), ("encoders", False, True), ("both", True, True)],
)
def test_only_what_a_stage_says_moves(models, moves, heads, encoders):
    before = [weights(model) for model in models]
    found = cross(models, IMAGES, [CrossStage(moves=moves, descent=BRIEF)], QUICK, seed=0)
    for model, crossed, held in zip(models, found.models, before, strict=True):
        assert moved(model.head, crossed.head) == heads
        assert moved(model.encoder, crossed.encoder) == encoders
        assert all(torch.equal(value, held[name]) for name, value in weights(model).items())
        assert all(each.requires_grad for each in crossed.parameters())
    assert [epoch.stage for epoch in found.history] == [f"crossed {moves} 0"] * 2


def test_heads_under_crossed_wires_read_every_encoder_alike(models):
    long = FAST.model_copy(
        update={
            "num_epochs": 80,
            "learning_rate": 0.1,
            "schedule": "cosine",
            "keep_best": False,
        }
    )
    stage = CrossStage(moves="heads", descent=long, is_fresh=True)
    starts = [toy_model(seed) for seed in (7, 8)]
    found = cross(models, IMAGES, [stage], QUICK, seed=0, starts=starts)
    logits = [read_out(model, IMAGES.pixels).concept_logits for model in found.models]
    classes = IMAGES.classes.numpy()
    accuracy = swap(logits, [model.head for model in found.models], classes).accuracy
    by_head = np.ptp(accuracy, axis=1)
    # Both learned the same mixture, on which a linear head has one best.
    assert (by_head < 0.1).all()
    last = found.history[-1].validation
    assert last["class_accuracy"] == pytest.approx(last["own_class_accuracy"], abs=0.1)


def test_fresh_parts_begin_as_in_the_starts(models):
    still = BRIEF.model_copy(
        update={"optimiser": "sgd", "learning_rate": 1e-12, "weight_decay": 0.0}
    )
    starts = [toy_model(seed) for seed in (7, 8)]
    stage = CrossStage(moves="heads", descent=still, is_fresh=True)
    found = cross(models, IMAGES, [stage], QUICK, seed=0, starts=starts)
    for crossed, start in zip(found.models, starts, strict=True):
        for name, value in weights(start.head).items():
            torch.testing.assert_close(crossed.head.state_dict()[name], value)


def test_stages_follow_each_other_and_the_seed_decides(models):
    stages = [
        CrossStage(moves="both", descent=BRIEF),
        CrossStage(moves="heads", descent=BRIEF),
    ]
    one, again, other = (
        cross(models, IMAGES, stages, QUICK, seed=seed) for seed in (0, 0, 1)
    )
    assert [epoch.stage for epoch in one.history] == ["crossed both 0"] * 2 + [
        "crossed heads 1"
    ] * 2
    assert one.history == again.history
    assert one.history != other.history


def test_what_cannot_be_crossed_is_refused(models):
    stages = [CrossStage(moves="heads", descent=BRIEF, is_fresh=True)]
    with pytest.raises(UserError, match="give two or more"):
        cross(models[:1], IMAGES, stages, QUICK, seed=0)
    with pytest.raises(UserError, match="unlike shape"):
        cross([toy_model(), toy_model(head_width=2)], IMAGES, stages, QUICK, seed=0)
    with pytest.raises(UserError, match="2 models with 0 starts"):
        cross(models, IMAGES, stages, QUICK, seed=0)
