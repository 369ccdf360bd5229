"""Metrics of whether an explanation of a feature is true, each with its definition."""

import math

from tacit.metrics.metric_row import MetricRow

OF_EXPLANATIONS = (
    MetricRow(
        name="explanation_correlation",
        formula="Pearson's correlation of predicted with true activations over all tokens of the "
        "fragments scored on",
        range=(-1.0, 1.0),
        direction="higher",
        unit="1",
        computed_by="explaining.pearson",
        source="Bills et al. 2023, Language models can explain neurons in language models; "
        "fragments as in Cunningham et al. 2023, arXiv:2309.08600, section 3",
        caution="compare figures over fragments of one kind: strong fragments, which are easy, "
        "raise it; none where a side is constant",
    ),
    MetricRow(
        name="detection_accuracy",
        formula="mean of the shares told right among fragments where the feature is active and "
        "where it is silent",
        range=(0.0, 1.0),
        direction="higher",
        unit="1",
        computed_by="explaining.balanced_accuracy",
        source="detection of Paulo et al. 2024, arXiv:2410.13928",
        caution="chance is 0.5; blind to which tokens of a fragment are meant, and to strength",
    ),
    MetricRow(
        name="fuzzing_accuracy",
        formula="mean of the shares told right among fragments whose active tokens are marked and "
        "the same fragments with as many silent ones marked",
        range=(0.0, 1.0),
        direction="higher",
        unit="1",
        computed_by="explaining.balanced_accuracy",
        source="fuzzing of Paulo et al. 2024, arXiv:2410.13928",
        caution="chance is 0.5; an explanation that is too wide is noticed only by a wrong mark "
        "that it covers",
    ),
    MetricRow(
        name="contrastive_accuracy",
        formula="detection_accuracy where the silent fragments are ones that activate the features "
        "nearest to it",
        range=(0.0, 1.0),
        direction="higher",
        unit="1",
        computed_by="explaining.balanced_accuracy",
        source="ours; neighbours by share of tokens on which both are active, and by cosine",
        caution="chance is 0.5; harder where a dictionary splits features, so compare "
        "explanations of one dictionary",
    ),
    MetricRow(
        name="intervention_accuracy",
        formula="share of pairs of continuations of which the one written under the feature is "
        "picked, a tie counting half",
        range=(0.0, 1.0),
        direction="higher",
        unit="1",
        computed_by="explaining.told_apart",
        source="ours, after the intervention scores of Paulo et al. 2024, arXiv:2410.13928",
        caution="chance is 0.5; rises with the strength, as does what the text loses: read it "
        "beside the price",
    ),
    MetricRow(
        name="intervention_price",
        formula="loss a token, for the subject left alone, of what it writes under the feature, "
        "minus that of what it writes left alone",
        range=(-math.inf, math.inf),
        direction="lower",
        unit="nats",
        computed_by="bootstrap.bootstrap_sums",
        source="ours",
        caution="what it takes to show the feature at all is part of it",
    ),
    MetricRow(
        name="over_control",
        formula="mean over features of a score minus the same score of a control, named in the "
        "result",
        range=(-math.inf, math.inf),
        direction="higher",
        unit="1",
        computed_by="comparisons.paired_difference",
        source="the paired bootstrap of Efron 1979",
        caution="only features that have both; another feature's explanation may suit by chance",
    ),
    MetricRow(
        name="chat_tokens",
        formula="tokens read and written by chat models, a feature",
        range=(0.0, math.inf),
        direction="neither",
        unit="tokens",
        computed_by="bootstrap.bootstrap_mean",
        source="what the provider reports",
        caution="answers that could not be read are paid for too, and counted",
    ),
    MetricRow(
        name="chat_dollars",
        formula="dollars for these tokens, a feature",
        range=(0.0, math.inf),
        direction="neither",
        unit="dollars",
        computed_by="bootstrap.bootstrap_mean",
        source="the prices given, or those that Inspect knows",
        caution="what a provider takes less for, such as text read from its cache, counts in full",
    ),
    MetricRow(
        name="explanation_advantage",
        formula="mean explanation_correlation over the features of a basis minus that of another, "
        "named in the result",
        range=(-math.inf, math.inf),
        direction="higher",
        unit="1",
        computed_by="bootstrap.bootstrap_mean",
        source="ours, after figure 2 of Cunningham et al. 2023, arXiv:2309.08600",
        caution="bases differ in how often features fire too: read it beside pairs of like density",
    ),
    MetricRow(
        name="moment_score_correlation",
        formula="Pearson's correlation, over features, of a moment of the activation with "
        "explanation_correlation",
        range=(-1.0, 1.0),
        direction="neither",
        unit="1",
        computed_by="explaining.pearson",
        source="Cunningham et al. 2023, arXiv:2309.08600, table 2",
        caution="rare features have heavy tails, so read it beside that of the density",
    ),
)
"""In the order of the documentation."""
