"""Measures of a dictionary, tried on planted worlds: do they tell a good one from a bad one?

The world has many more concepts than any one text speaks of, and a repetition draws which: what
an interval over concepts claims is about those that were not drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from math import hypot
from typing import ClassVar, Literal, final

from tacit.base.errors import UserError
from tacit.calibrations.instrument import Aspect, Instrument, Kind, Trial
from tacit.dictionaries.selections import TopKPositive
from tacit.evaluations.differences import difference_over
from tacit.evaluations.evidence import Evidence
from tacit.evaluations.measure import Measure
from tacit.evaluations.planted_evidence import QUALITIES, Quality, planted_evidence
from tacit.evaluations.planted_world import PlantedWorld
from tacit.evaluations.readings import Reading, Units, figure_over, grouped
from tacit.metrics.catalogue import METRICS
from tacit.metrics.intervals import Interval

OTHER_TEXT = 1_000_000
"""Added to the index of a text, for one that shares no draw with it."""
Found = Mapping[tuple[str, str], Units]
"""Of each figure and setting, the units' sums."""


@final
@dataclass(frozen=True, kw_only=True)
class MeasureInstrument(Instrument):
    """A measure: detects that one dictionary is better, and alarms at two that are as good."""

    kind: ClassVar[Kind] = "measure"
    unit: ClassVar[str] = "documents"
    large: ClassVar[int | None] = 400

    world: str = "planted concepts, of which each text speaks of other ones"
    sizes: tuple[int, ...] = (20, 50, 100)
    lacks: Mapping[Aspect, str] = field(default_factory=dict[Aspect, str])
    measure: Measure
    planted: PlantedWorld = PlantedWorld(population=20)
    better: Quality = "good"
    worse: Quality = "random"
    tried: Quality = "good"
    """Whose figure is printed: its bias and coverage are told, and it is the first of twins."""
    null: Literal["twins", "other text"] = "twins"
    """Nothing to tell: two dictionaries drawn alike, or one on two texts."""
    by: tuple[str, ...] = ()
    """Coordinates that tell figures of one name apart."""
    figures: tuple[str, ...] = ()
    """Those that are calibrated; none: all of the measure's."""
    rebuilds: bool = False
    """Whether the dictionary itself encodes: it then keeps as many atoms as there truly are."""

    def trial(self, size: int, seed: int) -> Sequence[Trial]:
        """Return what the measure says of dictionaries of every quality on one text."""
        read = partial(self._read, size=size, index=seed)
        ranked = () if "ranked_rightly" in self.lacks else QUALITIES
        qualities: tuple[Quality, ...] = (self.tried, self.better, self.worse, *ranked)
        found: dict[Quality, Found] = {
            each: read(each) for each in dict.fromkeys(qualities)
        }
        if self.null == "twins":
            twin = read(self.tried, variant=seed + 1)
        else:
            twin = self._read(self.tried, size=size, index=OTHER_TEXT + seed)
        return [self._trial(key, found, ranked, twin) for key in found[self.tried]]

    def truths(self, seed: int) -> Mapping[tuple[str, str], float]:
        """Return what it says of the same dictionary on much text about the same concepts."""
        assert self.large is not None
        found = self._read(self.tried, size=self.large, index=seed)
        values = {key: figure_over(units) for key, units in found.items()}
        return {key: each.value for key, each in values.items() if each is not None}

    def _read(self, quality: Quality, *, size: int, index: int, variant: int = 0) -> Found:
        evidence = planted_evidence(
            self.planted, quality, index=index, num_documents=size, variant=variant
        )
        if self.rebuilds:
            evidence = _encoding(evidence)
        try:
            readings = self.measure.read(evidence, seed=index)
        except UserError:  # as the suite: what cannot be measured is missing
            return {}
        wanted = self.figures or self.measure.figures
        kept = [
            replace(each, of={name: each.of[name] for name in self.by if name in each.of})
            for each in readings
            if isinstance(each, Reading) and each.figure in wanted
        ]
        return {
            (figure, ", ".join(f"{name} {value}" for name, value in of)): units
            for (figure, of), units in grouped(kept).items()
        }

    def _trial(
        self,
        key: tuple[str, str],
        found: Mapping[Quality, Found],
        ranked: Sequence[Quality],
        twin: Found,
    ) -> Trial:
        units = found[self.tried][key]
        own = figure_over(units)
        sign = -1.0 if METRICS[key[0]].direction == "lower" else 1.0
        apart = difference_over(
            found[self.better].get(key, {}), found[self.worse].get(key, {})
        )
        figures = [figure_over(found[quality].get(key, {})) for quality in ranked]
        values = [sign * each.value for each in figures if each is not None]
        is_right = len(values) == len(ranked) and all(a > b for a, b in pairwise(values))
        return Trial(
            figure=key[0],
            setting=key[1],
            detected=apart is not None and _above(apart, sign),
            false_alarm=self._alarm(units, twin.get(key, {})),
            ranked=is_right if ranked else None,
            value=None if own is None else own.value,
            low=None if own is None else own.low,
            high=None if own is None else own.high,
        )

    def _alarm(self, own: Units, twin: Units) -> bool:
        if self.null == "twins":
            apart = difference_over(own, twin)
            return apart is not None and (_above(apart, 1.0) or _above(apart, -1.0))
        sides = [figure_over(units) for units in (own, twin)]
        ends = [each.ends for each in sides if each is not None and each.ends is not None]
        if len(ends) < 2:
            return False
        middles = [(low + high) / 2 for low, high in ends]
        halves = [(high - low) / 2 for low, high in ends]
        return abs(middles[0] - middles[1]) > hypot(*halves)


def _above(apart: Interval, sign: float) -> bool:
    """Return whether the whole interval is on one side of 0."""
    return apart.ends is not None and min(sign * end for end in apart.ends) > 0


def _encoding(evidence: Evidence) -> Evidence:
    """Return the evidence with a dictionary that keeps as many atoms a row as there truly are."""
    active = max(1, round(evidence.codes.nnz / evidence.num_rows))
    own = replace(evidence.dictionary, selection=TopKPositive(k=active))
    return replace(evidence, dictionary=own)
