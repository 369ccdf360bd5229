"""What the study reads and fits, in three sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from tacit.base.configuration import Configuration
from tacit.dictionaries import PCA, Method, NeuronBasis, OrthonormalBasis, TopK
from tacit.dictionaries.batch_top_k import BatchTopK
from tacit.dictionaries.relu_l1 import ReluL1

LEARNED = ("top-k", "batch-top-k", "relu-l1")
"""The dictionaries of which the best, by the prompts it is chosen on, is scored on others."""
BASES = (
    *LEARNED,
    "pca",
    "pca, both sides",
    "neuron-basis, both sides",
    "random, both sides",
)


class DirectionsSettings(Configuration):
    """Subjects, each with dictionaries, prompts and concepts of several seeds."""

    subjects: tuple[str, ...] = Field(
        default=("stories", "stories-0", "stories-2"), min_length=1
    )
    """Names or folders of language models."""
    source: str = "stories"
    """Text that dictionaries are fitted to; concepts need one that labels its tokens."""
    documents: int = Field(default=4_000, ge=2)
    """Most of the text's documents that are read."""
    site: str = "resid.2"
    seeds: tuple[int, ...] = Field(default=(100, 101, 102, 103, 104), min_length=1)
    """Of dictionaries and prompts, for each subject."""
    task: str = "ioi"
    """Prompts whose indirect object, subject, bracket or number is replaced."""
    prompts: int = Field(default=50, ge=4)
    """To choose features by, and as many others to score them."""
    atoms: int = Field(default=1_024, ge=16)
    active: int = Field(default=8, ge=1)
    """Active atoms a row of the top-k dictionaries."""
    penalty: float = Field(default=0.15, gt=0)
    """Of ReLU with L1, summed over dimensions, on rows scaled to a mean squared length of 1."""
    steps: int = Field(default=2_000, ge=10)
    batch: int = Field(default=1_024, ge=2)
    halfway: float = Field(default=0.5, ge=0, le=1)
    """Where attribution takes its gradient, from the clean (0) to the counterfactual value (1)."""
    few: int = Field(default=8, ge=2)
    """Features switched off together, beside the best alone."""
    concept_rows: int = Field(default=3_000, ge=100)
    """Most rows of a concept in training text, and in held-out text."""
    windows: int = Field(default=100, ge=1)
    """Held-out windows on which the cost of erasing is taken."""

    @property
    def units(self) -> tuple[tuple[str, int], ...]:
        """Every subject with every seed."""
        return tuple((name, seed) for name in self.subjects for seed in self.seeds)

    def methods(self) -> Mapping[str, Method]:
        """Return what is fitted, by name; the bases' two sides are made of what is fitted."""
        return {
            "top-k": TopK(num_atoms=self.atoms, k=self.active),
            "batch-top-k": BatchTopK(num_atoms=self.atoms, k=self.active),
            "relu-l1": ReluL1(num_atoms=self.atoms, penalty=self.penalty),
            "pca": PCA(),
            "neuron-basis": NeuronBasis(),
            "random": OrthonormalBasis(),
        }


PRESETS: dict[Literal["quick", "laptop", "paper"], dict[str, Any]] = {
    "quick": {
        "subjects": ("stories",),
        "documents": 400,
        "seeds": (0, 1),
        "prompts": 12,
        "atoms": 256,
        "steps": 150,
        "batch": 512,
        "concept_rows": 1_000,
        "windows": 20,
    },
    "laptop": {},
    "paper": {
        "subjects": ("EleutherAI/pythia-410m-deduped",),
        "source": "hub:NeelNanda/pile-10k",
        "documents": 10_000,
        "site": "resid.11",
        "atoms": 4_096,
        "active": 32,
        "steps": 27_000,
        "batch": 256,
    },
}
