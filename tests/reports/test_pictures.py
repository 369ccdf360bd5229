"""Pictures stand in the page itself, row by row, with their words."""

import base64
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tacit.base.errors import UserError
from tacit.base.pages import Page, Pictures, read_pages, write_pages
from tacit.reports.pictures import picture_rows
from tacit.reports.render import render_report
from tacit.reports.tables import RunFolder

BLOCK = Pictures(
    table="birds.parquet",
    picture="png",
    words="words",
    row="pair",
    title="Twins",
    caption="What to see.",
)


def png(shade):
    image = pytest.importorskip("PIL.Image")
    kept = io.BytesIO()
    image.new("RGB", (2, 2), (shade, 0, 0)).save(kept, format="PNG")
    return kept.getvalue()


def table(path, rows):
    pq.write_table(pa.Table.from_pylist(rows), path / "birds.parquet")
    return RunFolder(path=path, manifest={}, records=[], pages=[])


def test_rows_keep_the_tables_order_and_the_pictures_bytes(tmp_path):
    rows = [
        {"pair": pair, "png": png(shade), "words": f"{pair} {shade}"}
        for pair, shade in (("b", 1), ("a", 2), ("b", 3))
    ]
    found = picture_rows(table(tmp_path, rows), BLOCK)
    assert [(row.heading, [each.words for each in row.pictures]) for row in found] == [
        ("b", ["b 1", "b 3"]),
        ("a", ["a 2"]),
    ]
    kept = base64.b64decode(found[0].pictures[1].source.partition(",")[2])
    assert kept == png(3)


def test_what_is_no_picture_is_refused(tmp_path):
    run = table(tmp_path, [{"pair": "a", "png": b"GIF89a", "words": "x"}])
    with pytest.raises(UserError, match=r"row 0 of birds\.parquet has no PNG"):
        picture_rows(run, BLOCK)


def test_the_page_holds_the_picture_and_escapes_its_words(tmp_path, run):
    rows = [{"pair": "a", "png": png(9), "words": "<b>one</b>"}]
    pq.write_table(pa.Table.from_pylist(rows), run / "birds.parquet")
    pages = read_pages(run / "artifacts" / "pages.json")
    write_pages(
        run / "artifacts" / "pages.json",
        [*pages, Page(title="Birds", blocks=(BLOCK,))],
    )
    text = render_report(run).read_text()
    assert base64.b64encode(png(9)).decode() in text
    assert "&lt;b&gt;one&lt;/b&gt;" in text
    assert "<b>one</b>" not in text
