"""What a user decides about a sweep: the grid, and by which rule one dictionary is chosen."""

from __future__ import annotations

from pydantic import Field

from tacit.base.configuration import Configuration
from tacit.models.load_settings import LoadSettings
from tacit.verbs.settings import LARGEST_SEED, PaceSettings, TextSettings

LEARNED = (
    "top-k",
    "batch-top-k",
    "matryoshka",
    "jump-relu",
    "gated",
    "p-annealed",
    "relu-l1",
)


class ChoiceSettings(Configuration):
    """The rule by which a sweep chooses: the sparsest dictionary that is good enough.

    Good enough is, at every seed: the lower end of loss recovered (against zero ablation) reaches
    ``loss_recovered``, or for a model that predicts no next token the upper end of FVU stays
    within ``fvu``; and no more than ``dead_share`` of the atoms are dead. Of those whose L0 is
    within ``tie`` of the lowest, the one with the lowest FVU. If none is good enough, the one with
    the lowest FVU, and the sweep says so.
    """

    loss_recovered: float = Field(default=0.95, le=1)
    fvu: float = Field(default=0.2, gt=0)
    dead_share: float = Field(default=0.1, ge=0, le=1)
    tie: float = Field(default=0.05, ge=0)


class SweepSettings(Configuration):
    """All of ``tacit sweep``."""

    model: str
    site: str
    store: str | None = None
    """A store to read; None harvests one from ``text`` into the run."""
    load: LoadSettings = LoadSettings()
    text: TextSettings = TextSettings()
    fit: PaceSettings = PaceSettings()
    methods: tuple[str, ...] = Field(default=LEARNED, min_length=1)
    """Methods that are swept, over ``k`` or ``penalties``, whichever they have."""
    baselines: tuple[str, ...] = ("pca", "random")
    """Methods with a k to compare with."""
    k: tuple[int, ...] = (8, 16, 32, 64)
    penalties: tuple[float, ...] = (0.03, 0.1, 0.3)
    sizes: tuple[int, ...] = ()
    """Numbers of atoms; none: the one that ``fit`` says."""
    learning_rates: tuple[float, ...] = ()
    """Learning rates of the learned methods; none: each method's own."""
    seeds: tuple[int, ...] = Field(default=(0, 1, 2), min_length=1)
    """The first also orders the stream and draws the resamples."""
    loss_windows: int | None = Field(default=48, ge=1)
    """Held-out windows on which losses are measured; None: all."""
    choice: ChoiceSettings = ChoiceSettings()

    def checked_seeds(self) -> tuple[int, ...]:
        """Return the seeds, or say which cannot be."""
        from tacit.base.errors import UserError

        wrong = [seed for seed in self.seeds if not 0 <= seed <= LARGEST_SEED]
        if wrong:
            raise UserError(f"seeds {wrong} are not between 0 and {LARGEST_SEED:,}.")
        return self.seeds
