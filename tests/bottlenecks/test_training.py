"""Regimes learn what they should, and move what they should."""

import numpy as np
import pytest
import torch

from bottlenecks.toy_images import (
    BRIEF,
    FAST,
    QUICK,
    SMALL,
    TWIN_OF,
    UNVARIED,
    toy_images,
    toy_model,
    weights,
)
from tacit.base.errors import UserError
from tacit.bottlenecks.images import AugmentSettings
from tacit.bottlenecks.pretraining import pretrain_trunk
from tacit.bottlenecks.reading import read_out
from tacit.bottlenecks.stages import TrainSettings
from tacit.bottlenecks.training import train
from tacit.bottlenecks.trunks import new_trunk

IMAGES = toy_images()
REGIMES = ("independent", "sequential", "joint", "joint-then-frozen")


def settings(regime: str, descent=FAST, **more) -> TrainSettings:
    return QUICK.model_copy(
        update={"regime": regime, "encoder": descent, "head": descent, **more}
    )


def same(one, other) -> bool:
    return all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.fixture(scope="module", params=REGIMES)
def learned(request):
    # An independent head learns from zeros and ones.
    is_hard = request.param == "independent"
    model = toy_model(**({"carries": "sigmoid", "head_width": 16} if is_hard else {}))
    return request.param, train(model, IMAGES, settings(request.param), seed=0)


def test_every_regime_learns_the_concepts(learned):
    found = read_out(learned[1].model, IMAGES.pixels).concept_logits > 0
    assert (found == IMAGES.concepts.numpy().astype(bool)).mean() > 0.97


def test_only_what_learns_jointly_tells_twins_apart(learned):
    regime, trained = learned
    told = read_out(trained.model, IMAGES.pixels).class_logits.argmax(axis=1)
    classes = IMAGES.classes.numpy()
    assert ((told == classes) | (told == TWIN_OF[classes])).mean() > 0.95
    accuracy = (told == classes).mean()
    # The ceiling of two classes for each concept vector is one half.
    assert accuracy > 0.9 if regime.startswith("joint") else accuracy < 0.75


def test_the_history_has_every_epoch_of_every_stage(learned):
    regime, trained = learned
    stages = [epoch.stage for epoch in trained.history]
    first = "bottleneck" if regime.startswith("joint") else "concepts"
    later = [] if regime == "joint" else ["heads"] * FAST.num_epochs
    assert stages == [first] * FAST.num_epochs + later
    assert (
        trained.history[0].train["loss"]
        > trained.history[FAST.num_epochs - 1].train["loss"]
    )


def test_training_leaves_the_model_given_as_it_was():
    model = toy_model()
    before = weights(model)
    train(model, IMAGES, settings("joint", BRIEF), seed=0)
    assert same(before, weights(model))


def test_only_annotations_and_predictions_teach_the_head_of_a_frozen_encoder():
    by_concepts = [
        train(toy_model(carries="sigmoid"), IMAGES, settings(regime, BRIEF), seed=0).model
        for regime in ("independent", "sequential")
    ]
    one, other = (weights(model.encoder) for model in by_concepts)
    assert same(one, other)
    assert not same(*(weights(model.head) for model in by_concepts))


def test_a_joint_encoder_stays_as_it_was_once_frozen():
    joint = train(toy_model(), IMAGES, settings("joint", BRIEF), seed=0).model
    then = train(toy_model(), IMAGES, settings("joint-then-frozen", BRIEF), seed=0).model
    assert same(weights(joint.encoder), weights(then.encoder))
    assert not same(weights(joint.head), weights(then.head))


def test_the_same_seed_gives_the_same_weights_and_another_does_not():
    varied = settings(
        "joint", BRIEF, augment=AugmentSettings(shift_pixels=1, brightness=0.1)
    )
    model = toy_model(trunk_dropout=0.2, concept_dropout=0.2, head_dropout=0.2)
    one, again, other = (
        weights(train(model, IMAGES, varied, seed=seed).model) for seed in (0, 0, 1)
    )
    assert same(one, again)
    assert not same(one, other)


def test_unknown_labels_teach_nothing_and_are_counted():
    hidden, wrong = toy_images(), toy_images()
    for images in (hidden, wrong):
        images.known[::2, 0] = False
    wrong.concepts[::2, 0] = 1 - wrong.concepts[::2, 0]
    model = toy_model()
    one, other = (
        train(model, images, settings("sequential", BRIEF), seed=0)
        for images in (hidden, wrong)
    )
    assert same(weights(one.model), weights(other.model))
    assert one.num_unknown == int((~hidden.known[hidden.train_rows]).sum()) == 120


def test_slots_are_read_and_not_supervised():
    trained = train(toy_model(num_slots=3), IMAGES, settings("joint"), seed=0)
    found = read_out(trained.model, IMAGES.pixels)
    assert found.concept_logits.shape == (len(IMAGES.pixels), 5)
    assert (found.class_logits.argmax(axis=1) == IMAGES.classes.numpy()).mean() > 0.9


def test_a_penalised_code_is_drawn_to_three_on_either_side():
    images, short = toy_images(160), FAST.model_copy(update={"num_epochs": 8})
    truth = images.concepts.numpy()
    distances = []
    for penalty in (0.0, 1.0):
        chosen = settings("joint", short, information_penalty=penalty)
        trained = train(toy_model(), images, chosen, seed=0)
        found = read_out(trained.model, images.pixels).concept_logits
        distances.append(np.abs(found - (6 * truth - 3)).mean())
    assert distances[1] < 0.5 < distances[0]


def test_a_pretrained_trunk_has_learned_and_the_one_given_has_not():
    trunk = new_trunk(SMALL, seed=0)
    before = weights(trunk)
    found = pretrain_trunk(trunk, toy_images(seed=1), FAST, seed=0, augment=UNVARIED)
    assert same(before, weights(trunk))
    assert found.history[-1].validation["class_accuracy"] > 0.9
    assert not same(before, weights(found.trunk))


@pytest.mark.parametrize(
    "shape, regime, told",
    [
        ({"num_concepts": 3}, "joint", "set num_concepts"),
        ({"num_classes": 7}, "joint", "classes up to 7"),
        ({"num_slots": 1}, "sequential", "in which nothing trains"),
        ({"carries": "logits"}, "independent", "sigmoid or hard"),
    ],
)
def test_what_cannot_be_trained_is_refused(shape, regime, told):
    with pytest.raises(UserError, match=told):
        train(toy_model(**shape), IMAGES, settings(regime), seed=0)


def test_batches_of_one_image_are_refused():
    single = FAST.model_copy(update={"batch_images": 1})
    with pytest.raises(UserError, match="batches of one image"):
        train(toy_model(), IMAGES, settings("joint", single), seed=0)


def test_a_loss_that_is_not_finite_is_told_with_its_step():
    wild = FAST.model_copy(update={"optimiser": "sgd", "learning_rate": 1e30})
    with pytest.raises(
        UserError, match=r"the loss of bottleneck is .* at step \d+ .* 1e\+30"
    ):
        train(toy_model(), IMAGES, settings("joint", wild), seed=0)
