"""What the figures of a run say of each claim of ``QUESTION.md``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tacit.metrics.explaining import pearson
from tacit.studies.autointerpretation.bases import BASELINES, LARGEST, NO_BIAS, SPARSE
from tacit.studies.autointerpretation.figures import (
    FIGURES,
    MAIN,
    Group,
    Tables,
    Values,
    minus,
)
from tacit.studies.autointerpretation.judging import (
    Judge,
    above,
    advantage,
    below,
    finding_of,
    share_of,
    within,
)
from tacit.studies.autointerpretation.places import Unit
from tacit.studies.study import Finding
from tacit.studies.units import Of

FAR_AHEAD, ALIKE, LITTLE = 0.1, 0.05, 0.5
"""Levels of the rules in ``QUESTION.md``."""
FEWEST_LAYERS = 3
FEWEST_CORRELATED = 3


def published_of(tables: Tables) -> list[Finding]:
    """Return the findings, gaps where the settings leave out what they are about."""
    return [
        *_beside_baselines(tables),
        *_over_layers(tables),
        *_among_baselines(tables),
        *_on_random_fragments(tables),
        *_over_sizes(tables),
        _of_the_largest(tables),
        *_of_moments(tables),
    ]


def moment_correlations(tables: Tables, basis: str, moment: str) -> Values:
    """Return Pearson's correlation of the score with a moment in each unit.

    Over the features of all residual layers; None where either does not vary.
    """
    pairs: dict[Unit, list[tuple[float, float]]] = {}
    for site in tables.settings.residual:
        for row in tables.rows(tables.group(site, basis)):
            size, score = vars(row)[moment], vars(row)[FIGURES[MAIN]]
            own = pairs.setdefault((row.subject, row.seed), [])
            if size is not None and score is not None:
                own.append((size, score))
    return {
        unit: pearson(*np.array(each, dtype=np.float64).T)
        if len(each) >= FEWEST_CORRELATED
        else None
        for unit, each in pairs.items()
    }


def _beside_baselines(tables: Tables) -> list[Finding]:
    """Return sparse coding, with its bias and without, beside the best published baseline."""
    settings = tables.settings
    asked = (
        ("beats-baselines-in-the-residual-stream", settings.residual, SPARSE),
        ("beats-baselines-in-the-mlp", settings.mlps, SPARSE),
        ("ahead-without-its-bias", settings.sites, SPARSE + NO_BIAS),
    )
    findings: list[Finding] = []
    for claim, sites, basis in asked:
        best = tables.best_of(BASELINES, sites)
        values = advantage(tables, sites, basis, best)
        findings.append(
            finding_of(tables, claim, values, _of(basis, best, sites), above(0))
        )
    return findings


def _over_layers(tables: Tables) -> list[Finding]:
    """Return what becomes of the advantage from the first layer to the last."""
    layers = tables.settings.residual
    has_layers = len(layers) >= FEWEST_LAYERS
    first, late, last = (
        (layers[:1], layers[-2:-1], layers[-1:]) if has_layers else ((),) * 3
    )
    best_first, best_last = (tables.best_of(BASELINES, each) for each in (first, last))
    ahead = advantage(tables, first, SPARSE, best_first)
    lasting = minus(advantage(tables, last, SPARSE, best_last), share_of(ahead, LITTLE))
    beside_ica = advantage(tables, late, SPARSE, "ica")
    asked: Sequence[tuple[str, Values, Of, Judge]] = (
        (
            "far-ahead-in-the-first-layer",
            ahead,
            _of(SPARSE, best_first, first),
            above(FAR_AHEAD),
        ),
        (
            "minimal-gain-in-the-last-layer",
            lasting,
            {**_of(SPARSE, best_last, last), "less": "half the advantage in the first"},
            below(0),
        ),
        (
            "about-ica-in-the-last-layer-but-one",
            beside_ica,
            _of(SPARSE, "ica", late),
            below(ALIKE),
        ),
    )
    return [finding_of(tables, *each) for each in asked]


def _among_baselines(tables: Tables) -> list[Finding]:
    """Return how the baselines stand among each other in the residual stream."""
    sites = tables.settings.residual
    next_best = tables.best_of([name for name in BASELINES if name != "ica"], sites)
    asked = (
        ("ica-is-the-best-baseline", "ica", next_best, above(0)),
        ("neurons-no-better-than-random", "neurons", "random", below(ALIKE)),
    )
    return [
        finding_of(
            tables,
            claim,
            advantage(tables, sites, ours, theirs),
            _of(ours, theirs, sites),
            judge,
        )
        for claim, ours, theirs, judge in asked
    ]


def _on_random_fragments(tables: Tables) -> list[Finding]:
    """Return what is left where no fragment was chosen for being strong."""
    sites, scored = tables.settings.residual, "random-only"
    best = tables.best_of(BASELINES, sites, scored)
    lower = minus(
        tables.over_sites(sites, SPARSE, scored), tables.over_sites(sites, SPARSE)
    )
    ahead = advantage(tables, sites, SPARSE, best, scored)
    of = {**_of(SPARSE, best, sites), "figure": scored}
    return [
        finding_of(
            tables, "random-only-is-lower", lower, {**of, "over": MAIN}, below(-ALIKE)
        ),
        finding_of(tables, "random-only-still-ahead", ahead, of, above(0)),
    ]


def _over_sizes(tables: Tables) -> list[Finding]:
    """Return the smallest and the largest dictionary beside the study's own size."""
    settings = tables.settings
    site, own = settings.sweep_site, settings.ratio_at(settings.sweep_site)
    fewer = min((ratio for ratio in settings.sizes if ratio < 1), default=0.0)
    more = max((ratio for ratio in settings.sizes if ratio > own), default=0.0)
    findings: list[Finding] = []
    for claim, ratio in (
        ("small-dictionaries-alike", fewer),
        ("large-dictionaries-alike", more),
    ):
        other = Group(site=site, explainer=settings.explainer, ratio=ratio, share=1.0)
        values = minus(tables.means(other), tables.means(tables.group(site)))
        of = {**_of(SPARSE, SPARSE, [site]), "ratio": ratio, "over_ratio": own}
        findings.append(finding_of(tables, claim, values, of, within(ALIKE)))
    return findings


def _of_the_largest(tables: Tables) -> Finding:
    """Return half of what sparse coding gains on ICA, less what keeping the k largest gains."""
    sites, matched = tables.settings.residual, "ica" + LARGEST
    gain = advantage(tables, sites, SPARSE, "ica")
    values = minus(share_of(gain, LITTLE), advantage(tables, sites, matched, "ica"))
    of = {**_of(f"half of {SPARSE}", matched, sites), "less": "ica"}
    return finding_of(tables, "k-largest-explain-little", values, of, above(0))


def _of_moments(tables: Tables) -> list[Finding]:
    """Return how the score goes with skew and kurtosis over the features of a unit."""
    return [
        finding_of(
            tables,
            f"{moment}-tells-score",
            moment_correlations(tables, SPARSE, moment),
            {"basis": SPARSE, "moment": moment},
            above(0),
            "moment_score_correlation",
        )
        for moment in ("skew", "kurtosis")
    ]


def _of(ours: str, theirs: str, sites: Sequence[str]) -> Of:
    return {"basis": ours, "over": theirs, "sites": " ".join(sites)}
