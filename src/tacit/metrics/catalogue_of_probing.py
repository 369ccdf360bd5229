"""Metrics of what probes read off a dictionary's codes, each with its definition."""

from tacit.metrics.metric_row import MetricRow

OF_PROBING = (
    MetricRow(
        name="sparse_probe_accuracy",
        formula="mean over classes of the share of held-out rows told right by a logistic "
        "regression on the k atoms that differ most between classes in training",
        range=(0.0, 1.0),
        direction="higher",
        unit="1",
        computed_by="recall.mean_recall",
        source="k-sparse probing of Gurnee et al. 2023, arXiv:2305.01610; sparse probing of "
        "SAEBench, Karvonen et al. 2025, arXiv:2503.09532",
        caution="chance is one over the number of classes; a probe on the neurons may do as well, "
        "so read it beside the baselines, and beside dense_probe_accuracy for what can be had",
    ),
    MetricRow(
        name="dense_probe_accuracy",
        formula="mean over classes of the share of held-out rows told right by a logistic "
        "regression on whole activations",
        range=(0.0, 1.0),
        direction="neither",
        unit="1",
        computed_by="recall.mean_recall",
        source="linear probes of Alain and Bengio 2016, arXiv:1610.01644",
        caution="says what the site holds and nothing of the dictionary; chance is one over the "
        "number of classes",
    ),
)
