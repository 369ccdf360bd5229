"""Labels of hand-written sources, token by token."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.base.errors import UserError
from tacit.data.documents import Document
from tacit.data.labels import LABEL_NAMES, LABELLERS, PYTHON_LABELS, python_labels

SOURCE = '''\
"""About."""
import os.path as p

class Box(Base):
    # inner
    def open(self, n=2):  # side
        """Doc."""
        if n:
            for i in a.get(n)[0](len):
                print(f"{n!r} {str(i)}")

        return (p.join)("x" 'y')
# outer
café = "é"; print(café)
'''
PIECES = re.compile(r"\s*(?:\w+|\n|[^\w\s])")


def pieces_of(text: str) -> np.ndarray:
    """Ranges of single words and signs, each with the white space before it."""
    return np.array([match.span() for match in PIECES.finditer(text)])


def labelled(text: str, label: str, offsets: np.ndarray | None = None) -> list[str]:
    """The pieces with a label, in order and without white space."""
    offsets = pieces_of(text) if offsets is None else offsets
    labels = python_labels(text, offsets)
    assert labels is not None
    return [text[start:end].strip() for start, end in offsets[labels[label]]]


EXPECTED = {
    "keyword": "import as class def if for in return",
    "builtin": "len print print",
    "name": "os path p Box Base open self n n i a get n len print p join café print café",
    "number": "2 0",
    "being_defined": "Box open",
    # Not an item of a list; one in brackets all the same; none in a formatted string.
    "called": "get print join print",
    "comment": "# inner # side # outer",
    "docstring": '" " " About . " " " " " " Doc . " " "',
    "string": '" " " About . " " " " " " Doc . " " " '
    'f " { n ! r } { str ( i ) } " " x " \' y \' " é "',
    "import_statement": "import os . path as p",
    "operator": ". ( ) : ( , = ) : : . ( ) [ ] ( ) : ( ) ( . ) ( ) = ; ( )",
}


@pytest.mark.parametrize("label", EXPECTED)
def test_pieces_of_a_source_have_the_labels_written_by_hand(label):
    assert labelled(SOURCE, label) == EXPECTED[label].split()


def lines_with(label: str) -> list[int]:
    """The lines, from 1, whose first solid character has the label."""
    starts = [match.start(1) for match in re.finditer(r"(?m)^[ ]*(\S)", SOURCE)]
    offsets = np.array([(start, start + 1) for start in starts])
    labels = python_labels(SOURCE, offsets)
    assert labels is not None
    return [SOURCE[: starts[i]].count("\n") + 1 for i in np.flatnonzero(labels[label])]


@pytest.mark.parametrize(
    ("label", "lines"),
    [
        ("depth_0", [1, 2, 4, 13, 14]),
        ("depth_1", [5, 6]),
        ("depth_2", [7, 8, 12]),
        ("depth_3_or_more", [9, 10]),
        ("in_class", [4, 5, 6, 7, 8, 9, 10, 12]),
        ("in_function", [6, 7, 8, 9, 10, 12]),
    ],
)
def test_lines_have_the_depth_and_surroundings_written_by_hand(label, lines):
    assert lines_with(label) == lines


def depth_at(source: str, at: int) -> str:
    labels = python_labels(source, np.array([(at, at + 1)]))
    assert labels is not None
    (depth,) = (label for label in labels if label.startswith("depth") and labels[label][0])
    return depth


def test_comments_stand_as_deep_as_their_column_reaches():
    source = "def f():\n  # a\n  if x:\n    y\n    # b\n  # c\n\n  # d\n# e\nz\n   # f\n"
    for name, depth in {"a": 1, "b": 2, "c": 1, "d": 1, "e": 0, "f": 0}.items():
        assert depth_at(source, source.index(f"# {name}")) == f"depth_{depth}", name


def test_blank_lines_stand_as_deep_as_the_shallower_statement_beside_them():
    source = "def f():\n\n  x\n\n  if y:\n    z\n\n  x\n\ny\n"
    blanks = [match.start() + 1 for match in re.finditer("\n(?=\n)", source)]
    assert [depth_at(source, at) for at in blanks] == [
        "depth_0",
        "depth_1",
        "depth_1",
        "depth_0",
    ]


def test_statement_over_several_lines_has_the_depth_of_its_first():
    source = 'if x:\n    y = (1,\n2,\n            3)\n    z = """\nfar left"""\n'
    inside = source.index("y")
    offsets = np.array([(start, end) for start, end in pieces_of(source) if end > inside])
    labels = python_labels(source, offsets)
    assert labels is not None
    assert labels["depth_1"].all()


def test_piece_of_spaces_alone_has_position_and_line_end_only():
    source = "if x:\n    y = 1\n"
    labels = python_labels(source, np.array([(5, 9), (5, 10), (5, 6)]))
    assert labels is not None
    on = {label for label, values in labels.items() if values.any()}
    assert on == {"depth_1", "depth_0", "newline"}
    # A run of spaces stands where it leads; the line's own end belongs to the line.
    assert labels["depth_1"].tolist() == [True, True, False]


def test_spaces_inside_a_string_are_no_string():
    source = "x = 'a    b'\n"
    labels = python_labels(source, np.array([(6, 9), (6, 11), (5, 6)]))
    assert labels is not None
    assert labels["string"].tolist() == [False, True, True]


def test_piece_over_two_things_has_the_labels_of_both():
    labels = python_labels("f(1)\n", np.array([(0, 4), (1, 3)]))
    assert labels is not None
    for label, values in {
        "name": [True, False],
        "called": [True, False],
        "operator": [True, True],
        "number": [True, True],
    }.items():
        assert labels[label].tolist() == values


def test_formatted_string_is_one_string_with_its_expressions():
    source = """x = f"a {b(1, 'c')!r:>{w}}" + rf'{d}'\nf(g)\n"""
    first, second = 'x = f"', "+ rf'"
    offsets = pieces_of(source)
    labels = python_labels(source, offsets)
    assert labels is not None
    start, end = source.index(first) + 4, source.index(" + ")
    other, last = source.index(second) + 2, source.index("\n")
    inside = [(start <= b - 1 < end) or (other <= b - 1 < last) for _, b in offsets]
    assert labels["string"].tolist() == inside
    assert labelled(source, "called") == ["f"]
    assert labelled(source, "name") == ["x", "f", "g"]


def test_windows_line_ends_change_no_label():
    source = SOURCE + 'x = "a\\\nb" + \\\n  c\n'
    windows, ends = source.replace("\n", "\r\n"), re.compile("\n")
    plain = pieces_of(source)
    moved = plain + np.array(
        [[len(ends.findall(source[:at])) for at in row] for row in plain]
    )
    before, after = python_labels(source, plain), python_labels(windows, moved)
    assert before is not None
    assert after is not None
    # The continuing backslash moves into the place of the carriage return.
    same = np.array([source[end - 1] != "\\" for _, end in plain])
    for label in before:
        assert (before[label] == after[label])[same].all(), label


@given(st.lists(st.integers(0, len(SOURCE)), unique=True))
@settings(deadline=None, max_examples=30)
def test_labels_of_any_piece_follow_from_those_of_its_characters(cuts):
    bounds = sorted({0, *cuts, len(SOURCE)})
    offsets = np.array(list(zip(bounds[:-1], bounds[1:], strict=True)))
    singles = np.array([(i, i + 1) for i in range(len(SOURCE))])
    whole, single = python_labels(SOURCE, offsets), python_labels(SOURCE, singles)
    assert whole is not None
    assert single is not None
    for row, (start, end) in enumerate(offsets):
        solid = [i for i in range(start, end) if not SOURCE[i].isspace()]
        anchor = solid[0] if solid else end - 1
        for label in PYTHON_LABELS:
            if label.startswith(("depth", "in_")):
                expected = single[label][anchor]
            elif label == "newline":
                expected = "\n" in SOURCE[start:end]
            else:
                expected = single[label][solid].any()
            assert whole[label][row] == expected, (label, SOURCE[start:end])


def test_document_that_python_does_not_read_has_no_labels():
    for text in ("def (:\n", "x = 'open\n", "\0", "if x:\ny\n", "\ud800", "(" * 5000):
        assert python_labels(text, np.array([(0, 1)])) is None


def test_empty_document_and_no_tokens_are_no_special_case():
    for text in ("", "x = 1\n"):
        labels = python_labels(text, np.zeros((0, 2), dtype=np.int64))
        assert labels is not None
        assert all(values.shape == (0,) for values in labels.values())


def test_token_without_characters_has_no_label():
    labels = python_labels("x", np.array([(0, 0), (1, 1), (0, 1)]))
    assert labels is not None
    assert not any(values[:2].any() for values in labels.values())
    assert labels["name"].tolist() == [False, False, True]


@pytest.mark.parametrize("offsets", [(0, 9), (-1, 1), (2, 1)])
def test_offsets_outside_the_text_are_refused(offsets):
    with pytest.raises(UserError, match=r"token 1 spans the characters .* a text of 5"):
        python_labels("x = 1", np.array([(0, 1), offsets]))


def test_every_labeller_gives_the_labels_it_names():
    assert LABEL_NAMES.keys() == LABELLERS.keys()
    for name, labeller in LABELLERS.items():
        document = Document(name="x.py", text="x = 1", spans={"place": ((0, 1),)})
        labels = labeller(document, np.array([(0, 1)]))
        assert labels is not None
        assert tuple(labels) == LABEL_NAMES[name]
