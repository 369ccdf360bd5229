"""Labels of the standard library's own files, against what can be told without them."""

import ast
import keyword
import re
import sysconfig
import tokenize
from pathlib import Path

import numpy as np
import pytest

from tacit.data import load_text
from tacit.data.labels import python_labels
from tacit.data.python_spans import python_spans

WORDS = re.compile(r"\w+|[^\w\s]")
NAMES = (
    "argparse.py",
    "asyncio/base_events.py",
    "dataclasses.py",
    "json/decoder.py",
)


class Case:
    """One file with its words, their labels and its tree."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.offsets = np.array([match.span() for match in WORDS.finditer(text)])
        self.words = np.array(WORDS.findall(text))
        labels = python_labels(text, self.offsets)
        assert labels is not None
        self.labels = labels
        self.prose = labels["string"] | labels["comment"]
        ends = [match.end() for match in re.finditer("\n", text)]
        self.lines = np.searchsorted(ends, self.offsets[:, 0], side="right")
        self.nodes = list(ast.walk(ast.parse(text)))

    def outside_strings(self, *kinds: type[ast.AST]) -> list[ast.AST]:
        strings = [each for each in self.nodes if isinstance(each, ast.JoinedStr)]
        inside = {id(node) for string in strings for node in ast.walk(string)}
        return [
            each
            for each in self.nodes
            if isinstance(each, kinds) and id(each) not in inside
        ]


@pytest.fixture(scope="module", params=NAMES)
def case(request) -> Case:
    with tokenize.open(Path(sysconfig.get_path("stdlib"), request.param)) as opened:
        return Case(opened.read())


def test_keywords_are_the_reserved_words_outside_prose(case):
    reserved = np.isin(case.words, keyword.kwlist)
    assert (case.labels["keyword"] == reserved & ~case.prose).all()


def test_names_are_the_other_identifiers_outside_prose(case):
    identifiers = np.array([word.isidentifier() for word in case.words])
    expected = identifiers & ~case.prose & ~np.isin(case.words, keyword.kwlist)
    assert (case.labels["name"] == expected).all()


def test_numbers_begin_with_a_digit_or_point_and_none_is_missed(case):
    begins = np.array([word[0].isdigit() for word in case.words])
    numbers = case.labels["number"]
    assert (numbers >= (begins & ~case.prose)).all()
    assert set(re.sub(r"[\d_a-fA-FxXoObBjJ]", "", "".join(case.words[numbers]))) <= set(".")


def test_every_piece_outside_prose_is_of_one_kind(case):
    kinds = ("keyword", "name", "number", "operator")
    count = sum(case.labels[kind].astype(int) for kind in kinds)
    # A backslash that joins lines is of no kind.
    assert (count == (~case.prose & (case.words != "\\"))).all()
    assert not (case.labels["string"] & case.labels["comment"]).any()


def test_names_being_defined_follow_def_or_class(case):
    introduces = np.isin(case.words, ["def", "class"]) & ~case.prose
    after = np.append(False, introduces[:-1])
    assert (case.labels["being_defined"] == after).all()
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    names = sorted(each.name for each in case.nodes if isinstance(each, definitions))
    assert sorted(case.words[case.labels["being_defined"]]) == names


def test_called_names_are_those_of_the_calls_and_stand_before_brackets(case):
    names = []
    for call in case.outside_strings(ast.Call):
        if isinstance(call.func, ast.Name):
            names.append(call.func.id)
        elif isinstance(call.func, ast.Attribute):
            names.append(call.func.attr)
    called = case.labels["called"]
    assert sorted(case.words[called]) == sorted(names)
    following = np.append(case.words[1:], "")[called]
    assert set(following) <= {"(", ")"}


def test_docstrings_are_those_that_the_parser_finds(case):
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    raw = [
        ast.get_docstring(e, clean=False) for e in case.nodes if isinstance(e, documented)
    ]
    spans = python_spans(case.text)
    assert spans is not None
    found = [ast.literal_eval(case.text[start:end]) for start, end in spans["docstring"]]
    assert sorted(found) == sorted(each for each in raw if each is not None)
    assert (case.labels["string"] >= case.labels["docstring"]).all()


def test_comments_are_what_lines_that_begin_with_a_hash_hold(case):
    lines = case.text.split("\n")
    hashed = [i for i, line in enumerate(lines) if line.lstrip().startswith("#")]
    expected = np.isin(case.lines, hashed) & ~case.labels["string"]
    assert (case.labels["comment"] >= expected).all()
    assert all("#" in lines[i] for i in case.lines[case.labels["comment"]])


def test_depth_is_the_number_of_statements_around_a_line(case):
    numbered, firsts = np.unique(case.lines + 1, return_index=True)
    first_of_line = dict(zip(numbered.tolist(), firsts.tolist(), strict=True))
    checked = 0
    waiting: list[tuple[ast.AST, frozenset[int]]] = [(ast.parse(case.text), frozenset())]
    while waiting:
        node, columns = waiting.pop()
        if isinstance(node, ast.Match):
            continue
        if isinstance(node, ast.stmt):
            start = case.offsets[first_of_line[node.lineno]][0]
            if start == case.text.rfind("\n", 0, start) + 1 + node.col_offset:
                outer = len([column for column in columns if column < node.col_offset])
                label = f"depth_{outer}" if outer < 3 else "depth_3_or_more"
                assert case.labels[label][first_of_line[node.lineno]], node.lineno
                checked += 1
            columns = columns | {node.col_offset}
        waiting.extend((child, columns) for child in ast.iter_child_nodes(node))
    assert checked > 50


def test_every_piece_has_exactly_one_depth(case):
    depths = [label for label in case.labels if label.startswith("depth")]
    assert (sum(case.labels[depth].astype(int) for depth in depths) == 1).all()


def test_what_is_true_of_the_first_tokens_does_not_need_the_others(case):
    picks = np.random.default_rng(0).integers(0, len(case.offsets) + 1, 8)
    for count in {0, 1, 7, len(case.offsets) - 1, *picks.tolist()}:
        labels = python_labels(case.text, case.offsets[:count])
        assert labels is not None
        for name, truth in case.labels.items():
            assert (labels[name] == truth[:count]).all(), (name, count)


def test_comments_and_blanks_at_a_cut_stand_as_deep_as_what_follows_tells():
    text = "if a:\n    if b:\n        c\n    # of the outer\n\n        # odd\nd\n"
    offsets = np.array([[i, i + 1] for i in range(len(text))])
    whole = python_labels(text, offsets)
    assert whole is not None
    for count in range(len(text) + 1):
        cut = python_labels(text, offsets[:count])
        assert cut is not None
        assert all((cut[name] == truth[:count]).all() for name, truth in whole.items())


@pytest.mark.slow
def test_every_held_out_file_of_the_library_can_be_labelled():
    for document in load_text("python-stdlib").split("held-out").documents:
        assert python_spans(document.text) is not None, document.name
