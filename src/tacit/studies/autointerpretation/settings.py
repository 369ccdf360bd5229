"""What the study reads, fits and explains, in three sizes."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from tacit.base.configuration import Configuration

LEXICAL = "lexical"
"""The explainer, and the reader, that need no model."""
EMBEDDING = "embed"
"""Site of token embeddings: a basis is measured there before any context is read."""
RESIDUAL, MLP = "resid.", "mlp."


class AutointerpretationSettings(Configuration):
    """Subjects and sites, each with every basis of several seeds, and who explains."""

    subjects: tuple[tuple[str, str], ...] = Field(
        default=(("pycode", "python-stdlib"), ("stories", "stories")), min_length=1
    )
    """Names or folders of language models, each with its text."""
    source: str | None = None
    """One text in place of each subject's own."""
    documents: int = Field(default=3_000, ge=2)
    """Most documents of a text, drawn at random."""
    tokens: int = Field(default=120_000, ge=1_000)
    """Tokens read, held-out ones among them: rows to fit to, and fragments to explain by."""
    seeds: tuple[int, ...] = Field(default=(100, 101, 102), min_length=1)
    """Of dictionaries, features and fragments, for each subject."""
    sites: tuple[str, ...] = Field(
        default=("resid.0", "resid.1", "resid.2", "resid.3", "mlp.1"), min_length=1
    )
    """Layers of the residual stream in their order, and MLPs."""
    control_sites: tuple[str, ...] = ("resid.0", "resid.2", "mlp.1")
    """Of these, where the architecture with random weights is measured too."""
    embedding: bool = True
    """Whether token embeddings are measured."""
    sweep_site: str = "resid.2"
    """Where other sizes and shorter training are measured."""
    ratio: float = Field(default=2.0, gt=0)
    """Atoms over dimensions of the residual stream."""
    mlp_ratio: float = Field(default=1.0, gt=0)
    """Atoms over neurons."""
    penalty: float = Field(default=0.15, gt=0)
    """Of sparse coding in the residual stream, summed over dimensions; see ``scaled``."""
    mlp_penalty: float = Field(default=0.1, gt=0)
    scaled: bool = True
    """Whether rows are scaled to a mean squared length of 1, so that one penalty fits every layer;
    published runs took raw rows."""
    sizes: tuple[float, ...] = (0.5, 1.0, 4.0, 8.0)
    """Other ratios, at ``sweep_site``."""
    shares: tuple[float, ...] = (1 / 16, 1 / 4)
    """Of the steps, and so of the tokens trained on, at ``sweep_site``."""
    steps: int = Field(default=800, ge=10)
    batch: int = Field(default=512, ge=2)
    component_rows: int = Field(default=10_000, ge=2)
    """Rows that ICA and NMF are fitted to."""
    features: int = Field(default=30, ge=2)
    """Of each basis, drawn at random among those active in enough fragments."""
    fewest: int = Field(default=20, ge=2)
    """Fragments in which a feature must be active, as published."""
    scored: int = Field(default=5, ge=2)
    """Fragments of each kind that an explanation is scored on, as published."""
    apart: Literal["documents", "fragments"] = "documents"
    """What an explainer never sees of the text scored on; as published, the fragments alone."""
    explainer: str = LEXICAL
    """``lexical``, or a chat model by Inspect's name for it."""
    reader: str | None = None
    """Who predicts from an explanation; None: the explainer itself."""
    prices: tuple[float, float] | None = None
    """Dollars for a million tokens read, and written; None: as Inspect knows them."""
    most_dollars: float | None = Field(default=None, gt=0)
    """Of chat models. What is not asked when it is reached is counted, and a gap where nothing of
    a unit was."""
    most_tokens: int | None = Field(default=None, ge=1)
    """The same in tokens, read and written."""
    processes: int | None = Field(default=None, ge=1)
    """That measure sites side by side where no chat model is asked; None: as many as PyTorch may
    use threads. What is measured does not depend on it."""

    @property
    def units(self) -> tuple[tuple[str, int], ...]:
        """Every subject with every seed."""
        return tuple((name, seed) for name, _ in self.subjects for seed in self.seeds)

    @property
    def residual(self) -> tuple[str, ...]:
        """The layers of the residual stream, first to last."""
        return tuple(site for site in self.sites if site.startswith(RESIDUAL))

    @property
    def mlps(self) -> tuple[str, ...]:
        """The MLPs."""
        return tuple(site for site in self.sites if site.startswith(MLP))

    @property
    def has_sweep(self) -> bool:
        """Whether other sizes or shorter training are measured."""
        return bool(self.sizes or self.shares)

    @property
    def asks(self) -> bool:
        """Whether a chat model is asked."""
        return any(name != LEXICAL for name in (self.explainer, self.reader_name))

    @property
    def reader_name(self) -> str:
        """Who predicts."""
        return self.reader or self.explainer

    def text_of(self, subject: str) -> str:
        """Return the text that a subject reads."""
        return self.source or dict(self.subjects)[subject]

    def ratio_at(self, site: str) -> float:
        """Return atoms over dimensions at a site."""
        return self.mlp_ratio if site.startswith(MLP) else self.ratio

    def penalty_at(self, site: str) -> float:
        """Return the penalty of sparse coding at a site."""
        return self.mlp_penalty if site.startswith(MLP) else self.penalty


PRESETS: dict[Literal["quick", "laptop", "paper"], dict[str, Any]] = {
    "quick": {
        "subjects": (("stories", "stories"),),
        "documents": 600,
        "tokens": 16_000,
        "seeds": (0,),
        "sites": ("resid.2", "mlp.1"),
        "control_sites": ("resid.2",),
        "sizes": (0.5,),
        "shares": (1 / 4,),
        "steps": 150,
        "component_rows": 2_000,
        "features": 5,
        "processes": 1,
    },
    "laptop": {},
    "paper": {
        "subjects": (("EleutherAI/pythia-70m-deduped", "hub:NeelNanda/pile-10k"),),
        "documents": 10_000,
        "tokens": 3_200_000,  # 50,000 fragments of 64
        "seeds": (100,),
        "sites": ("resid.2", "mlp.1"),
        "control_sites": ("resid.2", "mlp.1"),
        "ratio": 2.0,
        "mlp_ratio": 2.0,
        "penalty": 0.44,  # 8.6e-4 of the published convention, times 512 dimensions
        "mlp_penalty": 0.655,  # 3.2e-4, times 2,048
        "scaled": False,
        "steps": 10_000,
        "batch": 1_024,
        "component_rows": 65_536,
        "features": 150,
        "explainer": "openai/gpt-4o",
        "most_tokens": 200_000_000,
    },
}
