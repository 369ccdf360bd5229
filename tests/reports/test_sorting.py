"""A table that can be sorted: all its rows, what each is sorted by, and a script only then."""

import re

import pytest

from reports.run_folder import write_table
from tacit.base.errors import UserError
from tacit.base.pages import Page, Table, read_pages, write_pages
from tacit.reports import render_report

ROWS = [
    {"name": "one", "words": "0.50 (0.4 to 0.6)", "value": 0.5, "count": 7},
    {"name": "two", "words": None, "value": None, "count": 10},
]
COLUMNS = (("name", "Name"), ("words", "Words"), ("count", "Count"))


def drawn(run, rows=ROWS, **ways):
    write_table(run / "artifacts/rows.parquet", rows)
    table = Table(
        table="artifacts/rows.parquet", columns=COLUMNS, title="T", caption="C", **ways
    )
    write_pages(run / "artifacts/pages.json", [Page(title="P", blocks=(table,))])
    assert read_pages(run / "artifacts/pages.json")[0].blocks == (table,)
    return render_report(run).read_text()


def test_the_script_of_sorting_is_there_with_a_sortable_table_alone(run):
    assert "aria-sort" not in re.sub("<style>.*?</style>", "", drawn(run), flags=re.DOTALL)
    page = drawn(run, sortable=True)
    assert page.count("<script>") == 1
    assert 'setAttribute("aria-sort"' in page


def test_numbers_are_sorted_by_themselves_and_words_by_the_column_named(run):
    page = drawn(run, sortable=True, sort_by=(("words", "value"),))
    assert '<td data-order="0.5">0.50 (0.4 to 0.6)</td>' in page
    assert '<td class="num" data-order="7">7</td>' in page
    assert page.count('data-order="') == 3
    assert 'data-order="' not in drawn(run, sort_by=(("words", "value"),))


@pytest.mark.parametrize("sortable", [True, False])
def test_only_a_sortable_table_shows_all_of_many_rows(run, sortable):
    page = drawn(run, [ROWS[0]] * 203, sortable=sortable)
    assert page.count('<th scope="row">one</th>') == (203 if sortable else 200)
    assert ("The first 200 of 203 rows" in page) is not sortable


def test_sorting_what_is_no_column_is_refused(run):
    with pytest.raises(UserError, match="the table 'T' sorts 'wrong', not a column of it"):
        drawn(run, sortable=True, sort_by=(("wrong", "value"),))
    with pytest.raises(UserError, match="'valeu'. Did you mean 'value'"):
        drawn(run, sortable=True, sort_by=(("words", "valeu"),))
