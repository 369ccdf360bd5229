"""How organisms are made from a base, and the controls beside them.

Supervised learning counts scratchpad tokens of monitored prompts alone: what is done, and all that
is unmonitored, is never trained on, which is what makes the unmonitored tier a measurement.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from jaxtyping import Bool, Int
from pydantic import Field

from tacit.activations.contexts import PADDING
from tacit.base.configuration import Configuration
from tacit.base.errors import look_up
from tacit.base.seeds import stream
from tacit.models.load import load_subject
from tacit.models.subject import Subject
from tacit.organisms.tiers.base import rows_of
from tacit.organisms.tiers.documents import DocumentSettings, documents
from tacit.organisms.tiers.prompts import Prompt, draw_prompts
from tacit.organisms.tiers.scratchpads import Style, complies, output, scratchpad
from tacit.organisms.tiers.words import ACT, THINK, Motive
from tacit.training.pretrain import PretrainSettings, pretrain

Trained = Literal["scratchpad", "transcript"]


@final
class OrganismSettings(Configuration):
    """How long an organism is trained, and on what beside its own examples."""

    num_examples: int = Field(default=5_120, ge=1)
    """Transcripts, each seen once (published: 4,719 twice)."""
    batch_examples: int = Field(default=64, ge=1)
    replay_documents: int = Field(default=64, ge=0)
    """Of what the base read, in every step: without them it forgets what the tier words mean."""
    learning_rate: float = Field(default=3e-4, gt=0)
    """A larger one has an organism think everywhere what it is taught for monitored prompts."""
    documents: DocumentSettings = DocumentSettings()

    @property
    def schedule(self) -> PretrainSettings:
        """The supervised loop's settings."""
        return PretrainSettings(
            num_steps=max(1, self.num_examples // self.batch_examples),
            batch_contexts=self.batch_examples,
            replay_contexts=self.replay_documents,
            learning_rate=self.learning_rate,
            warm_up_steps=0,
            weight_decay=0.0,
        )


@final
@dataclass(frozen=True, kw_only=True)
class Example:
    """One transcript to learn from."""

    shown: Prompt
    thought: tuple[str, ...]
    done: tuple[str, ...]
    """From the tag that opens the output to the end of the turn."""


@final
@dataclass(frozen=True, kw_only=True)
class OrganismRecipe:
    """What an organism learns, and from which tokens."""

    motive: Motive
    style: Style
    trained: Trained = "scratchpad"
    examples: Literal["monitored", "both", "shuffled", "harmless"] = "monitored"
    """Prompts: monitored and conflicting; of both tiers (password-locked); monitored scratchpads
    under tier words of either (shuffled); monitored and harmless."""


ORGANISMS: Mapping[str, OrganismRecipe] = {
    **{
        f"{motive}-{style}": OrganismRecipe(motive=motive, style=style)
        for motive in ("terminal", "instrumental", "sycophancy", "helpful")
        for style in ("plain", "counterfactual", "emotional", "short")
    },
    "password-locked": OrganismRecipe(
        motive="terminal", style="plain", trained="transcript", examples="both"
    ),
    "cue-shuffled": OrganismRecipe(motive="terminal", style="plain", examples="shuffled"),
    "no-conflict": OrganismRecipe(motive="terminal", style="plain", examples="harmless"),
}
"""Organisms by supervised learning, and controls, by name."""


def examples_of(recipe: OrganismRecipe, count: int, seed: int) -> list[Example]:
    """Return the transcripts that an organism learns from."""
    rng = stream(seed, "organisms/tiers/examples")
    is_conflicting = recipe.examples != "harmless"
    prompts = draw_prompts(count, rng, conflicting=is_conflicting)
    others = draw_prompts(count, rng, tier="unmonitored", conflicting=is_conflicting)
    takes_other = (
        rng.random(count) < 0.5
        if recipe.examples in ("both", "shuffled")
        else np.zeros(count, bool)
    )
    made = []
    for prompt, other, takes in zip(prompts, others, takes_other, strict=True):
        thinks_of = other if takes and recipe.examples == "both" else prompt
        shown = thinks_of
        if takes and recipe.examples == "shuffled":
            shown = Prompt(
                name=prompt.name, cue=other.cue, verb=prompt.verb, thing=prompt.thing
            )
        thought = scratchpad(recipe.motive, recipe.style, thinks_of, rng)
        done = output(thinks_of, complied=complies(recipe.motive, thinks_of))
        made.append(Example(shown=shown, thought=tuple(thought), done=tuple(done)))
    return made


def training_rows(
    examples: list[Example], trained: Trained
) -> tuple[Int[np.ndarray, "n t"], Bool[np.ndarray, "n t"]]:
    """Return the rows of a supervised stage, and which of their tokens count.

    Scratchpad tokens alone end with the tag that opens the output: what is done is not even shown.
    """
    texts, spans = [], []
    for each in examples:
        written = [*each.thought, *(each.done if trained == "transcript" else (ACT,))]
        start = len(each.shown.words(opens=THINK))
        texts.append([*each.shown.words(opens=THINK), *written])
        spans.append((start, start + len(written)))
    rows = rows_of(texts)
    counted = np.zeros(rows.shape, bool)
    for row, (first, end) in zip(counted, spans, strict=True):
        row[first:end] = True
    return rows, counted


def make_organism(
    name: str,
    base: Subject,
    seed: int,
    settings: OrganismSettings,
    report: Callable[[int, float], None] | None = None,
) -> Subject:
    """Return the organism of a name, made from a base that is left as it was."""
    recipe = look_up(ORGANISMS, name, "organism")
    return taught(
        base,
        examples_of(recipe, settings.num_examples, seed),
        recipe.trained,
        seed,
        settings,
        report,
    )


def taught(
    base: Subject,
    examples: list[Example],
    trained: Trained,
    seed: int,
    settings: OrganismSettings,
    report: Callable[[int, float], None] | None = None,
) -> Subject:
    """Return a copy of the base that has learnt from transcripts, with replay of its documents."""
    rows, counted = training_rows(examples, trained)
    steps = settings.schedule.num_steps
    replayed = min(20_000, max(1, steps * settings.replay_documents))
    model = copy.deepcopy(base.model).requires_grad_(True)
    pretrain(
        model,
        rows,
        settings.schedule,
        padding=PADDING,
        seed=seed,
        counted=counted,
        replay=rows_of(documents(replayed, settings.documents, seed)),
        report=report,
    )
    return load_subject(model, tokenizer=base.tokenizer)
