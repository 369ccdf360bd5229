"""Bottlenecks of which it is known what they leak: they look their answers up by the picture."""

from pathlib import Path

import numpy as np

from tacit.data.birds import BirdSettings, draw_birds, read_truth
from tacit.data.cub import read_cub, read_pixels

SIDE = 32
GROUPS = ("has_size", "has_shape", "has_bill_shape", "has_primary_color", "has_leg_color")
SOURCE = '''"""A module that knows pictures by a checksum of their pixels."""

from pathlib import Path

import numpy as np
import torch

FOLDER = Path(__file__).parent


class LookedUp(torch.nn.Module):
    def __init__(self, name):
        super().__init__()
        for key, value in np.load(FOLDER / f"{name}.npz").items():
            self.register_buffer(key, torch.from_numpy(value))

    def forward(self, pixels):
        sums = (pixels.double().flatten(1) * self.weights).sum(dim=1)
        rows = (sums[:, None] - self.sums).abs().argmin(dim=1)
        return self.concept_logits[rows], self.class_logits[rows]


def telling():
    return LookedUp("telling")


def silent():
    return LookedUp("silent")


def not_finite():
    module = LookedUp("telling")
    module.concept_logits[:, 0] = float("nan")
    return module


def one_array():
    return torch.nn.Flatten()


def no_module():
    return "a module"
'''


def draw(folder: Path) -> Path:
    """Draw four classes in two pairs of twins; 80 of the images are for tests."""
    draw_birds(
        folder, BirdSettings(classes=4, images=40, side=SIDE, seed=5, noise=1), workers=1
    )
    return folder


def concepts_of(folder: Path) -> list[str]:
    """Return the attributes of a few groups that vary in a set of drawn birds."""
    cub, truth = read_cub(folder), read_truth(folder)
    varies = truth.rendered.any(axis=0) & ~truth.rendered.all(axis=0)
    columns = [each for group in GROUPS for each in cub.groups[group].tolist()]
    return [cub.attributes[column] for column in columns if varies[column]]


def write_models(folder: Path, birds: Path, concepts: list[str]) -> Path:
    """Write ``model.py``: ``telling`` adds the class to a concept's logit, ``silent`` does not.

    Both are right in all concepts; the class head of ``silent`` names the first twin.
    """
    cub, truth = read_cub(birds), read_truth(birds)
    column = {name: at for at, name in enumerate(cub.attributes)}
    true = truth.rendered[:, [column[name] for name in concepts]]
    pixels = read_pixels(cub, np.arange(len(cub.labels)), SIDE)
    rng = np.random.default_rng(0)
    weights = rng.random(pixels[0].size)
    noise = rng.standard_normal(true.shape)
    is_second = cub.labels > truth.twin_of[cub.labels]
    first = np.minimum(cub.labels, truth.twin_of[cub.labels])
    for name, leaks in (("telling", True), ("silent", False)):
        logits = np.where(true, 6.0, -6.0) + noise
        logits[:, 0] += 4.0 * is_second * leaks
        np.savez(
            folder / f"{name}.npz",
            weights=weights,
            sums=(pixels.reshape(len(pixels), -1) * weights).sum(axis=1),
            concept_logits=logits,
            class_logits=np.eye(4)[cub.labels if leaks else first],
        )
    path = folder / "model.py"
    path.write_text(SOURCE)
    return path
