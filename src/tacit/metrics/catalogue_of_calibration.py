"""Metrics of how far instruments can be trusted, each with its definition."""

import math

from tacit.metrics.metric_row import MetricRow

_SHARE = "intervals.clopper_pearson"
OF_CALIBRATION = (
    MetricRow(
        name="power",
        formula="share of repetitions in which an instrument says that there is something, where "
        "there is",
        range=(0.0, 1.0),
        direction="higher",
        unit="1",
        computed_by=_SHARE,
        source="Neyman and Pearson 1933, Phil. Trans. R. Soc. A 231",
        caution="of what was planted, at that strength and sample size: a real difference may be "
        "smaller",
    ),
    MetricRow(
        name="false_alarm_rate",
        formula="share of repetitions in which an instrument says that there is something, where "
        "there is nothing",
        range=(0.0, 1.0),
        direction="lower",
        unit="1",
        computed_by=_SHARE,
        source="Neyman and Pearson 1933, Phil. Trans. R. Soc. A 231",
        caution="5 % is what an interval at 95 % promises, on both sides together; docs/"
        "calibration.md says what nothing is for each instrument",
    ),
    MetricRow(
        name="interval_coverage",
        formula="share of repetitions whose printed 95 % interval holds the true value",
        range=(0.0, 1.0),
        direction="neither",
        unit="1",
        computed_by="calibrating.covered",
        source="Neyman 1937, Phil. Trans. R. Soc. A 236",
        caution="95 % is right, and more is too wide; docs/calibration.md says what the true value "
        "is of each figure",
    ),
    MetricRow(
        name="calibration_bias",
        formula="mean over repetitions of the printed figure minus its true value",
        range=(-math.inf, math.inf),
        direction="neither",
        unit="1",
        computed_by="student.student_mean",
        source="ours",
        caution="in units of the figure; 0 is right. Fitting on little text makes most figures "
        "worse than they would be on much",
    ),
    MetricRow(
        name="ranked_rightly",
        formula="share of repetitions in which the better of three is given more than the good, "
        "and that more than the bad",
        range=(0.0, 1.0),
        direction="higher",
        unit="1",
        computed_by=_SHARE,
        source="ours",
        caution="chance is a sixth; the three are far apart, so a small difference may still be "
        "ranked wrongly",
    ),
)
