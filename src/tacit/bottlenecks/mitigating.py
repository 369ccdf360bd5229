"""What may keep a concept layer to its concepts: changes of how it is built, or how it learns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

from tacit.base.errors import UserError, look_up
from tacit.base.progress import Progress, silent
from tacit.bottlenecks.crossing import CrossStage, cross
from tacit.bottlenecks.images import ConceptImages
from tacit.bottlenecks.networks import Bottleneck, BottleneckSettings, new_bottleneck
from tacit.bottlenecks.stages import TrainSettings
from tacit.bottlenecks.training import train
from tacit.bottlenecks.trunks import Trunk


@final
@dataclass(frozen=True, kw_only=True)
class Mitigation:
    """One way to keep hidden information out."""

    idea: str
    """What it does and why it may help, in a sentence."""
    shape: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Settings of the bottleneck that it changes."""
    learning: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Settings of the training that it changes."""
    crossed_weights: tuple[float, ...] = ()
    """Concept weights, as factors of the given one, of runs whose heads then learn anew under
    crossed wires; empty where nothing is crossed."""

    @property
    def num_runs(self) -> int:
        """Runs that it trains at once."""
        return max(1, len(self.crossed_weights))


MITIGATIONS: dict[str, Mitigation] = {
    "hard concepts": Mitigation(
        idea="The class head reads 0 or 1 of a concept, so that its strength says nothing.",
        shape={"carries": "hard"},
    ),
    "concept dropout": Mitigation(
        idea="Concepts are left out at random, so that a code over several of them breaks.",
        shape={"concept_dropout": 0.5},
    ),
    "side channel": Mitigation(
        idea="Slots without a meaning take what concepts would otherwise have to hide.",
        shape={"num_slots": 8},
    ),
    "information penalty": Mitigation(
        idea="A logit is drawn to one value where its concept is there and one where it is not.",
        learning={"information_penalty": 0.02},
    ),
    "more concept weight": Mitigation(
        idea="The concept loss weighs ten times as much against that of classes.",
        learning={"concept_weight": 10.0},
    ),
    "shuffled heads": Mitigation(
        idea="Heads learn anew from encoders that differ in seed, paired at random every batch.",
        crossed_weights=(1.0, 1.0),
    ),
    "mixed weights": Mitigation(
        idea="Heads learn anew from encoders of unlike concept weights, paired at random.",
        crossed_weights=(0.1, 10.0),
    ),
}
"""By name, at one strength each; a ``concept_weight`` is a factor of the one given."""


def mitigated_settings(
    name: str, shape: BottleneckSettings, settings: TrainSettings
) -> list[tuple[BottleneckSettings, TrainSettings]]:
    """Return the settings of each run that a mitigation trains.

    Raises:
        UserError: for a name that is not known.
    """
    chosen = look_up(MITIGATIONS, name, "mitigation")
    changes = dict(chosen.learning)
    factor = changes.pop("concept_weight", 1.0)
    changed = shape.model_copy(update=dict(chosen.shape))
    return [
        (
            changed,
            settings.model_copy(
                update={
                    **changes,
                    "concept_weight": settings.concept_weight * factor * each,
                }
            ),
        )
        for each in chosen.crossed_weights or (1.0,)
    ]


def train_mitigated(
    name: str,
    trunk: Trunk,
    shape: BottleneckSettings,
    images: ConceptImages,
    settings: TrainSettings,
    *,
    seeds: Sequence[int],
    progress: Progress = silent,
) -> tuple[Bottleneck, ...]:
    """Return what a mitigation makes of a shared trunk: one model, or those that were crossed.

    ``seeds``: one for each run, of its heads, order and noise; the first also pairs what is
    crossed. Heads under crossed wires begin fresh and learn by ``settings.head``.

    Raises:
        UserError: for an unknown name, too few seeds, and where ``train`` refuses.
    """
    needed = look_up(MITIGATIONS, name, "mitigation").num_runs
    if len(seeds) < needed:
        raise UserError(
            f"{name} trains {needed} runs and was given {len(seeds)} seeds; give {needed}."
        )
    plans = mitigated_settings(name, shape, settings)
    starts = [
        new_bottleneck(trunk, changed, seed=seed)
        for (changed, _), seed in zip(plans, seeds, strict=False)
    ]
    models = [
        train(start, images, learning, seed=seed, progress=progress).model
        for start, (_, learning), seed in zip(starts, plans, seeds, strict=False)
    ]
    if needed == 1:
        return tuple(models)
    stage = CrossStage(moves="heads", descent=settings.head, is_fresh=True)
    return cross(
        models, images, [stage], settings, seed=seeds[0], starts=starts, progress=progress
    ).models
