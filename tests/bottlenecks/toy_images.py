"""Images of eight classes: four pairs of twins, which share two concepts and differ in a mark."""

import numpy as np

from tacit.bottlenecks.descent import DescentSettings
from tacit.bottlenecks.images import AugmentSettings, ConceptImages, concept_images
from tacit.bottlenecks.networks import Bottleneck, BottleneckSettings, new_bottleneck
from tacit.bottlenecks.stages import TrainSettings
from tacit.bottlenecks.trunks import TrunkSettings, new_trunk

SIDE, NUM_CLASSES, NUM_CONCEPTS = 16, 8, 2
TWIN_OF = np.array([1, 0, 3, 2, 5, 4, 7, 6])
UNVARIED = AugmentSettings(flip=False)
SMALL = TrunkSettings(channels=(8, 16))
FAST = DescentSettings(
    num_epochs=20, batch_images=20, optimiser="adamw", learning_rate=0.01, patience=None
)
QUICK = TrainSettings(encoder=FAST, head=FAST, augment=UNVARIED)
BRIEF = FAST.model_copy(update={"num_epochs": 2})


def toy_images(num_images: int = 320, seed: int = 0) -> ConceptImages:
    """Red means the first concept, green the second, and blue the mark that no concept names."""
    rng = np.random.default_rng(seed)
    classes = rng.permutation(np.arange(num_images) % NUM_CLASSES)
    bits = np.stack([classes >> 2 & 1, classes >> 1 & 1, classes & 1], axis=1)
    noise = rng.integers(0, 60, (num_images, 3, SIDE, SIDE))
    pixels = (noise + 120 * bits[:, :, None, None]).astype(np.uint8)
    order = np.arange(num_images)
    return concept_images(
        pixels,
        bits[:, :2],
        classes,
        train=order[: num_images * 3 // 4],
        validation=order[-num_images // 4 :],
    )


def toy_model(seed: int = 0, trunk_seed: int = 0, **shape: object) -> Bottleneck:
    """A small bottleneck for these images."""
    settings = BottleneckSettings(
        **{
            "num_concepts": NUM_CONCEPTS,
            "num_classes": NUM_CLASSES,
            "carries": "logits",
            **shape,
        }
    )
    return new_bottleneck(new_trunk(SMALL, seed=trunk_seed), settings, seed=seed)


def weights(module) -> dict:
    return {name: value.clone() for name, value in module.state_dict().items()}
