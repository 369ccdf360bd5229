"""From features to figures: means of a basis in each unit, differences of bases, and records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from typing import final

from tacit.base.records import Gap, Record, Result
from tacit.studies.autointerpretation.bases import SPARSE
from tacit.studies.autointerpretation.places import Arm, Unit
from tacit.studies.autointerpretation.rows import (
    FIGURES,
    SIMULATED,
    BasisRow,
    FeatureRow,
    LabelRow,
)
from tacit.studies.autointerpretation.settings import AutointerpretationSettings
from tacit.studies.units import Of, over_units

MAIN = "top-and-random"
"""The published figure."""
METRIC_OF = {
    **dict.fromkeys(SIMULATED, "explanation_correlation"),
    "detection": "detection_accuracy",
    "fuzzing": "fuzzing_accuracy",
}
NO_FEATURE = "no feature was scored"
OF_BASES: Mapping[str, Callable[[BasisRow], float]] = {
    "l0": lambda row: row.l0,
    "fvu": lambda row: row.fvu,
}
Values = Mapping[Unit, float | None]


@final
@dataclass(frozen=True, kw_only=True)
class Group:
    """What the features of a mean have in common, but for subject and seed."""

    site: str
    basis: str = SPARSE
    arm: Arm = "trained"
    explainer: str
    ratio: float | None = None
    """Of a sweep over sizes and shares; None: the study's own."""
    share: float | None = None

    @property
    def of(self) -> Of:
        """The coordinates of a result."""
        swept = {"ratio": self.ratio, "share": self.share}
        return {
            "arm": self.arm,
            "site": self.site,
            "basis": self.basis,
            "explainer": self.explainer,
            **{name: value for name, value in swept.items() if value is not None},
        }


@final
@dataclass(frozen=True, kw_only=True)
class Tables:
    """What every place wrote."""

    settings: AutointerpretationSettings
    features: Sequence[FeatureRow]
    labels: Sequence[LabelRow]
    bases: Sequence[BasisRow]

    @cached_property
    def by_group(self) -> Mapping[Group, Mapping[Unit, list[FeatureRow]]]:
        """Features by what they have in common, and then by subject and seed."""
        found: dict[Group, dict[Unit, list[FeatureRow]]] = defaultdict(dict)
        for row in self.features:
            unit = row.subject, row.seed
            found[_group_of(row)].setdefault(unit, []).append(row)
        return found

    def group(
        self,
        site: str,
        basis: str = SPARSE,
        arm: Arm = "trained",
        explainer: str | None = None,
    ) -> Group:
        """Return a group of the study's own size, explained by the run's own explainer."""
        name = explainer or self.settings.explainer
        return Group(site=site, basis=basis, arm=arm, explainer=name)

    def rows(self, group: Group) -> list[FeatureRow]:
        """Return the features of a group, of all units."""
        return [row for rows in self.by_group.get(group, {}).values() for row in rows]

    def means(self, group: Group, figure: str = MAIN) -> Values:
        """Return the mean over each unit's features; None where none has a value."""
        column = FIGURES[figure]
        return {
            unit: _mean([vars(row)[column] for row in rows])
            for unit, rows in self.by_group.get(group, {}).items()
        }

    def over_sites(
        self,
        sites: Sequence[str],
        basis: str = SPARSE,
        figure: str = MAIN,
        arm: Arm = "trained",
        explainer: str | None = None,
    ) -> Values:
        """Return the mean over sites in each unit; None where a site has none."""
        each = [
            self.means(self.group(site, basis, arm, explainer), figure) for site in sites
        ]
        units = dict.fromkeys(unit for values in each for unit in values)
        return {unit: _whole_mean([values.get(unit) for values in each]) for unit in units}

    def best_of(
        self, bases: Sequence[str], sites: Sequence[str], figure: str = MAIN
    ) -> str:
        """Return the basis with the highest mean over units and sites."""

        def mean(basis: str) -> float:
            return _mean(list(self.over_sites(sites, basis, figure).values())) or 0.0

        return max(bases, key=mean)


def minus(ours: Values, theirs: Values) -> Values:
    """Return the difference in each unit that has both; None where a value is missing."""
    found: dict[Unit, float | None] = {}
    for unit in ours.keys() & theirs.keys():
        one, other = ours[unit], theirs[unit]
        found[unit] = None if one is None or other is None else one - other
    return {unit: found[unit] for unit in ours if unit in found}


def figure(
    settings: AutointerpretationSettings,
    name: str,
    values: Values,
    of: Of,
    missing: str = NO_FEATURE,
) -> Result | Gap:
    """Return the mean over subjects and seeds with its interval."""
    if not values:
        return Gap(name=name, reason="the settings leave it out", of=dict(of))
    named = {f"{subject}-{seed}": value for (subject, seed), value in values.items()}
    seed = min(settings.seeds)
    units = "subjects and seeds"
    return over_units(
        "autointerpretation", name, named, of, missing, units=units, seed=seed
    )


def records_of(tables: Tables) -> list[Record]:
    """Return every figure of every basis, and the share of features that labels tell."""
    settings = tables.settings
    records: list[Record] = []
    for group in tables.by_group:
        for name, metric in METRIC_OF.items():
            values = tables.means(group, name)
            of = {**group.of, "figure": name}
            records.append(figure(settings, metric, values, of, _why(name)))
    for group, rows in _bases_by_group(tables).items():
        for name, read in OF_BASES.items():
            values = {unit: read(row) for unit, row in rows.items()}
            of = {key: each for key, each in group.of.items() if key != "explainer"}
            records.append(figure(settings, name, values, of))
    for site, basis in dict.fromkeys((row.site, row.basis) for row in tables.labels):
        of = {"site": site, "basis": basis, "explainer": "label"}
        records.append(figure(settings, "f1", f1_of(tables.labels, site, basis), of))
    return records


def f1_of(labels: Sequence[LabelRow], site: str, basis: str) -> Values:
    """Return the mean F1 of a basis' features for the labels that tell them, in each unit."""
    found: dict[Unit, list[float]] = {}
    for row in labels:
        if (row.site, row.basis) == (site, basis):
            found.setdefault((row.subject, row.seed), []).append(row.f1)
    return {unit: fmean(values) for unit, values in found.items()}


def _bases_by_group(tables: Tables) -> Mapping[Group, Mapping[Unit, BasisRow]]:
    found: dict[Group, dict[Unit, BasisRow]] = defaultdict(dict)
    for row in tables.bases:
        group = _group_of(row, tables.settings.explainer)
        found[group][row.subject, row.seed] = row
    return found


def _group_of(row: FeatureRow | BasisRow, explainer: str | None = None) -> Group:
    if explainer is None:
        assert isinstance(row, FeatureRow)
        explainer = row.explainer
    arm: Arm = "trained" if row.arm == "trained" else "random weights"
    return Group(
        site=row.site,
        basis=row.basis,
        arm=arm,
        explainer=explainer,
        ratio=row.ratio if row.is_swept else None,
        share=row.share if row.is_swept else None,
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _whole_mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known and len(known) == len(values) else None


def _why(name: str) -> str:
    if name == "detection":
        return "no feature is both active and silent in three held-out fragments or more"
    return NO_FEATURE
