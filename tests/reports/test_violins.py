import re

import numpy as np
import pytest
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure

from tacit.base.pages import Plot
from tacit.reports.charts import draw_chart
from tacit.reports.series import points_of
from tacit.reports.violins import FULL, NUM_PLACES, ROOM, draw_violins, outline_of


def violin(**others):
    given = {
        "table": "t.parquet",
        "x": "basis",
        "y": "score",
        "title": "T",
        "caption": "C.",
    }
    return Plot(**{"kind": "violin", **given, **others})


def drawn(plot, table):
    """The axes of a violin chart: what is drawn, in the units of the data."""
    axes = Figure().add_subplot()
    if plot.log_y:
        axes.set_yscale("log")
    draw_violins(axes, plot, points_of(plot, table))
    return axes


def outlines(axes):
    """Corners of every shape."""
    shapes = [each for each in axes.collections if isinstance(each, PolyCollection)]
    return [each.get_paths()[0].vertices for each in shapes]


def intervals(axes):
    """Place, lower and upper end of every line that stands upright."""
    found = []
    for each in axes.collections:
        if isinstance(each, LineCollection):
            for (x, low), (other, high) in each.get_segments():
                if x == other:
                    found.append((x, low, high))
    return found


def test_the_outline_of_many_gaussian_values_is_the_bell():
    values = np.random.default_rng(0).standard_normal(20_000)
    places, density = outline_of(values.tolist())
    bell = np.exp(-0.5 * np.square(places))
    # The kernel widens the bell by its own width, 0.12 of a standard deviation.
    assert np.abs(np.array(density) - bell).max() < 0.05
    assert (places[0], places[-1]) == (values.min(), values.max())
    assert max(density) == 1


def test_two_heaps_are_seen_as_two():
    heaps = np.concatenate([np.linspace(0, 0.1, 20), np.linspace(0.9, 1, 20)])
    _, density = outline_of(heaps.tolist())
    middle = density[NUM_PLACES // 2]
    assert density[2] > 2 * middle
    assert density[-3] > 2 * middle


@pytest.mark.parametrize("values", [[1.0], [1.0, 2.0], [3.0, 3.0, 3.0], [0.0] * 5])
def test_too_few_or_equal_values_are_dots_without_a_shape(values):
    assert outline_of(values) is None
    axes = drawn(violin(), {"basis": ["a"] * len(values), "score": values})
    assert not outlines(axes)
    assert axes.lines[0].get_ydata().tolist() == values


def test_values_of_which_most_coincide_have_an_outline():
    assert outline_of([0.0] * 9 + [1.0]) is not None


def test_violins_are_alike_on_both_sides_and_never_touch():
    values = np.random.default_rng(1).exponential(size=30).tolist()
    table = {"basis": ["a"] * 60 + ["b"] * 60, "score": values * 4, "by": ["u", "v"] * 60}
    shapes = sorted(outlines(drawn(violin(group="by"), table)), key=lambda each: each[0, 0])
    centres = [-ROOM / 4, ROOM / 4, 1 - ROOM / 4, 1 + ROOM / 4]
    for shape, centre in zip(shapes, centres, strict=True):
        x = shape[:, 0]
        assert (x.min() + x.max()) / 2 == pytest.approx(centre)
        assert x.max() - centre == pytest.approx(FULL * ROOM / 2)


def test_the_mean_has_its_dot_and_its_interval_once_and_the_median_its_line():
    table = {
        "basis": ["a"] * 5 + ["b"] * 5,
        "score": [0.1, 0.2, 0.3, 0.4, 1.0] * 2,
        "low": [0.2] * 5 + [None] * 5,
        "high": [0.6] * 5 + [None] * 5,
    }
    axes = drawn(violin(low="low", high="high"), table)
    assert intervals(axes) == [(0, 0.2, 0.6)]
    dots = [line.get_ydata()[0] for line in axes.lines if line.get_marker() == "o"]
    assert dots == pytest.approx([0.4, 0.4])
    flat = [
        each.get_segments()[0][0][1]
        for each in axes.collections
        if isinstance(each, LineCollection) and len(set(each.get_segments()[0][:, 1])) == 1
    ]
    assert flat == pytest.approx([0.3, 0.3])


def test_categories_stand_in_the_order_of_the_table_and_missing_values_are_counted():
    table = {"basis": ["z", "a", "z", "a"], "score": [1.0, 2.0, None, 3.0]}
    chart = draw_chart(violin(), table, "c")
    words = re.findall(r">([az])</text>", chart.svg)
    assert words == ["z", "a"]
    assert chart.notes == ("1 of 4 rows are not drawn: they have no value.",)


def test_on_a_logarithmic_axis_values_are_smoothed_there():
    values = (10 ** np.linspace(-3, 0, 25)).tolist()
    (shape,) = outlines(drawn(violin(log_y=True), {"basis": ["a"] * 25, "score": values}))
    steps = np.diff(np.unique(np.log10(shape[:, 1]).round(6)))
    assert steps == pytest.approx(3 / (NUM_PLACES - 1), rel=1e-3)
