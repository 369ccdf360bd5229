"""What can be set in the study: the transformers, what is read of them, and the dictionaries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from tacit.base.configuration import Configuration
from tacit.dictionaries import ReluL1
from tacit.training.pretrain import PretrainSettings
from tacit.training.recipes import Recipe

Fit = Literal[
    "main", "divided", "other start", "half a", "half b", "random", "embedding", "shuffled"
]
"""What a subject's dictionaries are fitted to, and how: see ``FITS``."""
FITS: dict[Fit, str] = {
    "main": "trained transformer",
    "divided": "trained transformer, penalty divided by the number of atoms",
    "other start": "trained transformer, other start, same stream",
    "half a": "trained transformer, one half of the documents",
    "half b": "trained transformer, other half of the documents",
    "random": "random weights",
    "embedding": "token embeddings alone",
    "shuffled": "shuffled activations",
}
"""Each in words."""
STATED: Mapping[int, float] = {16: 4.3, 32: 4.0}
"""Held-out nats a token that transformers of a width are to reach on the standard library."""
CONTROLS: tuple[Fit, ...] = ("random", "embedding", "shuffled")


class SubjectSettings(Configuration):
    """The small transformers and how long they are trained."""

    widths: tuple[int, ...] = Field(default=(16, 32), min_length=1)
    """Widths of the residual stream."""
    num_layers: int = Field(default=6, ge=1)
    num_heads: int = Field(default=4, ge=1)
    context_tokens: int = Field(default=128, ge=8)
    vocabulary: int = Field(default=1024, ge=300)
    steps: int = Field(default=1_500, ge=1)
    batch_contexts: int = Field(default=8, ge=1)
    learning_rate: float = Field(default=1e-2, gt=0)
    weight_decay: float = Field(default=0.1, ge=0)

    def recipe(self, source: str, width: int, seed: int) -> Recipe:
        """Return the recipe of one transformer."""
        return Recipe(
            name=f"small-{width}-{seed}",
            source=source,
            vocabulary=self.vocabulary,
            width=width,
            num_layers=self.num_layers,
            num_heads=self.num_heads,
            context_tokens=self.context_tokens,
            rotary_share=1.0,
            schedule=PretrainSettings(
                num_steps=self.steps,
                batch_contexts=self.batch_contexts,
                learning_rate=self.learning_rate,
                warm_up_steps=min(100, self.steps),
                weight_decay=self.weight_decay,
            ),
            seed=seed,
        )


class LaterSettings(Configuration):
    """The later counts, of dictionaries at two penalties of a hub model."""

    models: tuple[str, str] | None = None
    """Pythia-70M-deduped and Pythia-160M, by name or folder; None leaves the counts out."""
    source: str = "hub:NeelNanda/pile-10k"
    """Text that the models read."""
    tokens: int = Field(default=5_000_000, ge=1)
    context_tokens: int = Field(default=256, ge=8)
    steps: int = Field(default=20_000, ge=10)
    batch: int = Field(default=2_048, ge=2)
    learning_rate: float = Field(default=1e-3, gt=0)


class SmallSettings(Configuration):
    """Transformers of several widths and seeds, each with its dictionaries and controls."""

    source: str = "python-stdlib"
    """Text that the transformers are trained on and that is harvested."""
    subject: SubjectSettings = SubjectSettings()
    seeds: tuple[int, ...] = Field(default=(100, 101, 102), min_length=1)
    """One transformer of each width, one stream and one set of dictionaries each."""
    layer: int = Field(default=2, ge=0)
    """Layer whose MLP is read, after its non-linearity."""
    tokens: int = Field(default=300_000, ge=1)
    """Tokens read for the dictionaries, held-out ones among them."""
    ratios: tuple[int, ...] = Field(default=(2, 4, 8, 16, 32, 64), min_length=2)
    """Atoms over width, ascending."""
    control_ratios: tuple[int, ...] = Field(default=(2, 4, 8), min_length=2)
    """The first of them, at which controls and agreement are measured."""
    penalty: float = Field(default=0.15, gt=0)
    """Price of activation with squared error summed over dimensions; see ``scaled``."""
    scaled: bool = True
    """Whether rows are centred and scaled to a mean squared length of 1 first, so that one penalty
    fits every site; the published runs took raw rows."""
    steps: int = Field(default=1_000, ge=10)
    batch: int = Field(default=512, ge=2)
    learning_rate: float = Field(default=3e-3, gt=0)
    held_out_rows: int = Field(default=8_192, ge=64)
    """Most rows that dictionaries are measured on."""
    examples: int = Field(default=100, ge=1)
    """Most features a subject whose strongest contexts are looked at."""
    later: LaterSettings = LaterSettings()

    @property
    def site(self) -> str:
        """The site that is read."""
        return f"mlp.{self.layer}"

    def stated(self, width: int) -> float | None:
        """Return the held-out nats a token that a width is to reach; None where none is stated."""
        return STATED.get(width) if self.source == "python-stdlib" else None

    @property
    def subjects(self) -> tuple[tuple[int, int], ...]:
        """Width and seed of every transformer."""
        return tuple((width, seed) for width in self.subject.widths for seed in self.seeds)

    def ratios_of(self, fit: Fit) -> tuple[int, ...]:
        """Return the sizes of a fit, over its width."""
        if fit == "divided":
            return self.control_ratios[1:]  # the first is the main fit's own
        return self.ratios if fit == "main" else self.control_ratios

    def penalty_of(self, fit: Fit, ratio: int) -> float:
        """Return the penalty of one dictionary."""
        shared = self.ratios[0] / ratio if fit == "divided" else 1.0
        return self.penalty * shared

    def method(self, num_atoms: int, penalty: float) -> ReluL1:
        """Return a dictionary's method: untied ReLU, paid for by L1, dead atoms left alone."""
        raw: dict[str, Any] = {"centre": "none", "scaled": False}
        return ReluL1(
            num_atoms=num_atoms,
            penalty=penalty,
            learning_rate=self.learning_rate,
            revive_every_steps=None,
            **({} if self.scaled else raw),
        )


PRESETS: dict[Literal["quick", "laptop", "paper"], dict[str, Any]] = {
    "quick": {
        "seeds": (0, 1),
        "tokens": 30_000,
        "ratios": (2, 4, 8, 16),
        "control_ratios": (2, 4),
        "steps": 120,
        "batch": 256,
        "learning_rate": 2e-2,
        "held_out_rows": 4_096,
        "examples": 30,
    },
    "laptop": {},
    "paper": {
        "source": "hub:Skylion007/openwebtext?documents=1000000",
        "subject.vocabulary": 50_304,
        "subject.context_tokens": 256,
        "subject.steps": 70_000,
        "subject.batch_contexts": 64,
        "subject.learning_rate": 6e-4,
        "tokens": 30_000_000,
        "control_ratios": (2, 4, 8, 16, 32, 64),
        "penalty": 0.128,  # 1e-3 of the published convention, times 128 dimensions
        "scaled": False,
        "steps": 100_000,
        "batch": 256,
        "learning_rate": 1e-3,
        "held_out_rows": 65_536,
        "later.models": ("EleutherAI/pythia-70m-deduped", "EleutherAI/pythia-160m"),
    },
}
