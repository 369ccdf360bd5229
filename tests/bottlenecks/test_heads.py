"""Heads and models side by side are what they would be alone."""

from copy import deepcopy

import pytest
import torch

from bottlenecks.toy_images import BRIEF, FAST, NUM_CLASSES, QUICK, toy_images, toy_model
from tacit.base.errors import UserError
from tacit.bottlenecks.heads import stacked_logits, train_heads
from tacit.bottlenecks.networks import BottleneckSettings, new_head
from tacit.bottlenecks.together import train_together

IMAGES = toy_images()
SHAPE = BottleneckSettings(
    num_concepts=2,
    num_classes=NUM_CLASSES,
    head_width=5,
    concept_dropout=0.2,
    head_dropout=0.3,
)
# Sums in another order differ in the last bits, which AdamW's first steps enlarge.
CLOSE = {"atol": 2e-4, "rtol": 1e-3}


def heads(size: int = 3):
    return [new_head(SHAPE, seed=seed) for seed in range(size)]


def taught(chosen, read, settings, seeds):
    return train_heads(
        chosen,
        read,
        IMAGES.classes,
        settings,
        seeds=seeds,
        train_rows=IMAGES.train_rows,
        validation_rows=IMAGES.validation_rows,
    )


def alike(one, other) -> None:
    for name, value in one.state_dict().items():
        torch.testing.assert_close(value, other.state_dict()[name], **CLOSE)


@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
def test_heads_side_by_side_are_those_taught_one_by_one(optimiser):
    """With rates, seeds and rows of their own, and patience that ends at unlike epochs."""
    read = [IMAGES.concepts + shift for shift in (0.0, 0.1, 0.2)]
    settings = [
        FAST.model_copy(
            update={
                "optimiser": optimiser,
                "learning_rate": rate,
                "patience": 2,
                "num_epochs": 6,
            }
        )
        for rate in (0.001, 0.01, 0.05)
    ]
    together, alone = heads(), heads()
    histories = taught(together, read, settings, (5, 6, 7))
    for place in range(3):
        (history,) = taught(
            [alone[place]], [read[place]], [settings[place]], [(5, 6, 7)[place]]
        )
        assert len(history) == len(histories[place])
        alike(together[place], alone[place])


def test_stacked_logits_are_those_of_each_head():
    read = torch.rand(3, 4, 2)
    each = torch.stack(
        [head.decide(rows) for head, rows in zip(heads(), read, strict=True)]
    )
    torch.testing.assert_close(stacked_logits(heads(), read), each)


@pytest.mark.parametrize("regime", ["joint", "sequential", "independent"])
@pytest.mark.parametrize("width", [0, 3])
def test_models_on_one_trunk_learn_together_what_they_learn_alone(regime, width):
    settings = QUICK.model_copy(update={"regime": regime, "encoder": BRIEF, "head": BRIEF})
    shape = {"carries": "sigmoid", "trunk_dropout": 0.1, "concept_width": width}
    models = [toy_model(seed, **shape) for seed in range(2)]
    together = train_together(models, IMAGES, settings, seeds=(3, 4))
    for place, model in enumerate(models):
        before = deepcopy(model)
        (alone,) = train_together([model], IMAGES, settings, seeds=[(3, 4)[place]])
        alike(together[place].model, alone.model)
        alike(model, before)
        alike(alone.model.encoder.trunk, model.encoder.trunk)


def test_learning_together_on_frozen_features_learns():
    settings = QUICK.model_copy(update={"regime": "joint"})
    trained = train_together(
        [toy_model(seed) for seed in range(2)], IMAGES, settings, seeds=(0, 1)
    )
    for each in trained:
        # From a trunk that has learned nothing; guessing scores one half.
        assert each.history[-1].validation["concept_accuracy"] > 0.8


def test_what_does_not_go_together_is_refused():
    with pytest.raises(UserError, match="3 heads were given with 1 arrays"):
        taught(heads(), [IMAGES.concepts], [FAST] * 3, (0, 1, 2))
    models = [toy_model(trunk_seed=seed) for seed in range(2)]
    with pytest.raises(UserError, match="unlike trunks"):
        train_together(models, IMAGES, QUICK, seeds=(0, 1))
    with pytest.raises(UserError, match="set augment to"):
        varied = QUICK.model_copy(
            update={"augment": QUICK.augment.model_copy(update={"flip": True})}
        )
        train_together(models[:1], IMAGES, varied, seeds=[0])
    with pytest.raises(UserError, match="1 models were given with 2 seeds"):
        train_together(models[:1], IMAGES, QUICK, seeds=(0, 1))
    with pytest.raises(UserError, match="unlike shape"):
        unlike = [toy_model(), toy_model(head_width=3)]
        train_together(unlike, IMAGES, QUICK, seeds=(0, 1))
