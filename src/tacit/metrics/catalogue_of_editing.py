"""Metrics of what editing a dictionary's atoms brings about, each with its definition."""

import math

from tacit.metrics.metric_row import MetricRow

_MEAN = "student.student_mean"
_RAVEL = "Huang et al. 2024, arXiv:2402.17700 (RAVEL), judged by probes"
OF_EDITING = (
    MetricRow(
        name="disentanglement",
        formula="mean of attribute_cause and attribute_isolation",
        range=(0.0, 1.0),
        direction="higher",
        unit="1",
        computed_by=_MEAN,
        source=_RAVEL,
        caution="changing nothing and changing everything both score about .5; read it beside its "
        "two parts",
    ),
    MetricRow(
        name="attribute_cause",
        formula="mean over attributes of the share of pairs of rows in which a row given the "
        "other's activations of the attribute's atoms is told to have the other's class",
        range=(0.0, 1.0),
        direction="higher",
        unit="1",
        computed_by=_MEAN,
        source=_RAVEL,
        caution="a probe judges, not the model: the model may read the attribute elsewhere; 1 "
        "where whole rows are swapped",
    ),
    MetricRow(
        name="attribute_isolation",
        formula="mean over attributes of the share of the same pairs in which another attribute, "
        "in which they differ too, is told to be as it was",
        range=(0.0, 1.0),
        direction="higher",
        unit="1",
        computed_by=_MEAN,
        source=_RAVEL,
        caution="1 where nothing is changed: never read it without attribute_cause",
    ),
    MetricRow(
        name="forgotten_at_price",
        formula="rise of the loss of tokens to be forgotten, where that of all others has risen by "
        "a price, between two doses on a line; at the largest dose where none costs as much; a "
        "loss above that of a guess among all tokens counts as that",
        range=(-math.inf, math.inf),
        direction="higher",
        unit="nats",
        computed_by="editing.rise_at_price",
        source="ours, on the clamping of Farrell et al. 2024, arXiv:2410.19278",
        caution="a loss that has risen is no proof that nothing is left: other prompts, or a "
        "little training, may bring it back",
    ),
    MetricRow(
        name="price_unreached",
        formula="share of labels for which the largest dose costs less than the price",
        range=(0.0, 1.0),
        direction="neither",
        unit="1",
        computed_by=_MEAN,
        source="ours",
        caution="high: forgotten_at_price is that of a lower price than it says",
    ),
    MetricRow(
        name="steered_share",
        formula="mean over labels of the share of continuations with a token of the label, where "
        "what is written costs as much more than unsteered text",
        range=(0.0, 1.0),
        direction="higher",
        unit="1",
        computed_by=_MEAN,
        source="ours; compared with a difference of means and a prompt, as Wu et al. 2025, "
        "arXiv:2501.17148 (AxBench)",
        caution="read it beside the unsteered share; a token of the label is no proof that the "
        "text is about it",
    ),
    MetricRow(
        name="steering_advantage",
        formula="mean over labels of steered_share of the feature minus that of the difference of "
        "means, prefix by prefix",
        range=(-1.0, 1.0),
        direction="higher",
        unit="1",
        computed_by=_MEAN,
        source="ours; compared with a difference of means, as Wu et al. 2025, arXiv:2501.17148 "
        "(AxBench)",
        caution="one feature a label, chosen by how well it tells the label: another might steer "
        "better",
    ),
)
