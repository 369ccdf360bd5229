"""Metrics of what a concept layer carries beyond its concepts, each with its definition."""

import math

from tacit.metrics.metric_row import MetricRow

_MEAN = "student.student_mean"
_DRAFT = "Hoagy 2023, Universality and Hidden Information in Concept Bottleneck Models"
_KOH = "Koh et al. 2020, arXiv:2007.04612"
_LEAKAGE = "Makonnen et al. 2025, arXiv:2504.09459"
_PARISINI = "Parisini et al. 2025, arXiv:2504.14094"
OF_BOTTLENECKS = (
    MetricRow(
        name="conditional_information",
        formula="I(y; readings | c): held-out cross-entropy of the class from c and readings "
        "permuted among rows of equal c, minus that from c and the readings, mean over rows",
        range=(-math.inf, math.inf),
        direction="lower",
        unit="nats",
        computed_by=_MEAN,
        source=_LEAKAGE + "; the permuted readings in place of none are ours",
        caution="what the classifier finds, which is no more than there is; below 0 by chance "
        "alone; read it beside entropy_given_concepts, its ceiling",
    ),
    MetricRow(
        name="entropy_given_concepts",
        formula="held-out cross-entropy of the class from its shares among rows of equal c",
        range=(0.0, math.inf),
        direction="neither",
        unit="nats",
        computed_by=_MEAN,
        source=_LEAKAGE,
        caution="where it is near 0 the concepts name the class and nothing can leak",
    ),
    MetricRow(
        name="twin_accuracy",
        formula="share of images of twin classes, equal in all concepts, that the class head "
        "gives to the right one of the two",
        range=(0.0, 1.0),
        direction="lower",
        unit="1",
        computed_by="intervals.wilson",
        source="ours",
        caution="1/2 is what the concepts can give, by construction of the twins; more is leak",
    ),
    MetricRow(
        name="swap_accuracy",
        formula="share of images whose class is named by the class head of one run on the "
        "concept readings of another",
        range=(0.0, 1.0),
        direction="neither",
        unit="1",
        computed_by=_MEAN,
        source=_DRAFT,
        caution="concepts alone carry over too: read it beside swaps of sequential runs",
    ),
    MetricRow(
        name="swap_twin_accuracy",
        formula="share of images of twin classes that the class head of one run gives to the "
        "right one of the two, on the concept readings of another",
        range=(0.0, 1.0),
        direction="neither",
        unit="1",
        computed_by=_MEAN,
        source="ours",
        caution="1/2 is what runs score that hide nothing, or hide it in unlike ways; below it "
        "they hide it in opposite ways",
    ),
    MetricRow(
        name="retention",
        formula="(accuracy of swapped heads - that of sequential runs) / (accuracy of own heads "
        "- that of sequential runs), sums over runs",
        range=(-math.inf, math.inf),
        direction="neither",
        unit="1",
        computed_by="student.student_ratio",
        source="ours, on the swaps of " + _DRAFT,
        caution="without meaning where joint training gains little; the gain need not be leak",
    ),
    MetricRow(
        name="sign_agreement",
        formula="share of pairs of twin classes that the head of one run orders the right way "
        "round, on average over images, on the concept readings of another",
        range=(0.0, 1.0),
        direction="neither",
        unit="1",
        computed_by=_MEAN,
        source="ours",
        caution="1/2 by chance; a pair counts however small its difference is",
    ),
    MetricRow(
        name="concept_accuracy",
        formula="share of concept labels told right by the sign of the concept's logit, mean over "
        "concepts and images",
        range=(0.0, 1.0),
        direction="higher",
        unit="1",
        computed_by=_MEAN,
        source=_KOH,
        caution="rare concepts make it high for a layer that says no to all",
    ),
    MetricRow(
        name="concept_task_leakage",
        formula="mean over concepts of max(0, I(logit; y) - I(concept; y)) / H(y)",
        range=(0.0, math.inf),
        direction="lower",
        unit="1",
        computed_by=_MEAN,
        source=_PARISINI + " (CTL)",
        caution="one concept at a time: blind to what several carry jointly; never below 0, so "
        "noise raises it",
    ),
    MetricRow(
        name="interconcept_leakage",
        formula="mean over ordered pairs of concepts of max(0, NMI of their logits - NMI of the "
        "concepts), with NMI = I(a; b) / sqrt(I(a; a) I(b; b))",
        range=(0.0, math.inf),
        direction="lower",
        unit="1",
        computed_by=_MEAN,
        source=_PARISINI + " (ICL)",
        caution="the I(a; a) of a logit is an estimate that grows with the sample: compare at an "
        "equal number of images alone",
    ),
    MetricRow(
        name="uncertainty_reduction_ratio",
        formula="1 - held-out cross-entropy of a nuisance given the readings / that given its "
        "shares",
        range=(-math.inf, 1.0),
        direction="lower",
        unit="1",
        computed_by="student.student_ratio",
        source="MCBM, arXiv:2506.04877, with the probe's cross-entropy in place "
        "of the mean entropy of what it says",
        caution="the mean entropy, as in the authors' code, flatters a probe that is too sure",
    ),
    MetricRow(
        name="oracle_impurity",
        formula="|P - O| / (k / 2), Frobenius norm over pairs of k concepts: P the AUROC of one "
        "concept from another's logit, O that from the other's truth",
        range=(0.0, 2.0),
        direction="lower",
        unit="1",
        computed_by="labels.auroc",
        source="Espinosa Zarlenga et al. 2023, arXiv:2301.10367, with logistic probes",
        caution="a logit that tells less than the truth counts as impure too",
    ),
    MetricRow(
        name="intervened_accuracy",
        formula="share of images whose class the head names where the readings of some groups of "
        "concepts are set to their truth, mean over orders of groups",
        range=(0.0, 1.0),
        direction="neither",
        unit="1",
        computed_by=_MEAN,
        source=_KOH,
        caution="values that the head never saw harm it too: read it beside the head on its own "
        "predictions made binary at the same values",
    ),
    MetricRow(
        name="residual_similarity",
        formula="mean over concepts of the correlation, on the same held-out images, of two runs' "
        "logits less their means among images of equal concepts",
        range=(-1.0, 1.0),
        direction="neither",
        unit="1",
        computed_by=_MEAN,
        source="ours",
        caution="runs also agree in how hard a picture is: read it beside two sequential runs and "
        "images permuted within class and concepts",
    ),
    MetricRow(
        name="told_apart",
        formula="share of concept readings of which a held-out probe says rightly which encoder "
        "made them",
        range=(0.0, 1.0),
        direction="neither",
        unit="1",
        computed_by="intervals.wilson",
        source=_DRAFT,
        caution="chance is one over the encoders; sequential runs can be told apart as well",
    ),
    MetricRow(
        name="leak_rank_correlation",
        formula="Spearman's correlation over concepts of what each leaks with a property of it, "
        "such as its entropy",
        range=(-1.0, 1.0),
        direction="neither",
        unit="1",
        computed_by="explaining.pearson",
        source=_DRAFT,
        caution="a loss weighted by how rare a concept is makes its entropy matter by itself",
    ),
    MetricRow(
        name="cue_auroc",
        formula="AUROC of a cue that no concept names, from the feature of a dictionary that "
        "tells it best on other images",
        range=(0.0, 1.0),
        direction="higher",
        unit="1",
        computed_by="labels.auroc",
        source="ours",
        caution="0.5 is chance; chosen among many features, on images that it is not scored on",
    ),
)
