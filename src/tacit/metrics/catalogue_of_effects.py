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
        formula="share of prompts after which the right word is likelier than the wrong one",
        range=(0.0, 1.0),
        direction="neither",
        unit="1",
        computed_by="intervals.wilson",
        source="ours; the pairs of words stand with each prompt",
        caution="two words are compared, not all: a third may be likelier than both",
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
