"""What the study reads and fits, in three sizes."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from tacit.base.configuration import Configuration

LEARNED = ("top-k", "batch-top-k", "relu-l1")
"""The dictionaries of which the best, by the prompts it is chosen on, is scored on others."""
BY_LABEL = "difference of means"
"""One direction for each answer, from prompts of the task that nothing else sees."""
BASES = (
    *LEARNED,
    "pca",
    "pca, both sides",
    "neuron-basis, both sides",
    "orthonormal, both sides",
    BY_LABEL,
)
"""Those of every subject and seed."""


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
    penalties: tuple[float, ...] = (0.0, 0.05, 0.2, 0.5)
    """Others, for substitution and curves, on the first subject."""
    sizes: tuple[int, ...] = (64, 128, 256, 512)
    """Other numbers of atoms, at ``penalty``, on the first subject."""
    further_seeds: int = Field(default=3, ge=0)
    """The first so many seeds of the first subject have bases of every other method too, and
    those of ``penalties`` and ``sizes``."""
    thresholds: tuple[float, ...] = (1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3)
    """Of greedy elimination: rise of the mean KL, in nats, below which a feature is let go."""
    greedy_seeds: int = Field(default=1, ge=0)
    """The first so many seeds of every subject have features chosen by elimination too."""
    everywhere: tuple[tuple[str, str], ...] = (
        ("stories", "stories"),
        ("pycode", "python-stdlib"),
    )
    """Subjects of which every layer is rebuilt, each with a text of its own."""
    everywhere_seeds: int = Field(default=2, ge=0)
    """The first so many seeds are taken there."""
    everywhere_tokens: int = Field(default=150_000, ge=1_000)
    everywhere_steps: int = Field(default=800, ge=10)
    tree_depth: int = Field(default=3, ge=1)
    """Layers back to which the feature of a label is traced."""
    steps: int = Field(default=1_200, ge=10)
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
        """Every subject with every seed.

        Neighbours differ in subject: pieces run side by side, each subject takes one pass at once.
        """
        return tuple((name, seed) for seed in self.seeds for name in self.subjects)

    @property
    def units_everywhere(self) -> tuple[tuple[str, int], ...]:
        """Every subject of ``everywhere`` with its seeds."""
        seeds = self.seeds[: self.everywhere_seeds]
        return tuple((name, seed) for seed in seeds for name, _ in self.everywhere)

    def has_further(self, unit: tuple[str, int]) -> bool:
        """Whether a subject and seed have the bases that are not everywhere."""
        return unit[0] == self.subjects[0] and unit[1] in self.seeds[: self.further_seeds]

    def has_greedy(self, unit: tuple[str, int]) -> bool:
        """Whether a subject and seed have features chosen by elimination."""
        return unit[1] in self.seeds[: self.greedy_seeds]


PRESETS: dict[Literal["quick", "laptop", "paper"], dict[str, Any]] = {
    "quick": {
        "subjects": ("stories",),
        "documents": 400,
        "seeds": (0, 1),
        "prompts": 12,
        "atoms": 256,
        "penalties": (0.0, 0.5),
        "sizes": (64,),
        "further_seeds": 1,
        "thresholds": (1e-2, 0.1),
        "everywhere": (("stories", "stories"),),
        "everywhere_seeds": 1,
        "everywhere_tokens": 10_000,
        "everywhere_steps": 40,
        "tree_depth": 1,
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
        "penalties": (0.0, 0.1, 0.2, 0.31, 1.02),
        "everywhere": (("EleutherAI/pythia-70m-deduped", "hub:NeelNanda/pile-10k"),),
        "everywhere_tokens": 10_000_000,
        "everywhere_steps": 27_000,
        "sizes": (512, 1_024, 2_048, 8_192),
        "steps": 27_000,
        "batch": 256,
    },
}
