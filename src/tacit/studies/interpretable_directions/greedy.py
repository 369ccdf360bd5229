"""One set of features for all prompts, chosen as published: by greedy elimination."""

from __future__ import annotations

from collections.abc import Mapping

from tacit.base.seeds import stream
from tacit.dictionaries import Dictionary
from tacit.interventions.differences import code_difference
from tacit.interventions.replacement import curve_of_sets, eliminate
from tacit.models.subject import Subject
from tacit.studies.interpretable_directions.curves import Curve, curve_row, runs_of
from tacit.studies.interpretable_directions.settings import DirectionsSettings


def greedy_of(
    settings: DirectionsSettings,
    subject: Subject,
    unit: tuple[str, int],
    bases: Mapping[str, Dictionary],
) -> list[Curve]:
    """Return the curve of each basis over the thresholds, scored on other prompts."""
    choosing, scoring = runs_of(settings, subject, unit[1])
    found = []
    for basis, dictionary in bases.items():
        here, there = (
            code_difference(subject, runs.prompts, settings.site, dictionary)
            for runs in (choosing, scoring)
        )
        rng = stream(unit[1], f"studies/directions/elimination/{basis}")
        kept = [each.kept for each in eliminate(choosing, here, settings.thresholds, rng)]
        curve = curve_of_sets(scoring, there, kept)
        found.append(curve_row(unit, basis, "greedy", scoring, curve))
    return found
