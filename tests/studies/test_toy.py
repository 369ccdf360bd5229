"""The toy study's own figures against worlds whose answers are known."""

import math

import pytest
import torch

from tacit.base.progress import silent
from tacit.base.records import Result
from tacit.studies.runner import run_study
from tacit.studies.toy_superposition.analysis import over_seeds, slope_of
from tacit.studies.toy_superposition.cells import Cell, description_bits, stickiness
from tacit.studies.toy_superposition.proxies import (
    PROXIES,
    best_price,
    correlation,
    lost,
    lost_at_random,
)
from tacit.studies.toy_superposition.settings import ToySettings
from tacit.studies.toy_superposition.starts import measure_starts, way_of
from tacit.studies.units import side_of

WORLD = {"num_features": 24, "width": 16, "num_active": 2}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def cell(**changes) -> Cell:
    plain = {
        "seed": 0, "size": 8, "alpha": 0.1, "price": 0.1, "mmcs": 0.5, "mmcs_common": 0.5,
        "mmcs_middle": 0.5, "mmcs_rare": 0.5, "floor": 0.1, "recall": 0.5, "precision": 0.5,
        "dead": 0, "tokens": 10, "l0": 2.0, "fvu": 0.1, "sticky": 0.5, "larger": 0.5,
        "larger_matched": 0.5, "twin": 0.5, "aligned": 0.5, "bits": 1.0,
    }  # fmt: skip
    return Cell(**{**plain, **changes})


def test_each_proxy_prefers_its_better_cell():
    better = {
        "dead": {"dead": 0}, "larger": {"larger": 0.9},
        "larger, one to one": {"larger_matched": 0.9}, "other seed": {"twin": 0.9},
        "stickiness": {"sticky": 0.1}, "plateau": {"fvu": 0.05}, "fvu": {"fvu": 0.05},
        "aligned": {"aligned": 0.9}, "bits": {"bits": -3.0},
    }  # fmt: skip
    assert set(better) == set(PROXIES)
    for name, changes in better.items():
        cells = [
            cell(dead=9),
            cell(**{"dead": 9, "mmcs": 0.9, **changes}),
            cell(dead=9),
        ]
        assert lost(PROXIES[name], cells) == 0, name
        assert lost(PROXIES[name], [cells[0], cells[2], cell(mmcs=1.0, dead=10)]) > 0, name
    assert lost_at_random([cell(mmcs=0.2), cell(mmcs=0.8)]) == pytest.approx(0.3)


def test_collapsed_cells_take_no_part_in_the_ranks_but_in_the_choice():
    cells = [cell(mmcs=m, twin=m) for m in (0.3, 0.5, 0.8)]
    dead = cell(mmcs=0.2, twin=0.99, fvu=1.02)
    assert correlation(PROXIES["other seed"], [*cells, dead]) == pytest.approx(1)
    assert lost(PROXIES["other seed"], [*cells, dead]) == pytest.approx(0.6)
    assert correlation(PROXIES["other seed"], [dead] * 4) is None


def test_the_largest_size_cannot_be_chosen_by_its_larger_neighbour():
    cells = [cell(larger=0.2, mmcs=0.3), cell(larger=None, mmcs=0.9)]
    assert lost(PROXIES["larger"], cells) == pytest.approx(0.6)
    assert lost(PROXIES["larger"], cells[1:]) is None


def test_the_best_price_is_the_top_of_a_parabola_in_its_logarithm():
    top = math.log(0.2)
    grid = [
        cell(alpha=alpha, mmcs=0.9 - (math.log(alpha) - top) ** 2 / 50)
        for alpha in (0.03, 0.1, 0.3, 1.0)
    ]
    assert best_price(grid, 8) == pytest.approx(0.2)
    assert best_price(grid[:2], 8) is None, "the best may lie outside the grid"
    flat = [cell(alpha=alpha, mmcs=0.5) for alpha in (0.1, 0.3, 1.0)]
    assert best_price(flat, 8) is None


@pytest.mark.parametrize("power", [0.0, 1.0])
def test_the_slope_is_the_power_with_which_the_best_alpha_grows(power):
    settings = ToySettings(sizes=(8, 16, 32), penalties=(0.01, 0.1, 1.0, 10.0))
    cells = [
        cell(
            size=size,
            alpha=alpha,
            mmcs=0.9 - (math.log(alpha) - math.log(0.3 * (size / 16) ** power)) ** 2 / 99,
        )
        for size in settings.sizes
        for alpha in settings.penalties
    ]
    assert slope_of(settings, cells) == pytest.approx(power, abs=1e-6)


def test_stickiness_is_when_nine_tenths_of_the_fall_were_made():
    falls = torch.tensor([10.0, 8, 6, 4, 2, 0.9, 0.5, 0, 0, 0])
    assert stickiness(falls) == pytest.approx(0.5)
    assert stickiness(torch.tensor([10.0] * 19 + [0.0])) > 0.9


def test_a_description_is_shorter_with_fewer_places_or_less_left():
    assert description_bits(2, 64, 0.1, 32) < description_bits(4, 64, 0.1, 32)
    assert description_bits(2, 64, 0.05, 32) < description_bits(2, 64, 0.1, 32)
    # 16 bits for every halving of the variance left, in 32 dimensions
    gain = description_bits(2, 64, 0.1, 32) - description_bits(2, 64, 0.05, 32)
    assert gain == pytest.approx(16)


def test_a_missing_seed_makes_the_mean_a_gap():
    found = over_seeds("mmcs", {0: 0.5, 1: None}, {}, "nothing there")
    assert found.reason == "nothing there (seeds 1 of 2)"
    whole = over_seeds("mmcs", {0: 0.5, 1: 0.7}, {}, "")
    assert (whole.value, whole.n) == (pytest.approx(0.6), 2)
    assert side_of(found, 0.5) == "across"
    assert side_of(whole, 0.4) == "above"
    assert side_of(whole, 0.6) == "across"
    assert side_of(whole, 0.8) == "below"


def test_the_two_conventions_are_one_price_apart():
    divided, plain = (ToySettings(convention=name) for name in ("divided", "plain"))
    assert divided.price(1024, 0.3) == pytest.approx(0.3 * 256 / 1024)
    assert plain.price(1024, 0.3) == plain.price(64, 0.3) == pytest.approx(0.3 * 256 / 512)


def test_starts_differ_only_at_the_start():
    settings = ToySettings(
        world=WORLD, steps=60, sizes=(32,), start_size=32, batch=64, learning_rate=5e-3
    )
    readings = measure_starts(settings, 3, silent)
    random, data = way_of(readings, "random"), way_of(readings, "data")
    assert [step for step, _ in random] == [step for step, _ in data]
    assert data[0][1] > random[0][1], "data points are nearer to features than random ones"
    again = measure_starts(settings, 3, silent)
    assert again == readings
    assert random[-1][1] > random[0][1]


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    return run_study("toy-superposition", "quick", tmp_path_factory.mktemp("q") / "run")


def test_the_quick_preset_runs_and_tells_cells_apart(quick):
    best = {
        (record.of["num_atoms"], record.of["alpha"]): record.value
        for record in quick.records
        if isinstance(record, Result) and record.name == "mmcs" and "alpha" in record.of
    }
    assert len(best) == 9
    assert max(best.values()) > 0.9
    assert min(best.values()) < 0.6
    page = quick.report.read_text()
    assert "Published and measured" in page
    assert "What would change our mind" in page
