"""Measured dictionaries are ranked by paired differences, and what is noise is called noise."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.stats import ttest_1samp

import tacit
from tacit.base.errors import UserError
from tacit.base.records import Gap, Result
from tacit.base.seeds import stream
from tacit.metrics import student_ratio
from tacit.verbs.entrants import Entrant, Scoring
from tacit.verbs.ranked_figures import rank_figure
from verbs.made_up_runs import (
    ACCURACY,
    ERROR,
    measured_run,
    of_concepts,
    of_documents,
    some_readings,
)

BEST, NEXT, WORST = (
    f"{method}, 1,024 atoms, k 16" for method in ("top-k", "jump-relu", "relu")
)


def rng(purpose: str):
    return stream(11, purpose)


def ranked(tmp_path, runs, **more):
    return tacit.compare(runs, out=tmp_path / "ranking", **more)


def differences(run, figure=ACCURACY):
    """Return the differences of a figure by the names of both sides."""
    return {
        (each.of["dictionary"], each.of["minus"]): each
        for each in run.records
        if isinstance(each, Result)
        and each.name == "figure_difference"
        and each.of["figure"] == figure
    }


def gaps(run):
    return {
        (each.of["dictionary"], each.of.get("figure", "all")): each.reason
        for each in run.records
        if isinstance(each, Gap)
    }


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """One dictionary alone at the foot, and two at the head that differ by noise."""
    root, hard = tmp_path_factory.mktemp("three"), rng("hard").uniform(0.5, 0.8, 20)
    runs = {}
    for method, better in (("relu", 0.0), ("top-k", 0.1), ("jump-relu", 0.1)):
        own = rng(method).normal(0, 0.02, 20)
        own += better - own.mean() + (method == "top-k") * 0.002
        runs[method] = hard + own
        readings = of_concepts(runs[method], probe_k=1)
        measured_run(root / method, readings, method=method)
    run = tacit.compare([root / method for method in runs], out=root / "ranking")
    return run, runs


def test_dictionaries_stand_in_the_order_of_their_figures(three):
    run, _ = three
    assert run.is_ranking
    assert run.names == (BEST, NEXT, WORST)
    assert run.reference == BEST
    ranks = [each.value for each in run.records if each.name == "mean_rank"]
    assert ranks == [1, 2, 3]


def test_a_difference_is_students_of_the_differences_of_each_concept(three):
    run, values = three
    known = ttest_1samp(values["relu"] - values["top-k"], 0)
    found = differences(run)[WORST, BEST]
    assert found.value == pytest.approx(np.mean(values["relu"] - values["top-k"]))
    assert found.interval == pytest.approx(tuple(known.confidence_interval()))
    assert (found.n, found.of["over"], found.better) == (20, "units", "higher")


def test_what_makes_a_concept_hard_for_both_cancels(three):
    run, _ = three
    found = differences(run)[WORST, BEST]
    own = next(each for each in run.records if each.name == ACCURACY)
    apart, alone = (high - low for low, high in (found.interval, own.interval))
    assert apart < alone / 2


def test_noise_is_called_noise_and_the_rest_is_told_apart(three):
    run, _ = three
    found = differences(run)
    assert set(found) == {(NEXT, BEST), (WORST, BEST), (WORST, NEXT)}
    low, high = found[NEXT, BEST].interval
    assert low < 0 < high
    assert found[NEXT, BEST].of["p_corrected"] > 0.05
    assert found[WORST, BEST].of["p_corrected"] < 0.001
    page = run.report.read_text()
    assert "within noise" in page and "told apart" in page
    assert f"{BEST}; {NEXT}" in page  # who may be best
    assert "3 pairs were compared in all" in page


def test_of_an_error_the_smallest_is_best_and_its_documents_are_paired(tmp_path):
    draws = rng("documents")
    below = draws.uniform(50, 150, 40)
    error = {
        method: below * draws.uniform(0.2, 0.3, 40) + below * worse
        for method, worse in (("top-k", 0), ("relu", 0.1))
    }
    runs = [
        measured_run(tmp_path / method, of_documents(top, below), method=method)
        for method, top in error.items()
    ]
    run = ranked(tmp_path, runs)
    found = differences(run, ERROR)[WORST, BEST]
    # The sums below are shared, so the difference of ratios is the ratio of the difference.
    known = student_ratio(error["relu"] - error["top-k"], below)
    assert found.value == pytest.approx(known.value)
    # The other counts documents of unlike weight as fewer.
    assert found.interval == pytest.approx((known.low, known.high), rel=0.01)
    assert (found.n, found.of["over"]) == (40, "documents")


def test_seeds_are_pooled_and_counted(tmp_path):
    runs = [
        measured_run(
            tmp_path / f"{method}-{seed}",
            some_readings(
                rng(f"seed {seed}"), better=better + 0.01 * rng(f"{method} {seed}").normal()
            ),
            method=method,
            seed=seed,
        )
        for method, better in (("top-k", 0.2), ("relu", 0.0))
        for seed in range(3)
    ]
    run = ranked(tmp_path, runs)
    assert run.names == (BEST, WORST)
    found = differences(run)[WORST, BEST]
    assert (found.n, found.of["over"]) == (3, "seeds and units")
    assert found.value == pytest.approx(-0.2, abs=0.02)
    figures = {each.name for each in run.records if isinstance(each, Result)}
    assert figures == {"mean_rank", "figure_difference", ACCURACY, ERROR}  # l0 has no side


def test_over_several_subjects_the_subjects_are_the_units(tmp_path):
    better = {"stories": 0.1, "pycode": 0.2, "MiniLM": 0.3}
    runs = [
        measured_run(
            tmp_path / f"{method}-{subject}",
            of_concepts(np.linspace(0.5, 0.6, 9) + (method == "top-k") * more),
            method=method,
            subject=subject,
        )
        for method in ("top-k", "relu")
        for subject, more in better.items()
    ]
    run = ranked(tmp_path, runs)
    found = differences(run)[WORST, BEST]
    known = ttest_1samp([-more for more in better.values()], 0).confidence_interval()
    assert found.interval == pytest.approx(tuple(known))
    assert (found.n, found.of["over"]) == (3, "subjects")


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"site": "resid.3"}, "site resid.3, and of top-k"),
        ({"store": "other"}, "store other of stories, and of top-k"),
        ({"subject": "pycode"}, "measured on pycode, and top-k, 1,024 atoms, k 16 on"),
        ({"settings": {"max_rows": 9}}, "max_rows 9, and of top-k"),
    ],
)
def test_what_was_not_measured_alike_is_never_paired(tmp_path, other, words):
    values = np.linspace(0.5, 0.7, 8)
    runs = [
        measured_run(tmp_path / "a", of_concepts(values + 0.1)),
        measured_run(tmp_path / "b", of_concepts(values), method="jump-relu"),
        measured_run(tmp_path / "c", of_concepts(values - 0.1), method="relu", **other),
    ]
    run = ranked(tmp_path, runs)
    assert words in gaps(run)[WORST, "all"]
    assert not any(WORST in pair for pair in differences(run))
    assert words in run.report.read_text()


def test_settings_of_one_measure_part_its_figures_alone(tmp_path):
    draws, own = rng("settings"), {"settings": {"extra": {"probing": {"most_rows": 9}}}}
    runs = [
        measured_run(tmp_path / method, some_readings(draws, better=0.1), method=method, **of)
        for method, of in (("top-k", {}), ("jump-relu", {}), ("relu", own))
    ]  # fmt: skip
    run = ranked(tmp_path, runs)
    assert "most_rows" in gaps(run)[WORST, ACCURACY]
    assert any(WORST in pair for pair in differences(run, ERROR))


def test_only_concepts_that_all_have_are_paired_and_the_rest_counted(tmp_path):
    values = rng("fewer").uniform(0.5, 0.7, 10)
    runs = [
        measured_run(tmp_path / "a", of_concepts(values)),
        measured_run(tmp_path / "b", of_concepts(values[:7] - 0.1), method="relu"),
    ]
    found = differences(ranked(tmp_path, runs))[WORST, BEST]
    assert (found.of["units"], found.of["units_left_out"]) == (7, 3)
    assert found.value == pytest.approx(-0.1)


def test_a_figure_that_only_one_has_is_a_gap_with_its_own_reason(tmp_path):
    values = np.linspace(0.5, 0.7, 8)
    missing = Gap(name=ERROR, reason="nothing was held out", of={"measure": "fidelity"})
    error = of_documents(np.ones(5), np.arange(2.0, 7.0))
    runs = [
        measured_run(tmp_path / "a", of_concepts(values)),
        measured_run(tmp_path / "b", [*of_concepts(values - 0.1), *error], method="relu"),
    ]
    records = json.loads((runs[0] / "results.json").read_text())
    told = {"kind": "gap", "name": missing.name, "reason": missing.reason}
    records.append({**told, "of": dict(missing.of)})
    (runs[0] / "results.json").write_text(json.dumps(records))
    run = ranked(tmp_path, runs)
    assert gaps(run) == {
        (BEST, ERROR): "nothing was held out",
        (WORST, ERROR): "it is alone in having the figure",
    }


def test_measures_whose_units_are_a_dictionarys_own_are_not_paired(tmp_path):
    own = {"figure": "explanation_correlation", "measure": "explanations"}
    first, second = rng("first").normal(0.6, 0.1, 9), rng("second").normal(0.4, 0.1, 6)
    runs = [
        measured_run(tmp_path / "a", of_concepts(first, **own)),
        measured_run(tmp_path / "b", of_concepts(second, **own), method="relu"),
    ]
    found = differences(ranked(tmp_path, runs), own["figure"])[WORST, BEST]
    assert found.value == pytest.approx(second.mean() - first.mean())
    assert found.n == 6


def test_the_page_tells_figures_of_one_name_apart(tmp_path):
    values = np.linspace(0.5, 0.7, 8)
    runs = [
        measured_run(
            tmp_path / method,
            [*of_concepts(values + more, probe_k=1), *of_concepts(values + more + 0.2)],
            method=method,
        )
        for method, more in (("top-k", 0.1), ("relu", 0.0))
    ]
    run = ranked(tmp_path, runs)
    rows = pq.read_table(run.folder / "artifacts" / "values-0.parquet").to_pylist()
    found = {(row["setting"], row["dictionary"]): row["value"] for row in rows}
    known = {("probe_k 1", BEST): 0.7, ("probe_k 1", WORST): 0.6}
    assert found == pytest.approx({**known, ("", BEST): 0.9, ("", WORST): 0.8})
    told = pq.read_table(run.folder / "artifacts" / "differences.parquet").to_pylist()
    assert [row["noise"] for row in told] == ["no interval"] * 2  # all units are alike


def test_runs_of_one_setting_that_differ_otherwise_go_by_their_folders(tmp_path):
    values = np.linspace(0.5, 0.7, 8)
    runs = [
        measured_run(tmp_path / "long", of_concepts(values + 0.1)),
        measured_run(tmp_path / "short", of_concepts(values)),
    ]
    assert ranked(tmp_path, runs).names == ("long", "short")


def in_memory(method, tables, key):
    """Return a dictionary that is ranked; a table of seeds by units."""
    runs = tuple(
        Scoring(
            label=f"{method}-{seed}",
            folder=Path(method),
            configuration={
                "of": {"method": method, "seed": seed},
                "subject_digest": "s",
                "subject": "s",
            },
            records=(),
            units={key: {str(u): {"None": (v, 1.0)} for u, v in enumerate(row)}},
        )
        for seed, row in enumerate(tables)
    )
    return Entrant(name=method, runs=runs)


@pytest.mark.parametrize("times", [80, pytest.param(400, marks=pytest.mark.slow)])
@pytest.mark.parametrize("num_seeds", [1, 3])
def test_of_equally_good_dictionaries_95_intervals_in_100_hold_0(num_seeds, times):
    key, draws, held, alarms = (ACCURACY, (("measure", "probing"),)), rng("equal"), 0, 0
    for _ in range(times):
        hard = draws.normal(0.7, 0.1, 12)
        # A dictionary of one seed stands for that seed, so seeds differ where they are drawn.
        of_seeds = 0.03 * (num_seeds > 1)
        shapes = {(num_seeds, 1): of_seeds, (1, 12): 0.03, (num_seeds, 12): 0.03}
        tables = {
            name: hard + sum(draws.normal(0, size, shape) for shape, size in shapes.items())
            for name in "abc"
        }
        found = rank_figure(key, [in_memory(n, table, key) for n, table in tables.items()])
        pair = found.pairs.get(("a", "b")) or found.pairs["b", "a"]
        low, high = pair.tested.interval.ends
        held += low <= 0 <= high
        alarms += any(each.is_told for each in found.pairs.values())
    # Three standard errors of a share of 80 are .07; of 400 they are .03, the bound wanted.
    slack = 3 * (0.05 * 0.95 / times) ** 0.5
    assert 0.95 - slack <= held / times <= 0.98 + (times < 400) * 0.02
    assert alarms / times <= 0.05 + slack


def test_a_finished_ranking_is_returned_and_another_is_refused(tmp_path, three):
    run, _ = three
    folders = [run.folder.parent / name for name in ("relu", "top-k", "jump-relu")]
    before = run.report.stat().st_mtime_ns
    again = tacit.compare(folders, out=run.folder)
    assert again == run
    assert run.report.stat().st_mtime_ns == before
    with pytest.raises(UserError, match="another configuration"):
        tacit.compare(folders[:2], out=run.folder)


def test_what_cannot_be_ranked_is_refused(tmp_path, three):
    root = three[0].folder.parent
    with pytest.raises(UserError, match="measured one dictionary, top-k"):
        ranked(tmp_path, [root / "top-k"])
    with pytest.raises(UserError, match="given twice"):
        ranked(tmp_path, [root / "top-k", root / "top-k"])
    with pytest.raises(UserError, match="for runs of `tacit learn`"):
        ranked(tmp_path, [root / "top-k", root / "relu"], seed=1)
    with pytest.raises(UserError, match=r"several kinds.*\(measure\).*\(compare\)"):
        ranked(tmp_path, [root / "top-k", root / "ranking"])
    stopped = shutil.copytree(root / "top-k", tmp_path / "stopped")
    (stopped / "results.json").unlink()
    with pytest.raises(UserError, match="was not finished"):
        ranked(tmp_path, [stopped, root / "relu"])
    shutil.copytree(root / "top-k", tmp_path / "damaged")
    (tmp_path / "damaged" / "artifacts" / "readings.parquet").write_bytes(b"no table")
    with pytest.raises(UserError, match="does not hold readings"):
        ranked(tmp_path, [tmp_path / "damaged", root / "relu"])
    assert not (tmp_path / "ranking").exists()
