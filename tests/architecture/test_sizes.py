"""Files and functions stay small; what may be longer is listed here, with the reason."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
LONGEST_FILE, LONGEST_FUNCTION = 250, 40
LONGER_FILES: dict[str, str] = {}
LONGER_FUNCTIONS: dict[str, str] = {}


def lines_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function's body, without signature and docstring."""
    first, *rest = node.body
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    begin = rest[0] if is_docstring and rest else first
    assert node.end_lineno is not None
    return node.end_lineno - begin.lineno + 1


@pytest.mark.parametrize(
    "path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_file_and_its_functions_are_small(path):
    text, name = path.read_text(), path.relative_to(ROOT / "src" / "tacit").as_posix()
    if name not in LONGER_FILES:
        assert len(text.splitlines()) <= LONGEST_FILE, name
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            full = f"{name}:{node.name}"
            if full not in LONGER_FUNCTIONS:
                assert lines_of(node) <= LONGEST_FUNCTION, full


def test_the_lists_of_exceptions_are_true():
    for name in LONGER_FILES:
        assert len((ROOT / "src" / "tacit" / name).read_text().splitlines()) > LONGEST_FILE
    for full in LONGER_FUNCTIONS:
        name, function = full.split(":")
        tree = ast.parse((ROOT / "src" / "tacit" / name).read_text())
        found = [
            n
            for n in ast.walk(tree)
            if isinstance(n, ast.FunctionDef) and n.name == function
        ]
        assert max(map(lines_of, found)) > LONGEST_FUNCTION


def test_no_module_has_a_name_that_says_nothing():
    empty = {"utils", "helpers", "misc", "common", "new", "final", "v2"}
    assert not {path.stem for path in SOURCES} & empty
