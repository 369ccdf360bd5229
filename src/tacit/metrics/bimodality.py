"""Has a sample one mode or two? Silverman's test, whose null is fitted to the sample itself.

The null is the Gaussian kernel density of the sample with the least smoothing that leaves one mode.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

from tacit.base.errors import UserError

BINS = 1024
FEWEST = 8
HALVINGS = 30
REACH = 8.0
"""Kernel widths after which the kernel counts as 0."""
FLAT = 1e-9
"""Rises and falls below this share of the highest density are rounding."""


@final
@dataclass(frozen=True, kw_only=True)
class Modes:
    """What the density of a sample looks like."""

    p_value: float
    """Of one mode, (count + 1) / (n + 1) over resamples of the fitted null: 0 to 1."""
    valley: float
    """Lowest density between the two modes over the lower mode's: 0 to 1."""
    low: float
    high: float
    """Where the two modes are; the same where smoothing leaves only one."""


def modes_of(
    sample: Float[np.ndarray, " n"], rng: np.random.Generator, *, repeats: int = 500
) -> Modes:
    """Return whether a sample has one mode, and how deep the valley between two is.

    The two modes are those of the density with the least smoothing that leaves at most two.
    Caution: conservative, as its author says; with thousands of values any second bump counts.
    Source: Silverman 1981, "Using kernel density estimates to investigate multimodality",
    J. R. Stat. Soc. B 43, with the variance of resamples brought back to the sample's.

    Raises:
        UserError: with fewer than 8 values, values that are all one, or not finite.
    """
    if len(sample) < FEWEST or not np.isfinite(sample).all() or np.ptp(sample) == 0:
        raise UserError(
            f"the modes of {len(sample)} values were asked for; it takes {FEWEST} finite ones or "
            "more that differ."
        )
    width = _least_width(sample, 1)
    centre, spread = sample.mean(), sample.std()
    shrink = (1 + (width / spread) ** 2) ** -0.5
    count = 0
    for _ in range(repeats):
        drawn = rng.choice(sample, len(sample)) + width * rng.standard_normal(len(sample))
        count += len(_peaks(_density(centre + shrink * (drawn - centre), width)[1])) > 1
    low, high, valley = _two_modes(sample)
    p_value = (count + 1) / (repeats + 1)
    return Modes(p_value=p_value, valley=valley, low=low, high=high)


def bimodality_p(sample: Float[np.ndarray, " n"], rng: np.random.Generator) -> float:
    """Return Silverman's p-value of one mode: small where there are two or more."""
    return modes_of(sample, rng).p_value


def valley(sample: Float[np.ndarray, " n"]) -> float:
    """Return the lowest density between a sample's two modes over that of the lower mode."""
    return _two_modes(sample)[2]


def _two_modes(sample: Float[np.ndarray, " n"]) -> tuple[float, float, float]:
    """Return where the two modes are, and the valley between them; 1 where there is one mode."""
    places, density = _density(sample, _least_width(sample, 2))
    peaks = _peaks(density)
    if len(peaks) < 2:
        return float(places[peaks[0]]), float(places[peaks[0]]), 1.0
    first, last = peaks[0], peaks[-1]
    lowest = density[first : last + 1].min() / min(density[first], density[last])
    return float(places[first]), float(places[last]), float(np.clip(lowest, 0, 1))


def _least_width(sample: Float[np.ndarray, " n"], num_modes: int) -> float:
    """Return the least kernel width with at most so many modes; their number only falls with it."""
    low, high = 0.0, float(np.ptp(sample))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        few = len(_peaks(_density(sample, middle)[1])) <= num_modes
        low, high = (low, middle) if few else (middle, high)
    return high


def _density(
    sample: Float[np.ndarray, " n"], width: float
) -> tuple[Float[np.ndarray, " g"], Float[np.ndarray, " g"]]:
    """Return places and the kernel density there, of the sample in ``BINS`` bins of its range."""
    counts, edges = np.histogram(sample, bins=BINS)
    step = edges[1] - edges[0]
    beyond = int(np.ceil(REACH * width / step)) + 1
    padded = np.pad(counts.astype(float), beyond)
    # The kernel is a product in frequencies; what goes round the ends is beyond its reach.
    waves = 2 * np.pi * np.fft.rfftfreq(len(padded)) * width / step
    smooth = np.fft.irfft(np.fft.rfft(padded) * np.exp(-(waves**2) / 2), n=len(padded))
    places = edges[0] + step * (np.arange(len(padded)) - beyond + 0.5)
    return places, smooth / (len(sample) * step)


def _peaks(density: Float[np.ndarray, " g"]) -> np.ndarray:
    """Return where the density stops rising and falls, rounding left aside."""
    change = np.diff(density)
    moves = np.flatnonzero(np.abs(change) > FLAT * density.max())
    rising = change[moves] > 0
    return moves[:-1][rising[:-1] & ~rising[1:]] + 1
