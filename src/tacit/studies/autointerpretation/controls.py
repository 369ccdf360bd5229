"""What the figures say against what needs no training, no context, or no explanation."""

from __future__ import annotations

from tacit.studies.autointerpretation.bases import BASELINES, CONTROL_BASES, SPARSE
from tacit.studies.autointerpretation.figures import Tables, minus
from tacit.studies.autointerpretation.judging import above, advantage, finding_of
from tacit.studies.autointerpretation.settings import EMBEDDING
from tacit.studies.study import Finding

MEASURED = tuple(name for name in BASELINES if name in CONTROL_BASES)
"""Baselines that are measured at controls too."""
UNIGRAM, EXCHANGED = "unigram", "random"
"""Explainers that are floors."""


def controlled_of(tables: Tables) -> list[Finding]:
    """Return sparse coding's advantage less that of each control, and its score over the floor."""
    settings = tables.settings
    residual = settings.residual
    both = [site for site in settings.control_sites if site in residual]
    best, anywhere = (tables.best_of(MEASURED, sites) for sites in (both, residual))
    over_random = minus(
        advantage(tables, both, SPARSE, best),
        advantage(tables, both, SPARSE, best, arm="random weights"),
    )
    over_embedding = minus(
        advantage(tables, residual, SPARSE, anywhere),
        advantage(tables, [EMBEDDING], SPARSE, anywhere),
    )
    over_tokens = minus(
        tables.over_sites(residual), tables.over_sites(residual, explainer=UNIGRAM)
    )
    sites = " ".join(residual)
    asked = (
        (
            "more-than-with-random-weights",
            over_random,
            {"over": best, "sites": " ".join(both), "less": "random weights"},
        ),
        (
            "more-than-on-embeddings",
            over_embedding,
            {"over": anywhere, "sites": sites, "less": EMBEDDING},
        ),
        ("more-than-single-tokens", over_tokens, {"over": UNIGRAM, "sites": sites}),
    )
    return [
        finding_of(tables, claim, values, {"basis": SPARSE, **of}, above(0))
        for claim, values, of in asked
    ]
