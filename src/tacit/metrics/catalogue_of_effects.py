"""Metrics of what interventions do, each with its definition."""

import math

from tacit.metrics.metric_row import MetricRow

_FEW = (
    "where half of the prompts never come so far there is none; a dictionary that misses much of "
    "the difference ends above 10 % whatever is patched"
)
OF_EFFECTS = (
    MetricRow(
        name="features_to_tenth",
        formula="median over prompts of the features patched until at most 10 % of the KL to the "
        "counterfactual run is left",
        range=(0.0, math.inf),
        direction="lower",
        unit="1",
        computed_by="replacing.median_reached",
        source="ours, on the curves of Cunningham et al. 2023, arXiv:2309.08600, figure 3",
        caution=_FEW,
    ),
    MetricRow(
        name="edit_to_tenth",
        formula="median over prompts of the edit's mean length over positions at that point",
        range=(0.0, math.inf),
        direction="lower",
        unit="1",
        computed_by="replacing.median_reached",
        source="ours, on the curves of Cunningham et al. 2023, arXiv:2309.08600, figure 3",
        caution="in units of the site's own activations: compare at one site of one model",
    ),
    MetricRow(
        name="tenth_unreached",
        formula="share of prompts of which more than 10 % of the KL is left at every count",
        range=(0.0, 1.0),
        direction="lower",
        unit="1",
        computed_by="replacing.share_unreached",
        source="ours",
        caution="a complete basis always reaches it; read it beside features_to_tenth",
    ),
    MetricRow(
        name="replacement_area",
        formula="share of the KL left, averaged over log(1 + features patched) from 0 to 64, and "
        "over prompts",
        range=(0.0, math.inf),
        direction="lower",
        unit="1",
        computed_by="replacing.replacement_area",
        source="ours",
        caution="a patch may raise the KL, so it can exceed 1; it weighs the first features most",
    ),
    MetricRow(
        name="task_accuracy",
        formula="share of prompts after which the right word is likelier than the wrong one, or "
        "of pictures whose class is given the most",
        range=(0.0, 1.0),
        direction="neither",
        unit="1",
        computed_by="intervals.wilson",
        source="ours; the pairs of words stand with each prompt",
        caution="of words, two are compared, not all: a third may be likelier than both",
    ),
    MetricRow(
        name="probe_accuracy",
        formula="share of held-out rows that a fresh linear probe tells right",
        range=(0.0, 1.0),
        direction="neither",
        unit="1",
        computed_by="intervals.wilson",
        source="Alain and Bengio 2016, arXiv:1610.01644",
        caution="chance is the share of the commoner class; another kind of probe may "
        "find more",
    ),
    MetricRow(
        name="other_text_kl",
        formula="KL(clean || edited) of the next token, mean over held-out text",
        range=(0.0, math.inf),
        direction="lower",
        unit="nats",
        computed_by="loss.kl_divergence",
        source="Kullback and Leibler 1951",
        caution="the text holds the concept too, so erasing it well has a price that is due",
    ),
    MetricRow(
        name="token_purity",
        formula="share of the positions in the four highest tenths of a feature's range that hold "
        "the word's tokens",
        range=(0.0, 1.0),
        direction="higher",
        unit="1",
        computed_by="purity.token_purity",
        source="ours, on the histograms of Cunningham et al. 2023, arXiv:2309.08600, section 5",
        caution="it says nothing of the word's positions that the feature misses: see f1",
    ),
    MetricRow(
        name="ablation_rise",
        formula="mean rise of the next token's loss at a word when its feature is ablated",
        range=(-math.inf, math.inf),
        direction="neither",
        unit="nats",
        computed_by="purity.mean_rise",
        source="ours, on the histograms of Cunningham et al. 2023, arXiv:2309.08600, section 5",
        caution="over positions where the feature is active before the word's own follower; the "
        "feature is ablated wherever it is active, at once",
    ),
    MetricRow(
        name="activation_drop",
        formula="sum over contexts of the fall of a feature's activation when others are ablated / "
        "sum of the activation",
        range=(-math.inf, math.inf),
        direction="neither",
        unit="1",
        computed_by="bootstrap.bootstrap_ratio",
        source="ours, on the causal trees of Cunningham et al. 2023, arXiv:2309.08600, section 5",
        caution="in contexts of at least half the largest activation alone; those ablated are "
        "often chosen for it, so that it flatters",
    ),
    MetricRow(
        name="live_share",
        formula="share of atoms that fire more than 10 times in the rows looked at",
        range=(0.0, 1.0),
        direction="higher",
        unit="1",
        computed_by="sparsity.Firing.live_share",
        source="Cunningham et al. 2023, arXiv:2309.08600, appendix C.3",
        caution="rises with the number of rows, 50,000 here and about ten million as published",
    ),
    MetricRow(
        name="graph_completeness",
        formula="sum of s (1 - e) / sum of s over features and logits; s: influence on the logits, "
        "e: errors' share of what enters",
        range=(0.0, 1.0),
        direction="higher",
        unit="1",
        computed_by="influence.graph_completeness",
        source="Ameisen et al. 2025, transformer-circuits.pub/2025/attribution-graphs",
        caution="half explained counts half; the published code also counts nodes without inputs, "
        "as complete",
    ),
    MetricRow(
        name="graph_replacement",
        formula="influence of embeddings / influence of embeddings and errors on the logits",
        range=(0.0, 1.0),
        direction="higher",
        unit="1",
        computed_by="influence.graph_replacement",
        source="Ameisen et al. 2025, transformer-circuits.pub/2025/attribution-graphs",
        caution="of sizes, so effects that cancel count fully; logits that depend on the last "
        "token alone score 1",
    ),
    MetricRow(
        name="moment_correlation",
        formula="Spearman's correlation, over live features, of a moment of the activation with "
        "the best F1",
        range=(-1.0, 1.0),
        direction="neither",
        unit="1",
        computed_by="choosing.rank_correlation",
        source="after Cunningham et al. 2023, arXiv:2309.08600, table 2, which has Pearson's with "
        "a score by a language model",
        caution="rare features have heavy tails and a low F1, so read it beside that of the "
        "density",
    ),
    MetricRow(
        name="over_baseline",
        formula="a figure / the same figure of a baseline, named in the result",
        range=(0.0, math.inf),
        direction="lower",
        unit="1",
        computed_by="replacing.over_baseline",
        source="ours",
        caution="a ratio of small counts is coarse",
    ),
)
"""In the order of the documentation."""
