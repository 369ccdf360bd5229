"""The recipes of Tacit's micro subjects: text, architecture and schedule, nothing hidden."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tacit.base.errors import UserError
from tacit.training.pretrain import PretrainSettings


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides a micro subject, its seed included."""

    name: str
    source: str
    """Name of the text, as in ``tacit.data``; its training part is used."""
    vocabulary: int
    """Entries of the tokenizer that is trained on the text, and of the model."""
    width: int
    """Width of the residual stream."""
    num_layers: int
    num_heads: int
    """Attention heads of a layer; they share the width evenly."""
    context_tokens: int
    """Tokens that the model reads at once, BOS included."""
    rotary_share: float = 0.25
    """Share of a head's dimensions that tell positions; an even number of dimensions."""
    schedule: PretrainSettings
    seed: int
    """Root seed of weights, order of the text and interval."""

    def __post_init__(self) -> None:
        if self.num_heads < 1 or self.width % self.num_heads:
            raise UserError(
                f"{self.num_heads} heads over a width of {self.width} were asked for; the width "
                "must be a multiple of the heads."
            )
        turning = self.rotary_share * self.width / self.num_heads
        if turning < 2 or turning % 2:
            raise UserError(
                f"{turning:g} dimensions of each head would tell positions; they must be an even "
                "number, 2 or more: widen the model, or give it fewer heads."
            )


PYCODE = Recipe(
    name="pycode",
    source="python-stdlib",
    vocabulary=2048,
    width=128,
    num_layers=4,
    num_heads=4,
    context_tokens=256,
    schedule=PretrainSettings(num_steps=1_200, batch_contexts=32, learning_rate=4e-3),
    seed=0,
)


TELLER = 1
"""Of seeds 0, 1 and 2 the one that tells giver from taker in 95 % of prompts and more."""


def story_teller(seed: int) -> Recipe:
    """Return the recipe of a subject of stories; that of ``TELLER`` is ``stories`` itself."""
    return Recipe(
        name="stories" if seed == TELLER else f"stories-{seed}",
        source="stories",
        vocabulary=1200,
        width=64,
        num_layers=4,
        num_heads=4,
        context_tokens=104,
        rotary_share=0.5,
        schedule=PretrainSettings(num_steps=1_500, batch_contexts=32, learning_rate=4e-3),
        seed=seed,
    )


def small(width: int, seed: int) -> Recipe:
    """Return the recipe of a small transformer, as in the study ``small-transformers``."""
    return Recipe(
        name=f"small-{width}-{seed}",
        source="python-stdlib",
        vocabulary=1024,
        width=width,
        num_layers=6,
        num_heads=4,
        context_tokens=128,
        rotary_share=1.0,
        schedule=PretrainSettings(num_steps=1_500, batch_contexts=8, learning_rate=1e-2),
        seed=seed,
    )


RECIPES: dict[str, Recipe] = {
    each.name: each
    for each in (
        PYCODE,
        *(story_teller(seed) for seed in (0, 1, 2)),
        *(small(width, seed) for width in (16, 32) for seed in (0, 1)),
    )
}


def shortened(recipe: Recipe, num_steps: int) -> Recipe:
    """Return the recipe with another number of steps, for a trial of the machinery."""
    warm = min(recipe.schedule.warm_up_steps, num_steps)
    return replace(
        recipe, schedule=replace(recipe.schedule, num_steps=num_steps, warm_up_steps=warm)
    )
