"""The catalogue, the documentation and the functions say the same of every metric."""

import inspect
import re
from functools import reduce
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import tacit.metrics
from tacit.metrics import (
    METRICS,
    absorbed,
    alike_share,
    auroc,
    balanced_accuracy,
    best_f1_threshold,
    bootstrap_mean,
    bootstrap_ratio,
    clopper_pearson,
    close_share,
    count_close,
    count_firing,
    covered,
    cross_entropy,
    crossed_bootstrap,
    crossed_mean,
    difference_of_shares,
    excess_over_best,
    f1,
    fraction_variance_unexplained,
    graph_completeness,
    graph_replacement,
    kl_divergence,
    log_log_slope,
    loss_recovered,
    lost_by_choosing,
    match,
    matched_correlation,
    mean_l0,
    mean_recall,
    mean_rise,
    median_reached,
    mmcs,
    mmcs_of_atoms,
    modes_of,
    over_baseline,
    paired_difference,
    participation_ratio,
    participation_share,
    pearson,
    plateau_excess,
    rank_correlation,
    replacement_area,
    rise_at_price,
    share_unreached,
    split_count,
    steps_ratio,
    student_mean,
    student_ratio,
    targeted_drops,
    token_purity,
    told_apart,
    valley,
    wilson,
)

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()


def documented_table() -> dict[str, tuple[str, ...]]:
    rows = re.findall(r"^\| `([^`]+)` \| (\w+) \| ([^|]+) \| (\w+) \|$", PAGE, re.MULTILINE)
    return {name: tuple(cells) for name, *cells in rows}


def documented_sections() -> dict[str, dict[str, str]]:
    parts = re.split(
        r"^### `([^`]+)`$", PAGE.split("\n## Each metric\n")[1], flags=re.MULTILINE
    )
    return {
        name: dict(re.findall(r"^- ([\w ]+): (.+)$", text, re.MULTILINE))
        for name, text in zip(parts[1::2], parts[2::2], strict=True)
    }


def test_the_documented_table_is_the_catalogue():
    assert documented_table() == {
        row.name: (row.direction, row.range_in_words(), row.unit)
        for row in METRICS.values()
    }


def test_the_documented_sections_are_the_catalogue():
    assert documented_sections() == {
        row.name: {
            "Formula": row.formula,
            "Caution": row.caution,
            "Source": row.source,
            "Computed by": f"`tacit.metrics.{row.computed_by}`",
        }
        for row in METRICS.values()
    }


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_is_computed_where_it_says(name):
    module, *path = METRICS[name].computed_by.split(".")
    found = reduce(getattr, path, import_module(f"tacit.metrics.{module}"))
    assert callable(found)
    assert path[0] in tacit.metrics.__all__ or path[0] == "Firing"
    assert inspect.getdoc(found)


def test_all_that_is_exported_exists():
    assert set(tacit.metrics.__all__) <= set(dir(tacit.metrics))


# Each takes a generator and returns the metric on a random input, extreme ones among them.
def _rows(random, n, d):
    raw = random.normal(size=(n, d)) * 10.0 ** random.integers(-6, 7)
    return torch.from_numpy(raw).float()


def _directions(random):
    width = int(random.integers(1, 6))
    true, atoms = (
        torch.from_numpy(random.normal(size=(int(random.integers(1, 9)), width)))
        for _ in range(2)
    )
    return (true, true * 3) if random.integers(4) == 0 else (true, atoms)


def _code(random):
    n, num_atoms = int(random.integers(1, 9)), int(random.integers(1, 9))
    values = random.normal(size=(n, num_atoms)) * (random.random((n, num_atoms)) < 0.5)
    indices = np.argsort(random.random((n, num_atoms)), axis=1)
    return torch.from_numpy(values), torch.from_numpy(indices), num_atoms


def _scores(random):
    n = int(random.integers(2, 40))
    labels = np.arange(n) < random.integers(1, n)
    return random.normal(size=n).round(int(random.integers(0, 3))), labels


