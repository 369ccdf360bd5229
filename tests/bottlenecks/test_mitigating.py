"""Every mitigation changes what it says, and trains."""

import pytest

from bottlenecks.toy_images import BRIEF, NUM_CLASSES, QUICK, SMALL, toy_images
from tacit.base.errors import UserError
from tacit.bottlenecks.mitigating import MITIGATIONS, mitigated_settings, train_mitigated
from tacit.bottlenecks.networks import BottleneckSettings
from tacit.bottlenecks.reading import read_out
from tacit.bottlenecks.trunks import new_trunk

IMAGES = toy_images(80)
SHAPE = BottleneckSettings(num_concepts=2, num_classes=NUM_CLASSES)
SHORT = QUICK.model_copy(update={"encoder": BRIEF, "head": BRIEF})


@pytest.mark.parametrize("name", sorted(MITIGATIONS))
def test_every_mitigation_changes_settings_to_valid_ones_and_trains(name):
    for shape, learning in mitigated_settings(name, SHAPE, SHORT):
        type(shape)(**shape.model_dump())
        type(learning)(**learning.model_dump())
        assert (shape, learning) != (SHAPE, SHORT) or MITIGATIONS[name].crossed_weights
    models = train_mitigated(
        name, new_trunk(SMALL, seed=0), SHAPE, IMAGES, SHORT, seeds=(0, 1)
    )
    assert len(models) == MITIGATIONS[name].num_runs
    for model in models:
        assert read_out(model, IMAGES.pixels).class_logits.shape == (80, NUM_CLASSES)


def test_concept_weights_are_factors_of_the_one_given():
    given = SHORT.model_copy(update={"concept_weight": 0.5})
    found = [
        each.concept_weight for _, each in mitigated_settings("mixed weights", SHAPE, given)
    ]
    assert found == pytest.approx([0.05, 5.0])
    ((_, more),) = mitigated_settings("more concept weight", SHAPE, given)
    assert more.concept_weight == pytest.approx(5.0)


def test_an_unknown_mitigation_and_too_few_seeds_are_refused():
    with pytest.raises(UserError, match="Did you mean 'hard concepts'"):
        mitigated_settings("hard concept", SHAPE, SHORT)
    with pytest.raises(UserError, match="trains 2 runs and was given 1 seeds"):
        train_mitigated(
            "shuffled heads", new_trunk(SMALL, seed=0), SHAPE, IMAGES, SHORT, seeds=[0]
        )
