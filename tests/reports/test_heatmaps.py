"""A heatmap shows every number in its place, shaded from the least to the most."""

import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tacit.base.errors import UserError
from tacit.base.pages import Heatmap, Page, read_pages, write_pages
from tacit.reports.heatmaps import shades_of
from tacit.reports.render import render_report
from tacit.reports.tables import RunFolder

MAP = Heatmap(
    table="map.parquet",
    row="size",
    column="alpha",
    value="mmcs",
    row_label="atoms",
    column_label="alpha",
    title="A map",
    caption="What it shows.",
)
ROWS = [
    {"size": 512, "alpha": 0.1, "mmcs": 0.25},
    {"size": 512, "alpha": 1.0, "mmcs": 0.75},
    {"size": 1024, "alpha": 1.0, "mmcs": None},
    {"size": 1024, "alpha": 0.1, "mmcs": 0.5},
]


def folder_with(path, rows):
    pq.write_table(pa.Table.from_pylist(rows), path / "map.parquet")
    return RunFolder(path=path, manifest={}, records=[], pages=[])


def test_numbers_stand_in_their_places(tmp_path):
    found = shades_of(folder_with(tmp_path, ROWS), MAP)
    assert found.columns == ("0.1", "1")
    named = {
        name: [(cell.text, cell.share) for cell in cells] for name, cells in found.rows
    }
    assert named == {
        "512": [("0.250", 0), ("0.750", 100)],
        "1,024": [("0.500", 50), ("", None)],
    }


def test_a_place_that_no_row_names_is_empty(tmp_path):
    found = shades_of(folder_with(tmp_path, ROWS[:1] + ROWS[2:3]), MAP)
    assert [cell.share for _, cells in found.rows for cell in cells] == [
        0,
        None,
        None,
        None,
    ]


def test_two_numbers_for_one_place_are_refused(tmp_path):
    with pytest.raises(UserError, match="several rows for one size and alpha"):
        shades_of(folder_with(tmp_path, [*ROWS, ROWS[0]]), MAP)


def test_the_page_draws_it_and_pages_keep_it(run):
    folder_with(run, ROWS)
    path = run / "artifacts" / "pages.json"
    write_pages(path, [*read_pages(path), Page(title="Maps", blocks=(MAP,))])
    assert read_pages(path)[-1].blocks == (MAP,)
    page = render_report(run).read_text()
    drawn = page[page.index('aria-label="A map"') :]
    assert re.findall(r'style="--share:(\d+)%">([\d.]+)<', drawn)[:3] == [
        ("0", "0.250"),
        ("100", "0.750"),
        ("50", "0.500"),
    ]
    assert "map.parquet" in page