def _losses(random):
    clean, cost, ablated = random.exponential(3, size=3).tolist()
    return loss_recovered(clean, clean + cost - 1, clean + ablated + 1e-6)


def _cosines(random):
    """Between 8 and 60 values in one or two groups, some of them equal."""
    n = int(random.integers(8, 60))
    far = random.integers(2) * (random.random(n) < 0.4)
    return (0.1 * random.normal(size=n) + far).round(
        int(random.integers(1, 9))
    ) + np.arange(n) * 1e-6


def _difference(random, value):
    """Two units of each side, as the comparison of two runs has them."""
    sides = [[[value(random), 1.0] for _ in range(2)] for _ in range(2)]
    first, second = (np.array([side]) for side in sides)
    return crossed_bootstrap(first, second, lambda s: s[:, 0] / s[:, 1], random).value


def _graph(random):
    """Nine nodes that only depend on earlier ones: tokens, errors, features and two logits."""
    effects = random.normal(size=(9, 9)) * (random.random((9, 9)) < 0.5)
    effects[7:, 0], effects[:5] = 1.0, 0.0
    weights = torch.tensor([0.0] * 7 + [0.3, 0.7])
    return torch.from_numpy(effects).tril(-1), weights, torch.arange(9) // 2 == 1


def _curves(random):
    """What is left of five prompts after 0 to 6 features, and those numbers."""
    shares = np.ones((5, 7))
    shares[:, 1:] = random.exponential(size=(5, 6))
    return shares, np.tile(np.arange(7.0), (5, 1))


def _columns(random):
    """Activations of four pairs of atoms on ten rows, most of them silent."""
    drawn = random.normal(size=(2, 10, 4)) * (random.random((2, 10, 4)) < 0.3)
    return (sparse.csc_array(side) for side in drawn)


