"""Metrics of several dictionaries or fits beside one another, each with its definition."""

import math

from tacit.metrics.catalogue_of_one import OF_ONE
from tacit.metrics.metric_row import MetricRow

_ROWS = (
    MetricRow(
        name="mmcs_lost",
        formula="mmcs of the best candidate - mmcs of the one with the lowest score",
        range=(0.0, 2.0),
        direction="lower",
        unit="1",
        computed_by="choosing.lost_by_choosing",
        source="ours",
        caution="compare with what a candidate drawn at random loses; it depends on which "
        "candidates there are",
    ),
    MetricRow(
        name="rank_correlation",
        formula="Spearman's correlation of -score with the truth, over candidates",
        range=(-1.0, 1.0),
        direction="higher",
        unit="1",
        computed_by="choosing.rank_correlation",
        source="Spearman 1904, Am. J. Psychol. 15",
        caution="blind to how much a wrong order costs; candidates without a score are left out",
    ),
    MetricRow(
        name="log_log_slope",
        formula="least-squares slope of log y on log x",
        range=(-math.inf, math.inf),
        direction="neither",
        unit="1",
        computed_by="choosing.log_log_slope",
        source="ours",
        caution="1 is proportional, 0 constant; few points make any slope possible",
    ),
    MetricRow(
        name="steps_ratio",
        formula="steps until a level is reached / steps of another start until the same level",
        range=(0.0, math.inf),
        direction="neither",
        unit="1",
        computed_by="choosing.steps_ratio",
        source="ours",
        caution="1 is equally fast; undefined where a level is never reached; as coarse as the "
        "steps between two readings",
    ),
    MetricRow(
        name="shared_cosine",
        formula="sum of cosines of the best one-to-one assignment / atoms of the smaller "
        "dictionary",
        range=(-1.0, 1.0),
        direction="neither",
        unit="1",
        computed_by="recovery.Matching.shared_cosine",
        source="assignment by Kuhn 1955; between seeds as in Paulo and Belrose 2025, "
        "arXiv:2501.16615",
        caution="random atoms do not score 0: read it beside theirs; dictionaries of one seed "
        "begin from the same directions; dead atoms count; of signed codes either sign",
    ),
    MetricRow(
        name="shared_above_0.9",
        formula="one-to-one pairs with cosine above 0.9 / atoms of the smaller dictionary",
        range=(0.0, 1.0),
        direction="neither",
        unit="1",
        computed_by="recovery.Matching.shared",
        source="assignment by Kuhn 1955; the threshold in the code of Cunningham et al. 2023, "
        "arXiv:2309.08600",
        caution="an atom split in two in the other dictionary counts as not shared",
    ),
)


def _difference(of: str, over: str, caution: str) -> MetricRow:
    """Return the row of how much a metric exceeds that of the reference of a comparison."""
    row = next(row for row in OF_ONE if row.name == of)
    low, high = row.range
    return MetricRow(
        name=f"{of}_difference",
        formula=f"{of} minus that of the reference, both resampled together over {over}",
        range=(low - high, high - low),
        direction=row.direction,
        unit=row.unit,
        computed_by="hierarchy.crossed_bootstrap",
        source="the paired bootstrap of Efron 1979; with seeds, that of Owen 2007, "
        "arXiv:0712.1111",
        caution=caution,
    )


_DIFFERENCES = tuple(
    _difference(of, over, caution)
    for of, over, caution in (
        ("fvu", "documents", "only at one site, on the same rows, and at a like l0"),
        ("l0", "documents", "the price at which another difference was had"),
        ("loss_recovered", "documents", "only at one site and on the same windows"),
        ("dead_share", "seeds", "only on the same tokens; one seed has no interval"),
        ("f1", "labels", "each dictionary has a best feature of its own for a label"),
    )
)

OF_MANY = (*_ROWS, *_DIFFERENCES)
