"""Of equally good dictionaries none is told apart, whatever the intervals are over."""

from pathlib import Path

import numpy as np
import pytest

import tacit
from tacit.evaluations.readings import Key
from tacit.verbs.entrants import Entrant, Scoring
from tacit.verbs.ranked_figures import rank_figure
from verbs.made_up_runs import ACCURACY, measured_run, of_concepts

KEY: Key = (ACCURACY, (("measure", "probing"),))
REPEATS = 150


def entrant(name, table, subjects):
    """Return a dictionary with values by subject, seed and unit."""
    runs = tuple(
        Scoring(
            label=f"{name}-{subject}-{seed}",
            folder=Path(name),
            configuration={"of": {"seed": seed}, "subject_digest": subject},
            records=(),
            units={KEY: {str(unit): {"None": (v, 1.0)} for unit, v in enumerate(row)}},
        )
        for subject, rows in zip(subjects, table, strict=True)
        for seed, row in enumerate(rows)
    )
    return Entrant(name=name, runs=runs)


def test_over_subjects_intervals_hold_0_and_the_luckiest_is_not_told_from_the_rest():
    rng, held, told = np.random.default_rng(7), 0, 0
    subjects = ("a", "b", "c", "d")
    for _ in range(REPEATS):
        hard = rng.normal(0.7, 0.1, (4, 1, 8))
        # Each suits some subjects better, by chance.
        tables = {name: hard + rng.normal(0, 0.05, (4, 1, 1)) for name in "abcd"}
        tables = {
            name: each + rng.normal(0, 0.05, each.shape) for name, each in tables.items()
        }
        found = rank_figure(
            KEY, [entrant(n, table, subjects) for n, table in tables.items()]
        )
        pair = found.pairs.get(("a", "b")) or found.pairs["b", "a"]
        low, high = pair.tested.interval.ends
        held += low <= 0 <= high
        told += len(found.with_best) < 4
        assert found.over == "subjects"
    assert 0.90 <= held / REPEATS <= 0.99  # 150 repeats tell 95 % from no less
    assert told / REPEATS <= 0.05 + 3 * (0.05 * 0.95 / REPEATS) ** 0.5


def test_unequal_seeds_are_averaged_not_paired():
    values = np.linspace(0.5, 0.7, 8)
    two = entrant("two", np.stack([values, values + 0.2])[None], ("a",))
    one = entrant("one", values[None, None], ("a",))
    pair = rank_figure(KEY, [two, one]).pairs["one", "two"]
    assert pair.tested.interval.value == pytest.approx(-0.1)
    assert pair.tested.interval.n == 8


def test_controls_baselines_and_counts_do_not_make_figures(tmp_path):
    values = np.linspace(0.5, 0.7, 8)
    runs = [
        measured_run(
            tmp_path / str(k),
            [
                *of_concepts(values + k / 100, probe_k=1, rows_left_out=k),
                *of_concepts(values, basis="pca", probe_k=1),
                *of_concepts(values, figure="dense_probe_accuracy"),
                *of_concepts(values, measure="explanations", explainer="another feature's"),
                *of_concepts(values, measure="unlearning", way="random atoms"),
            ],
            k=k,
        )
        for k in (1, 2)
    ]
    records = tacit.compare(runs, out=tmp_path / "ranked").records
    assert [each.name for each in records] == [
        "mean_rank",
        "mean_rank",
        ACCURACY,
        ACCURACY,
        "figure_difference",
    ]
