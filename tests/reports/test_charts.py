import re
from xml.etree import ElementTree

import pytest

from tacit.base.errors import UserError
from tacit.base.pages import Plot
from tacit.reports.charts import MOST_VECTOR_POINTS, draw_chart

TABLE = {
    "method": ["a", "a", "b", "b"],
    "x": [1.0, 10.0, 1.0, 10.0],
    "y": [0.5, 0.2, 0.8, 0.6],
    "low": [0.4, 0.1, None, 0.5],
    "high": [0.6, 0.3, None, 0.7],
}


def plot(kind="line", **others):
    given = {"table": "t.parquet", "x": "x", "y": "y", "title": "T", "caption": "C."}
    return Plot(**{"kind": kind, **given, **others})


@pytest.mark.parametrize("kind", ["line", "scatter", "bar", "histogram", "violin"])
@pytest.mark.parametrize("log_x", [False, True])
def test_every_kind_is_sound_svg_in_the_colours_of_the_page(kind, log_x):
    chart = draw_chart(
        plot(kind, group="method", low="low", high="high", log_x=log_x), TABLE, "c1-"
    )
    root = ElementTree.fromstring(chart.svg)
    assert root.get("role") == "img"
    assert root.get("aria-label") == "T. C."
    assert "var(--series-0)" in chart.svg
    assert "var(--series-1)" in chart.svg
    assert not re.search("#0101[0-9a-f]{2}", chart.svg)
    assert "<style" not in chart.svg
    assert "font-family" not in chart.svg
    assert [entry.name for entry in chart.legend] == ["a", "b"]
    assert chart.notes == ()


@pytest.mark.parametrize("kind", ["line", "scatter", "histogram", "violin"])
@pytest.mark.parametrize("values", [[32.0], [32.0, 32.0], [31.9999999, 32.0], [0.0, 0.0]])
@pytest.mark.parametrize("log", [False, True])
def test_values_that_all_but_coincide_are_drawn(kind, values, log):
    table = {"x": values, "y": values}
    chart = draw_chart(plot(kind, log_x=log, log_y=log), table, "c1-")
    nothing = log and values[0] == 0
    assert bool(chart.svg) is not nothing
    assert bool(chart.notes) is nothing


def test_dictionaries_of_one_sparsity_are_drawn():
    table = {**TABLE, "method": ["a", "b", "c", "d"], "x": [32.0] * 4}
    chart = draw_chart(
        plot(group="method", low="low", high="high", log_x=True), table, "c1-"
    )
    assert [entry.name for entry in chart.legend] == ["a", "b", "c", "d"]


def test_every_id_is_its_own_and_every_reference_has_its_id():
    one, two = (draw_chart(plot(), TABLE, prefix).svg for prefix in ("c1-", "c2-"))
    ids = [re.findall(r' id="([^"]*)"', svg) for svg in (one, two)]
    assert ids[0]
    assert not set(ids[0]) & set(ids[1])
    references = re.findall(r'href="#([^"]*)"', one) + re.findall(r"url\(#([^)]*)\)", one)
    assert set(references) == set(ids[0])


def test_equal_tables_give_equal_bytes():
    assert draw_chart(plot(), TABLE, "c").svg == draw_chart(plot(), TABLE, "c").svg


def test_what_cannot_be_drawn_is_counted():
    table = {"x": [0.0, 1.0, 2.0, None], "y": [1.0, 2.0, float("nan"), 3.0]}
    chart = draw_chart(plot(log_x=True), table, "c")
    assert chart.notes == (
        "1 of 4 rows are not drawn: they are not above zero, on a logarithmic axis.",
        "2 of 4 rows are not drawn: they have no value.",
    )


def test_a_chart_without_points_says_so():
    chart = draw_chart(plot(), {"x": [], "y": []}, "c")
    assert not chart.svg
    assert chart.notes == (
        "There is nothing to draw: t.parquet holds no value for this chart.",
    )


def test_many_points_become_an_image_inside_the_svg():
    many = MOST_VECTOR_POINTS + 1
    table = {"x": [float(i) for i in range(many)], "y": [float(i % 7) for i in range(many)]}
    svg = draw_chart(plot("scatter"), table, "c").svg
    assert "data:image/png" in svg
    assert svg.count("<use") < 100


def test_series_named_by_numbers_are_in_the_order_of_the_numbers():
    table = {"k": [16.0, 4.0, 1024.0], "x": [1.0, 2.0, 3.0], "y": [1.0, 2.0, 3.0]}
    chart = draw_chart(plot(group="k"), table, "c")
    assert [entry.name for entry in chart.legend] == ["4", "16", "1,024"]


def test_names_with_dollars_markup_and_unmeasured_letters_are_text():
    table = {"x": ["$a_1$", "<b>", "漢"], "y": [1.0, 2.0, 3.0]}
    svg = draw_chart(plot("bar"), table, "c").svg
    assert "$a_1$" in svg
    assert "<b>" not in svg
    assert "漢" in svg


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (plot("histogram", x="method"), "holds words"),
        (plot("line", y=None), "names no column for y"),
    ],
)
def test_a_chart_that_cannot_be_is_refused(asked, words):
    with pytest.raises(UserError, match=words):
        draw_chart(asked, TABLE, "c")