VALUES = {
    "fvu": lambda r: fraction_variance_unexplained(_rows(r, 7, 3), _rows(r, 7, 3)),
    "l0": lambda r: mean_l0(_code(r)[0]),
    "density": lambda r: float(count_firing(*_code(r)).density().max()),
    "dead_share": lambda r: count_firing(*_code(r)).dead_share(),
    "dense_share": lambda r: count_firing(*_code(r)).dense_share(),
    "mmcs": lambda r: mmcs(*_directions(r)),
    "mmcs_of_atoms": lambda r: mmcs_of_atoms(*_directions(r)),
    "matched_cosine": lambda r: match(*_directions(r)).matched_cosine(),
    "recall_above_0.9": lambda r: match(*_directions(r)).recall(),
    "precision_above_0.9": lambda r: match(*_directions(r)).precision(),
    "cross_entropy": lambda r: cross_entropy(
        _rows(r, 5, 7), torch.from_numpy(r.integers(0, 7, 5))
    ),
    "loss_recovered": _losses,
    "auroc": lambda r: auroc(*_scores(r)),
    "f1": lambda r: f1(*_scores(r), float(r.normal())),
    "mmcs_lost": lambda r: lost_by_choosing(r.normal(size=5), r.uniform(-1, 1, 5)),
    "rank_correlation": lambda r: rank_correlation(r.normal(size=5), r.normal(size=5)),
    "log_log_slope": lambda r: log_log_slope([1, 2, 4], list(r.exponential(size=3) + 1e-3)),
    "steps_ratio": lambda r: steps_ratio([(3, 1.0)], [(int(r.integers(1, 9)), 1.0)], 0.5),
    "shared_cosine": lambda r: match(*_directions(r)).shared_cosine(),
    "shared_above_0.9": lambda r: match(*_directions(r), either_sign=True).shared(),
    "matched_correlation": lambda r: matched_correlation(*_columns(r)),
    "shared_per_dimension": lambda r: match(*_directions(r)).shared_per_dimension(3),
    "shared_per_dimension_excess": lambda r: excess_over_best(r.normal(), [r.normal()]),
    "close_atoms": lambda r: count_close(*_directions(r)),
    "close_share": lambda r: close_share(*_directions(r)),
    "bimodality_p": lambda r: modes_of(_cosines(r), r, repeats=9).p_value,
    "valley": lambda r: valley(_cosines(r)),
    "participation_ratio": lambda r: participation_ratio(_directions(r)[0]),
    "participation_share": lambda r: participation_share(_directions(r)[0], r),
    "plateau_excess": lambda r: plateau_excess(r.uniform(-1, 1, 5).tolist()),
    "alike_share": lambda r: alike_share(r.random(4)),
    "features_to_tenth": lambda r: median_reached(*_curves(r), 0.1),
    "edit_to_tenth": lambda r: median_reached(*_curves(r), 0.1),
    "tenth_unreached": lambda r: share_unreached(_curves(r)[0], 0.1),
    "replacement_area": lambda r: replacement_area(*_curves(r)[::-1], 64),
    "task_accuracy": lambda r: wilson(int(r.integers(6)), 5).value,
    "probe_accuracy": lambda r: wilson(int(r.integers(6)), 5).value,
    "other_text_kl": lambda r: float(
        kl_divergence(*(_rows(r, 2, 5).log_softmax(-1) for _ in range(2))).mean()
    ),
    "token_purity": lambda r: token_purity(r.exponential(size=9), r.random(9) < 0.5),
    "ablation_rise": lambda r: mean_rise(r.normal(size=5), np.arange(5) < 3),
    "activation_drop": lambda r: (
        bootstrap_ratio(r.normal(size=5), r.exponential(size=5) + 1e-3, r).value
    ),
    "live_share": lambda r: count_firing(*_code(r)).live_share(),
    "graph_completeness": lambda r: graph_completeness(*_graph(r)),
    "graph_replacement": lambda r: graph_replacement(*_graph(r), torch.arange(9) < 2),
    "moment_correlation": lambda r: rank_correlation(r.normal(size=5), r.normal(size=5)),
    "over_baseline": lambda r: over_baseline(r.exponential(), r.exponential() + 1e-3),
    "explanation_correlation": lambda r: pearson(*(_rows(r, 9, 2).numpy().T)),
    "intervention_accuracy": lambda r: float(
        told_apart(*r.integers(3, size=(2, 5)) / 2).mean()
    ),
}
VALUES |= {
    f"{name}_accuracy": lambda r: balanced_accuracy(r.random(6) < 0.5, np.arange(6) < 2)
    for name in ("detection", "fuzzing", "contrastive")
}
VALUES |= {
    "intervention_price": lambda r: _difference(r, lambda s: float(s.exponential())),
    "over_control": lambda r: (
        paired_difference(r.normal(size=5), r.normal(size=5), r).value
    ),
    "chat_tokens": lambda r: bootstrap_mean(r.integers(9_000, size=5), r).value,
    "chat_dollars": lambda r: bootstrap_mean(r.exponential(size=5), r).value,
    "explanation_advantage": lambda r: bootstrap_mean(r.uniform(-1, 1, 5), r).value,
    "moment_score_correlation": lambda r: pearson(r.exponential(size=5), r.normal(size=5)),
}
VALUES |= {
    f"{name}_difference": lambda r, name=name: _difference(r, VALUES[name])
    for name in ("fvu", "l0", "loss_recovered", "dead_share", "f1")
}
VALUES |= {
    name: lambda r: clopper_pearson(int(r.integers(6)), 5).value
    for name in ("power", "false_alarm_rate", "ranked_rightly")
}
VALUES |= {
    "interval_coverage": lambda r: covered(*r.normal(size=(3, 5)).round(1)).value,
    "calibration_bias": lambda r: student_mean(r.normal(size=5)).value,
}
VALUES |= {
    f"{name}_probe_accuracy": lambda r: mean_recall(*r.integers(3, size=(2, 6)))
    for name in ("sparse", "dense")
}
VALUES |= {
    "absorbed_share": lambda r: float(
        absorbed(r.random(5) < 0.5, r.normal(size=5), least_share=0.4).mean()
    ),
    "split_features": lambda r: split_count(r.random(4).tolist(), least_gain=0.03),
    "targeted_perturbation": lambda r: float(
        targeted_drops(r.uniform(-1, 1, (3, 3)).round()).mean()
    ),
    "spurious_removed": lambda r: (
        student_ratio(r.normal(size=5), r.exponential(size=5) + 1e-3).value
    ),
}
VALUES |= {
    "figure_difference": lambda r: crossed_mean(r.normal(size=(2, 5))).interval.value,
    "mean_rank": lambda r: student_mean(r.integers(1, 6, 5)).value,
}

