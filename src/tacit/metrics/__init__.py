"""Numbers used by two rooms or more and free of any domain, one definition for each name."""

from tacit.metrics.bootstrap import (
    bootstrap_mean,
    bootstrap_ratio,
    bootstrap_rows,
    bootstrap_sums,
)
from tacit.metrics.catalogue import METRICS
from tacit.metrics.choosing import (
    log_log_slope,
    lost_by_choosing,
    rank_correlation,
    steps_ratio,
)
from tacit.metrics.comparisons import (
    PermutationTest,
    paired_difference,
    sign_flip_test,
    two_sample_test,
)
from tacit.metrics.fidelity import (
    UnitSums,
    VarianceUnexplained,
    fraction_variance_unexplained,
)
from tacit.metrics.hierarchy import crossed_bootstrap, hierarchical_bootstrap
from tacit.metrics.intervals import Interval, Resampling, wilson
from tacit.metrics.labels import (
    BestThreshold,
    auroc,
    auroc_sparse,
    best_f1_threshold,
    best_f1_threshold_sparse,
    f1,
    f1_sparse,
)
from tacit.metrics.loss import cross_entropy, loss_recovered, token_losses
from tacit.metrics.metric_row import MetricRow
from tacit.metrics.recovery import (
    Matching,
    best_cosines,
    match,
    mmcs,
    mmcs_of_atoms,
    random_floor,
)
from tacit.metrics.sparsity import Firing, count_firing, mean_l0

__all__ = [
    "log_log_slope",
    "lost_by_choosing",
    "rank_correlation",
    "steps_ratio",
    "METRICS",
    "BestThreshold",
    "Firing",
    "Interval",
    "Matching",
    "MetricRow",
    "PermutationTest",
    "Resampling",
    "UnitSums",
    "VarianceUnexplained",
    "auroc",
    "auroc_sparse",
    "best_cosines",
    "best_f1_threshold",
    "best_f1_threshold_sparse",
    "bootstrap_mean",
    "bootstrap_ratio",
    "bootstrap_rows",
    "bootstrap_sums",
    "count_firing",
    "cross_entropy",
    "crossed_bootstrap",
    "f1",
    "f1_sparse",
    "fraction_variance_unexplained",
    "hierarchical_bootstrap",
    "loss_recovered",
    "match",
    "mean_l0",
    "mmcs",
    "mmcs_of_atoms",
    "paired_difference",
    "random_floor",
    "sign_flip_test",
    "token_losses",
    "two_sample_test",
    "wilson",
]
