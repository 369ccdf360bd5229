"""Metrics of how measured dictionaries rank, each with its definition."""

import math

from tacit.metrics.metric_row import MetricRow

OF_RANKING = (
    MetricRow(
        name="figure_difference",
        formula="a figure of one dictionary minus that of another, both named in the result, over "
        "the units that all ranked have",
        range=(-math.inf, math.inf),
        direction="neither",
        unit="1",
        computed_by="two_way.crossed_mean",
        source="the two-way random model, Searle, Casella and McCulloch 1992, Variance Components",
        caution="which way is better, and the unit, are those of the figure; paired where units "
        "are shared, that is not where they are features of each dictionary's own",
    ),
    MetricRow(
        name="mean_rank",
        formula="mean over figures of the place among the dictionaries that were measured alike",
        range=(1.0, math.inf),
        direction="lower",
        unit="1",
        computed_by="student.student_mean",
        source="the average rank of Friedman 1937, J. Am. Stat. Assoc. 32",
        caution="every figure weighs the same, however small its differences; figures are not "
        "independent",
    ),
)
