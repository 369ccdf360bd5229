"""Numbers used by two rooms or more and free of any domain, one definition for each name."""

from tacit.metrics.bimodality import Modes, bimodality_p, modes_of, valley
from tacit.metrics.bootstrap import (
    bootstrap_mean,
    bootstrap_ratio,
    bootstrap_rows,
    bootstrap_sums,
)
from tacit.metrics.calibrating import covered
from tacit.metrics.catalogue import METRICS
from tacit.metrics.choosing import (
    excess_over_best,
    log_log_slope,
    lost_by_choosing,
    plateau_excess,
    rank_correlation,
    steps_ratio,
)
from tacit.metrics.comparisons import (
    PermutationTest,
    paired_difference,
    sign_flip_test,
    two_sample_test,
)
from tacit.metrics.concept_features import absorbed, split_count, targeted_drops
from tacit.metrics.editing import dose_at_price, rise_at_price
from tacit.metrics.explaining import (
    balanced_accuracy,
    mean_credit,
    pearson,
    pooled_pearson,
    told_apart,
)
from tacit.metrics.fidelity import (
    UnitSums,
    VarianceUnexplained,
    fraction_variance_unexplained,
)
from tacit.metrics.hierarchy import crossed_bootstrap, hierarchical_bootstrap
from tacit.metrics.influence import (
    graph_completeness,
    graph_replacement,
    node_influence,
)
from tacit.metrics.intervals import Interval, Resampling, clopper_pearson, wilson
from tacit.metrics.labels import (
    BestThreshold,
    alike_share,
    auroc,
    auroc_sparse,
    best_f1_threshold,
    best_f1_threshold_sparse,
    f1,
    f1_sparse,
)
from tacit.metrics.loss import cross_entropy, kl_divergence, loss_recovered, token_losses
from tacit.metrics.matched_codes import matched_correlation
from tacit.metrics.metric_row import MetricRow
from tacit.metrics.participation import (
    participation_ratio,
    participation_ratios,
    participation_share,
)
from tacit.metrics.proportions import difference_of_shares
from tacit.metrics.purity import mean_rise, token_purity
from tacit.metrics.recall import mean_recall, recall_weights
from tacit.metrics.recovery import (
    Matching,
    best_cosines,
    close_share,
    count_close,
    match,
    mmcs,
    mmcs_of_atoms,
    random_floor,
)
from tacit.metrics.replacing import (
    median_reached,
    over_baseline,
    reached_at,
    replacement_area,
    share_unreached,
)
from tacit.metrics.sparsity import Firing, count_firing, mean_l0
from tacit.metrics.student import student_mean, student_ratio
from tacit.metrics.two_way import TestedMean, apart_mean, crossed_mean, holm

__all__ = [
    "kl_divergence",
    "median_reached",
    "node_influence",
    "over_baseline",
    "reached_at",
    "recall_weights",
    "dose_at_price",
    "rise_at_price",
    "replacement_area",
    "share_unreached",
    "METRICS",
    "BestThreshold",
    "Firing",
    "Interval",
    "Matching",
    "MetricRow",
    "Modes",
    "PermutationTest",
    "Resampling",
    "TestedMean",
    "UnitSums",
    "VarianceUnexplained",
    "absorbed",
    "alike_share",
    "apart_mean",
    "auroc",
    "auroc_sparse",
    "balanced_accuracy",
    "best_cosines",
    "best_f1_threshold",
    "best_f1_threshold_sparse",
    "bimodality_p",
    "bootstrap_mean",
    "bootstrap_ratio",
    "bootstrap_rows",
    "bootstrap_sums",
    "clopper_pearson",
    "close_share",
    "count_close",
    "count_firing",
    "cross_entropy",
    "covered",
    "crossed_bootstrap",
    "crossed_mean",
    "difference_of_shares",
    "excess_over_best",
    "f1",
    "f1_sparse",
    "fraction_variance_unexplained",
    "graph_completeness",
    "graph_replacement",
    "hierarchical_bootstrap",
    "holm",
    "log_log_slope",
    "loss_recovered",
    "lost_by_choosing",
    "match",
    "matched_correlation",
    "mean_credit",
    "mean_l0",
    "mean_recall",
    "mean_rise",
    "mmcs",
    "mmcs_of_atoms",
    "modes_of",
    "paired_difference",
    "participation_ratio",
    "participation_ratios",
    "participation_share",
    "pearson",
    "plateau_excess",
    "pooled_pearson",
    "random_floor",
    "rank_correlation",
    "sign_flip_test",
    "split_count",
    "steps_ratio",
    "student_mean",
    "student_ratio",
    "targeted_drops",
    "token_losses",
    "token_purity",
    "told_apart",
    "two_sample_test",
    "valley",
    "wilson",
]
