"""A tree draws every node once and every line, wide as its number, and says it all in words."""

import re
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tacit.base.errors import UserError
from tacit.base.pages import Page, Tree, read_pages, write_pages
from tacit.reports.render import render_report
from tacit.reports.trees import BOX_HEIGHT, MOST_LETTERS, WIDEST, draw_tree

TREE = Tree(
    table="tree.parquet",
    node="node",
    parent="parent",
    place="site",
    places=("resid.0", "resid.1", "resid.2"),
    label="label",
    value="share",
    low="low",
    high="high",
    value_label="share lost",
    threshold=0.01,
    title="A tree",
    caption="What it shows.",
)


def row(node, parent=None, share=None, ends=(None, None), label="token"):
    return {
        "node": node,
        "parent": parent,
        "site": node.partition("/")[0],
        "label": label,
        "share": share,
        "low": ends[0],
        "high": ends[1],
    }


ROWS = [
    row("resid.2/7", label="<b> & '⏎'"),
    row("resid.1/1", "resid.2/7", 0.8, (0.6, 0.9)),
    row("resid.1/2", "resid.2/7", 0.2, label="a label that no box has the room to show"),
    row("resid.0/5", "resid.1/1", 0.4, (0.3, 0.5)),
    row("resid.0/6", "resid.1/1", 0.02, (0.0, 0.03)),
    row("resid.0/5", "resid.1/2", 0.1, (0.05, 0.2)),
]


def columns(rows):
    return pa.Table.from_pylist(rows).to_pydict()


def drawn(rows):
    chart = draw_tree(TREE, columns(rows), "here")
    return chart, ElementTree.fromstring(chart.svg)


def tagged(svg, name):
    return list(svg.iter(f"{{http://www.w3.org/2000/svg}}{name}"))


def corners(svg):
    """The corner of each node's box, by the node's name."""
    found = {}
    for group in tagged(svg, "g"):
        boxes = tagged(group, "rect")
        if boxes:
            name = group[0].text.partition(":")[0]
            found[name] = tuple(float(boxes[0].get(key)) for key in ("x", "y"))
    return found


def test_every_node_stands_once_in_the_column_of_its_place():
    _, svg = drawn(ROWS)
    places = corners(svg)
    assert set(places) == {each["node"] for each in ROWS}
    assert len(tagged(svg, "rect")) == len(places)
    xs = [places[name][0] for name in ("resid.0/5", "resid.1/1", "resid.2/7")]
    assert xs == sorted(set(xs))
    assert places["resid.0/5"][0] == places["resid.0/6"][0]
    for one in places.values():
        for other in places.values():
            if one is not other and one[0] == other[0]:
                assert abs(one[1] - other[1]) > BOX_HEIGHT


def test_lines_are_as_wide_as_their_numbers_and_join_their_nodes():
    _, svg = drawn(ROWS)
    places = corners(svg)
    lines = {}
    for group in tagged(svg, "g"):
        for path in tagged(group, "path"):
            begin = [float(n) for n in re.findall(r"[\d.]+", path.get("d"))[:2]]
            lines[group[0].text] = (float(path.get("stroke-width")), begin, group[-1].text)
    assert list(lines) == [
        "resid.1/1 to resid.2/7: 0.800 (0.600 to 0.900)",
        "resid.1/2 to resid.2/7: 0.200",
        "resid.0/5 to resid.1/1: 0.400 (0.300 to 0.500)",
        "resid.0/6 to resid.1/1: 0.020 (0 to 0.0300)",
        "resid.0/5 to resid.1/2: 0.100 (0.0500 to 0.200)",
    ]
    assert [width for width, _, _ in lines.values()][:3] == [WIDEST, WIDEST / 4, WIDEST / 2]
    for words, (_, begin, text) in lines.items():
        corner = places[words.partition(" ")[0]]
        assert begin[1] == corner[1] + BOX_HEIGHT / 2
        assert text in words


def test_it_is_said_in_words_and_nothing_in_a_label_is_markup():
    chart, svg = drawn(ROWS)
    title, said = svg[0], svg[1]
    assert svg.get("aria-labelledby") == "here-title here-desc"
    assert (title.get("id"), title.text) == ("here-title", "A tree")
    assert said.text.startswith("What it shows. Lines, share lost: resid.1/1 to")
    assert "resid.0/6 to resid.1/1: 0.020" in said.text
    assert "<b>" not in chart.svg
    assert chart.notes == (
        "Width and number of a line: share lost, here up to 0.800; lines are drawn from 0.01.",
    )
    shown = [text.text for text in tagged(svg, "text")]
    assert "<b> & '⏎'" in shown
    long = ROWS[2]["label"]
    assert f"{long[: MOST_LETTERS - 1]}…" in shown
    assert any(title.text == f"resid.1/2: {long}" for title in tagged(svg, "title"))


def test_a_negative_number_is_dashed_and_as_wide_as_its_size():
    chart, svg = drawn([*ROWS[:2], row("resid.1/2", "resid.2/7", -0.4)])
    paths = {
        group[0].text: path for group in tagged(svg, "g") for path in tagged(group, "path")
    }
    up, down = (
        paths["resid.1/1 to resid.2/7: 0.800 (0.600 to 0.900)"],
        paths["resid.1/2 to resid.2/7: −0.400"],
    )
    assert float(down.get("stroke-width")) == float(up.get("stroke-width")) / 2
    assert down.get("stroke-dasharray") and up.get("stroke-dasharray") is None
    assert chart.notes[0].endswith("Dashed: negative numbers.")


def test_a_root_alone_and_an_empty_table_are_told():
    chart, svg = drawn(ROWS[:1])
    assert len(tagged(svg, "rect")) == 1
    assert chart.notes == ("No share lost reaches 0.01, the least drawn.",)
    empty = draw_tree(TREE, {name: [] for name in ROWS[0]}, "here")
    assert empty.svg == ""
    assert "holds no node" in empty.notes[0]


@pytest.mark.parametrize(
    "wrong", [row("resid.9/1", "resid.2/7", 0.5), row("resid.0/1", "resid.1/8", 0.5)]
)
def test_a_node_without_a_place_or_a_parent_before_it_is_refused(wrong):
    with pytest.raises(UserError, match="each after its parent"):
        drawn([*ROWS, wrong])


def test_the_page_draws_it_with_its_numbers_and_pages_keep_it(run):
    pq.write_table(pa.Table.from_pylist(ROWS), run / "tree.parquet")
    path = run / "artifacts" / "pages.json"
    write_pages(path, [*read_pages(path), Page(title="Trees", blocks=(TREE,))])
    assert read_pages(path)[-1].blocks == (TREE,)
    page = render_report(run).read_text()
    assert page == render_report(run).read_text()
    start = page.index("<h3>A tree</h3>")
    figure = page[start : page.index("</figure>", start)]
    assert figure.count("<rect") == 5
    assert "#" not in re.sub(r"&#\d+;", "", figure)  # colours are the page's own
    assert "The numbers of this chart" in figure
    table = figure[figure.index("<table") :]
    for heading in ("node", "label", "parent", "share lost", "from", "to"):
        assert f">{heading}</th>" in table
    assert table.count("<tr>") == 1 + len(ROWS)
    assert "tree.parquet" in page
