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
        caution="random atoms do not score 0: read it beside theirs; dictionaries of one seed and "
        "size begin from the same directions; dead atoms count; of signed codes either sign",
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
    MetricRow(
        name="matched_correlation",
        formula="mean over atoms matched one to one of the correlation of their activations; 0 "
        "where one is silent",
        range=(-1.0, 1.0),
        direction="higher",
        unit="1",
        computed_by="matched_codes.matched_correlation",
        source="ours",
        caution="atoms that are active on much of the text are alike by chance; of signed codes "
        "either sign",
    ),
    MetricRow(
        name="shared_per_dimension",
        formula="one-to-one pairs with cosine above 0.9 / d",
        range=(0.0, math.inf),
        direction="neither",
        unit="1",
        computed_by="recovery.Matching.shared_per_dimension",
        source="counts of Cunningham and Riggs 2023, \"[Replication] Conjecture's Sparse Coding in "
        'Small Transformers"',
        caution="two dictionaries can agree on what is no feature, such as axes of shuffled "
        "rows: read it beside that",
    ),
    MetricRow(
        name="shared_per_dimension_excess",
        formula="shared_per_dimension - the largest of the controls', at the same sizes",
        range=(-math.inf, math.inf),
        direction="neither",
        unit="1",
        computed_by="choosing.excess_over_best",
        source="ours",
        caution="the largest of several controls is high by luck, which lowers it",
    ),
    MetricRow(
        name="close_atoms",
        formula="atoms whose largest cosine with one of the other dictionary exceeds 0.9",
        range=(0.0, math.inf),
        direction="neither",
        unit="1",
        computed_by="recovery.count_close",
        source="the code of Cunningham et al. 2023, arXiv:2309.08600",
        caution="several atoms may have one and the same partner",
    ),
    MetricRow(
        name="close_share",
        formula="close_atoms / atoms of the first dictionary",
        range=(0.0, 1.0),
        direction="neither",
        unit="1",
        computed_by="recovery.close_share",
        source="the code of Cunningham et al. 2023, arXiv:2309.08600",
        caution="dictionaries that began from the same directions share more",
    ),
    MetricRow(
        name="bimodality_p",
        formula="share of resamples of the least smoothed density with one mode that have more "
        "modes at that smoothing, (count + 1) / (n + 1)",
        range=(0.0, 1.0),
        direction="neither",
        unit="1",
        computed_by="bimodality.bimodality_p",
        source="Silverman 1981, J. R. Stat. Soc. B 43",
        caution="conservative; with thousands of values any second bump is found",
    ),
    MetricRow(
        name="valley",
        formula="lowest density between the two modes / density at the lower mode, at the least "
        "smoothing with two modes",
        range=(0.0, 1.0),
        direction="neither",
        unit="1",
        computed_by="bimodality.valley",
        source="ours",
        caution="1 is one mode; a few values far off make a mode of their own",
    ),
    MetricRow(
        name="participation_ratio",
        formula="mean over directions of (sum of squares)^2 / sum of fourth powers",
        range=(1.0, math.inf),
        direction="neither",
        unit="1",
        computed_by="participation.participation_ratio",
        source="Bell and Dean 1970, Discuss. Faraday Soc. 50",
        caution="depends on the axes; at most d, about d / 3 for random directions",
    ),
    MetricRow(
        name="participation_share",
        formula="participation_ratio / that of the same directions turned at random",
        range=(0.0, math.inf),
        direction="neither",
        unit="1",
        computed_by="participation.participation_share",
        source="ours",
        caution="1 is no more aligned with the axes than by chance; a few large entries already "
        "lower it",
    ),
    MetricRow(
        name="plateau_excess",
        formula="rise over the first half of the steps - 2 x change over the second half",
        range=(-math.inf, math.inf),
        direction="neither",
        unit="1",
        computed_by="choosing.plateau_excess",
        source="ours",
        caution="above 0: a rise, then at most half as much change; it goes by three values",
    ),
    MetricRow(
        name="alike_share",
        formula="share of features of which at least 0.8 of the examples have one thing in common",
        range=(0.0, 1.0),
        direction="higher",
        unit="1",
        computed_by="labels.alike_share",
        source="ours",
        caution="only what is labelled can be in common; read it beside that of random "
        "directions",
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
