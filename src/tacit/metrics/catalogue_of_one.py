"""Metrics of one dictionary or one model, each with its definition."""

import math

from tacit.metrics.metric_row import MetricRow

OF_ONE = (
    MetricRow(
        name="fvu",
        formula="sum |x - x_hat|^2 / sum |x - mean(x)|^2, over all rows of the sample",
        range=(0.0, math.inf),
        direction="lower",
        unit="1",
        computed_by="fidelity.fraction_variance_unexplained",
        source="the normalised MSE of Gao et al. 2024, arXiv:2406.04093",
        caution="1 is what predicting the mean row scores; never average it over batches; a few "
        "rows of huge norm decide it; compare at an equal l0",
    ),
    MetricRow(
        name="l0",
        formula="mean over tokens of the number of atoms whose value is not 0",
        range=(0.0, math.inf),
        direction="neither",
        unit="1",
        computed_by="sparsity.mean_l0",
        source="Cunningham et al. 2023, arXiv:2309.08600",
        caution="a price, not a merit: compare fidelity at an equal l0; at most the "
        "number of atoms",
    ),
    MetricRow(
        name="density",
        formula="tokens on which the atom fires / tokens seen",
        range=(0.0, 1.0),
        direction="neither",
        unit="1",
        computed_by="sparsity.Firing.density",
        source="Bricken et al. 2023, Towards Monosemanticity",
        caution="one number for each atom",
    ),
    MetricRow(
        name="dead_share",
        formula="atoms that fire on none of the tokens seen / atoms",
        range=(0.0, 1.0),
        direction="lower",
        unit="1",
        computed_by="sparsity.Firing.dead_share",
        source="the dead neurons of Sharkey, Braun and Millidge 2022, Taking features out of "
        "superposition with sparse autoencoders",
        caution="falls with the number of tokens seen, so state it and compare at an equal number",
    ),
    MetricRow(
        name="dense_share",
        formula="atoms that fire on more than 0.1 of the tokens seen / atoms",
        range=(0.0, 1.0),
        direction="neither",
        unit="1",
        computed_by="sparsity.Firing.dense_share",
        source="a convention of ours; the share 0.1 can be set",
        caution="a dense atom may be noise or may track something that is always there",
    ),
    MetricRow(
        name="mmcs",
        formula="mean over true features of the largest signed cosine with an atom",
        range=(-1.0, 1.0),
        direction="higher",
        unit="1",
        computed_by="recovery.mmcs",
        source="Sharkey, Braun and Millidge 2022, Taking features out of superposition with "
        "sparse autoencoders",
        caution="random atoms score random_floor, not 0; rises with the number of atoms; one atom "
        "may serve several features",
    ),
    MetricRow(
        name="mmcs_of_atoms",
        formula="mean over atoms of the largest signed cosine with a true feature",
        range=(-1.0, 1.0),
        direction="higher",
        unit="1",
        computed_by="recovery.mmcs_of_atoms",
        source="the other direction of mmcs",
        caution="does not notice features that are missing",
    ),
    MetricRow(
        name="matched_cosine",
        formula="sum of cosines of the best one-to-one assignment / true features",
        range=(-1.0, 1.0),
        direction="higher",
        unit="1",
        computed_by="recovery.Matching.matched_cosine",
        source="assignment by Kuhn 1955; used on dictionaries in the code of Cunningham et al. "
        "2023, arXiv:2309.08600",
        caution="a true feature left without an atom counts 0",
    ),
    MetricRow(
        name="recall_above_0.9",
        formula="one-to-one pairs with cosine above 0.9 / true features",
        range=(0.0, 1.0),
        direction="higher",
        unit="1",
        computed_by="recovery.Matching.recall",
        source="assignment by Kuhn 1955; the threshold in the code of Cunningham et al. 2023, "
        "arXiv:2309.08600",
        caution="cannot be 1 with fewer atoms than true features",
    ),
    MetricRow(
        name="precision_above_0.9",
        formula="one-to-one pairs with cosine above 0.9 / atoms",
        range=(0.0, 1.0),
        direction="higher",
        unit="1",
        computed_by="recovery.Matching.precision",
        source="assignment by Kuhn 1955; the threshold in the code of Cunningham et al. 2023, "
        "arXiv:2309.08600",
        caution="a second copy of a feature counts as false; cannot be 1 with more atoms than "
        "true features",
    ),
    MetricRow(
        name="cross_entropy",
        formula="mean over tokens of -log p(token | what precedes it)",
        range=(0.0, math.inf),
        direction="lower",
        unit="nats",
        computed_by="loss.cross_entropy",
        source="Shannon 1948",
        caution="log of the vocabulary size is a uniform guess; compare only on one tokenizer and "
        "the same tokens",
    ),
    MetricRow(
        name="loss_recovered",
        formula="(ablated - substituted) / (ablated - clean), three cross-entropies",
        range=(-math.inf, math.inf),
        direction="higher",
        unit="1",
        computed_by="loss.loss_recovered",
        source="Bricken et al. 2023, Towards Monosemanticity; Rajamanoharan et al. 2024, "
        "arXiv:2404.16014",
        caution="1 loses nothing, 0 is no better than ablating; undefined where ablating does not "
        "hurt; say how the site was ablated; never average it over documents",
    ),
    MetricRow(
        name="auroc",
        formula="P(score of a positive > score of a negative) + P(equal) / 2",
        range=(0.0, 1.0),
        direction="higher",
        unit="1",
        computed_by="labels.auroc",
        source="Hanley and McNeil 1982, Radiology 143",
        caution="0.5 is chance; blind to how rare the label is",
    ),
    MetricRow(
        name="f1",
        formula="2 TP / (2 TP + FP + FN) of score > threshold",
        range=(0.0, 1.0),
        direction="higher",
        unit="1",
        computed_by="labels.f1",
        source="van Rijsbergen 1979, Information Retrieval",
        caution="saying yes always scores 2 p / (1 + p) at label rate p; fit the threshold on "
        "other rows",
    ),
)
