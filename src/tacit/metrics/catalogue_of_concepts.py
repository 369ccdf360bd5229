"""Metrics of how concepts lie in a dictionary, each with its definition."""

import math

from tacit.metrics.metric_row import MetricRow

OF_CONCEPTS = (
    MetricRow(
        name="absorbed_share",
        formula="share of held-out rows that have a concept, as a probe says too, in which the "
        "concept's main atoms are silent and one other gives 40 % or more of what sets the row "
        "off along the probe; mean over concepts",
        range=(0.0, 1.0),
        direction="lower",
        unit="1",
        computed_by="concept_features.absorbed",
        source="Chanin et al. 2024, arXiv:2409.14507",
        caution="atoms that miss the concept at random count where they leave it to one that comes "
        "with it; read beside split_features, into which frequent absorption goes",
    ),
    MetricRow(
        name="split_features",
        formula="atoms that tell a concept: the best, and each further one that raises F1 on "
        "training rows by more than 0.03; mean over concepts",
        range=(1.0, math.inf),
        direction="lower",
        unit="1",
        computed_by="concept_features.split_count",
        source="Chanin et al. 2024, arXiv:2409.14507",
        caution="at most 10 are looked for; a concept that no atom tells may count as 1",
    ),
    MetricRow(
        name="targeted_perturbation",
        formula="balanced accuracy that a class's probe loses on held-out rows when the n atoms "
        "that carry the class are taken out, minus the mean of what the other classes' probes "
        "lose; mean over classes",
        range=(-2.0, 2.0),
        direction="higher",
        unit="1",
        computed_by="concept_features.targeted_drops",
        source="Karvonen et al. 2024, arXiv:2411.18895",
        caution="0.5 is what taking away a class and nothing else scores; atoms beyond those that "
        "carry the class can only harm the others",
    ),
    MetricRow(
        name="spurious_removed",
        formula="(accuracy of a biased probe with the n atoms of what misled it held at their mean "
        "- without) / (accuracy of an unbiased probe - that of the biased one), sums over pairs of "
        "concepts, on held-out rows of all four combinations alike",
        range=(-math.inf, math.inf),
        direction="higher",
        unit="1",
        computed_by="student.student_ratio",
        source="Marks et al. 2024, arXiv:2403.19647; Karvonen et al. 2024, arXiv:2411.18895",
        caution="1 is as good as an unbiased probe, below 0 is harm; pairs whose probes are alike "
        "are left out and counted",
    ),
)
