"""What a user decides about a run; everything else follows from the model and the text."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from tacit.activations.contexts import Mode
from tacit.activations.harvest import HarvestSettings
from tacit.base.configuration import Configuration
from tacit.base.errors import look_up
from tacit.models.load_settings import LoadSettings

LARGEST_SEED = 2**31 - 1


class TextSettings(Configuration):
    """Which text is read, and how windows and positions are chosen."""

    source: str = "python-stdlib"
    """A name of ``tacit list sources``, a file or a folder."""
    max_tokens: int | None = Field(default=None, ge=100)
    """Tokens to read at most; the rest is counted as dropped."""
    context_tokens: int | None = Field(default=None, ge=2)
    """Window length, BOS included; None: what the model reads, at most 512."""
    windows: Mode = "split"
    """``split`` cuts each document into windows of its own, ``packed`` fills windows with one
    document after another, ``documents`` reads the first window of each."""
    prepend_bos: bool | None = None
    """Open every window with BOS; None: when the tokenizer has one."""
    high_norm_factor: float | None = Field(default=10.0, gt=1)
    """Positions whose norm exceeds this many medians are left out of fit and measure."""
    dtype: Literal["float16", "bfloat16", "float32"] = "float16"
    """Type of the stored activations."""
    batch_contexts: int = Field(default=16, ge=1)
    """Windows run at once."""

    def harvest(self) -> HarvestSettings:
        """Return the same as settings of a harvest."""
        return HarvestSettings(
            max_tokens=self.max_tokens,
            context_tokens=self.context_tokens,
            windows=self.windows,
            prepend_bos=self.prepend_bos,
            high_norm_factor=self.high_norm_factor,
            dtype=self.dtype,
            batch_contexts=self.batch_contexts,
            contexts_per_shard=16 * self.batch_contexts,
        )


class ReadSettings(TextSettings):
    """All of ``tacit harvest`` beside the model and its sites."""

    load: LoadSettings = LoadSettings()


class MeasureSettings(Configuration):
    """All of ``tacit measure``."""

    model: str
    dictionary: str
    """A folder, another tool's, or an id (``tacit list formats``)."""
    site: str | None = None
    """Where it reads; None: as its files tell."""
    store: str | None = None
    """A store that is there; None: the text is harvested as the dictionary expects."""
    text: TextSettings | None = None
    """None: what a shipped model was trained on, for others ``python-stdlib``."""
    load: LoadSettings = LoadSettings()
    size: Literal["quick", "standard"] = "standard"
    measures: tuple[str, ...] = ()
    """Names of ``tacit list measures``; none: all."""
    extra: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Any setting of a measure, by the measure's name, e.g. ``extra.probing.train_rows``."""
    baselines: tuple[str, ...] | None = None
    """Bases in which measures that run no model are taken as well: pca, random, neuron basis; None:
    all of them."""
    max_rows: int = Field(default=150_000, ge=200)
    """Usable rows read at most; whole documents are left out, and counted."""
    seed: int = Field(default=0, ge=0, le=LARGEST_SEED)


class PaceSettings(Configuration):
    """How large dictionaries are, and how long they are fitted."""

    atoms_per_dimension: int = Field(default=8, ge=1)
    """Atoms are this many times the site's width, unless ``num_atoms`` says otherwise."""
    num_atoms: int | None = Field(default=None, ge=1)
    steps: int | None = Field(default=None, ge=1)
    """None: as many as make eight passes over the rows, within 500 and 20,000."""
    batch: int = Field(default=2_048, ge=2)
    """Rows a step."""
    patience: int | None = Field(default=None, ge=1)
    """Steps in which the FVU must fall by a hundredth of itself, or the rate falls to zero and the
    fit ends early; None: all steps are taken."""
    memory_gib: float | None = Field(default=None, gt=0)
    """Memory for all that is fitted at once; what is more is fitted in further rounds. None: what
    is free."""


class FitSettings(PaceSettings):
    """The dictionary that is studied, and how long it is fitted."""

    method: str = "top-k"
    k: int = Field(default=32, ge=1)
    """Active atoms a token, for the methods that fix it."""
    penalty: float = Field(default=0.1, gt=0)
    """L1 penalty, for the methods that have one (inputs are scaled to unit variance)."""
    extra: dict[str, bool | int | float | str | list[int] | None] = Field(
        default_factory=dict
    )
    """Any other setting of the method, by its name."""


PRESETS: dict[str, dict[str, Any]] = {
    "standard": {},
    "wide": {"atoms_per_dimension": 32, "batch": 4_096},
    "fast": {"atoms_per_dimension": 4, "batch": 4_096, "steps": 500},
}
"""Settings of a fit by name; whatever else is given wins."""


def preset(name: str | None, path: str = "") -> dict[str, Any]:
    """Return a preset's values by dotted names below ``path``; none for None."""
    chosen = {} if name is None else look_up(PRESETS, name, "preset")
    return {f"{path}{key}": value for key, value in chosen.items()}


class FrontierSettings(Configuration):
    """The dictionaries drawn beside the main one, fitted on the same stream."""

    k: tuple[int, ...] = (8, 16, 64)
    """Further sparsities; methods with a k are drawn at these and the main k."""
    learned: tuple[str, ...] = ("top-k",)
    """Learned methods that have a k."""
    penalties: tuple[float, ...] = (0.03, 0.1, 0.3)
    priced: tuple[str, ...] = ("relu-l1",)
    """Learned methods that have a penalty, drawn at each of ``penalties``."""
    baselines: tuple[str, ...] = (
        "pca",
        "random",
        "ica",
        "nmf",
        "neuron-basis",
        "orthonormal",
    )
    """Methods to compare with, at each sparsity that their number of atoms allows."""
    supervised: tuple[str, ...] = ("difference-of-means", "logistic-probes")
    """Directions made from the labels to compare with, where the text has labels."""
    baseline_vectors: int = Field(default=10_000, ge=2)
    """Rows that ICA, NMF and the supervised directions are fitted on, at most."""


class LearnSettings(Configuration):
    """All of ``tacit learn``."""

    model: str
    site: str
    load: LoadSettings = LoadSettings()
    text: TextSettings = TextSettings()
    fit: FitSettings = FitSettings()
    frontier: FrontierSettings | None = FrontierSettings()
    """None draws the main dictionary alone, without the baselines."""
    loss_windows: int | None = Field(default=96, ge=1)
    """Held-out windows on which losses are measured; None: all."""
    shown_features: int = Field(default=40, ge=1)
    """Features that get a card in the report."""
    seed: int = Field(default=0, ge=0, le=LARGEST_SEED)