VALUES |= {
    name: lambda r: student_mean(r.random(5)).value
    for name in (
        "disentanglement",
        "attribute_cause",
        "attribute_isolation",
        "price_unreached",
        "steered_share",
    )
}
VALUES |= {
    "steering_advantage": lambda r: student_mean(r.uniform(-1, 1, 5)).value,
    "forgotten_at_price": lambda r: rise_at_price(
        np.append(0.0, r.normal(size=4)), r.normal(size=5), 0.5
    ),
}
VALUES |= {
    name: lambda r: student_mean(r.random(5)).value
    for name in (
        "entropy_given_concepts",
        "swap_accuracy",
        "swap_twin_accuracy",
        "sign_agreement",
        "concept_accuracy",
        "concept_task_leakage",
        "interconcept_leakage",
        "intervened_accuracy",
    )
}
VALUES |= {
    name: lambda r: wilson(int(r.integers(6)), 5).value
    for name in ("twin_accuracy", "told_apart")
}
VALUES |= {
    "conditional_information": lambda r: student_mean(r.normal(size=5)).value,
    "retention": lambda r: student_ratio(r.normal(size=5), r.random(5) + 1e-3).value,
    "uncertainty_reduction_ratio": lambda r: (
        1 - student_ratio(r.exponential(size=5), r.random(5) + 1e-3).value
    ),
    "oracle_impurity": lambda r: float(
        np.linalg.norm([[auroc(*_scores(r)) - auroc(*_scores(r)) for _ in range(3)]] * 3)
        / 1.5
    ),
    "residual_similarity": lambda r: student_mean(r.uniform(-1, 1, 5)).value,
    "leak_rank_correlation": lambda r: rank_correlation(r.normal(size=5), r.normal(size=5)),
    "cue_auroc": lambda r: auroc(*_scores(r)),
}
VALUES |= {
    name: lambda r: wilson(int(r.integers(6)), 5).value
    for name in (
        "compliance_rate",
        "refusal_rate",
        "malformed_rate",
        "faking_rate",
        "tier_reasoning_rate",
        "lying_rate",
        "misread_rate",
        "unseen_share",
    )
}
VALUES |= {
    name: lambda r: difference_of_shares(int(r.integers(6)), 5, int(r.integers(8)), 7).value
    for name in ("compliance_gap", "refusal_gap")
}
VALUES |= {
    "explained_share": lambda r: student_mean(r.random(5)).value,
    "outcome_at_ends": lambda r: student_mean(r.random(5)).value,
    "share_left": lambda r: student_mean(r.normal(size=5)).value,
    "scratchpad_tokens": lambda r: student_mean(r.exponential(9, size=5)).value,
}


def test_every_metric_is_tried_on_random_inputs():
    assert VALUES.keys() == METRICS.keys()


@pytest.mark.parametrize("name", METRICS)
@settings(max_examples=40)
@given(seed=st.integers(0, 2**31))
def test_no_random_input_leaves_the_range(name, seed):
    low, high = METRICS[name].range
    assert low <= VALUES[name](np.random.default_rng(seed)) <= high


@given(st.integers(0, 2**31))
def test_the_fitted_f1_stays_in_range_too(seed):
    assert 0 <= best_f1_threshold(*_scores(np.random.default_rng(seed))).f1 <= 1


BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_the_examples_on_the_page_run(number):
    exec(compile(BLOCKS[number], f"docs/metrics.md, example {number}", "exec"), {})
