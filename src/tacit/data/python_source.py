"""Which Python source can be read at all, and the docstrings it holds."""

from __future__ import annotations

import ast
import inspect
import warnings
from collections.abc import Iterator

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def parsed(text: str) -> ast.Module | None:
    """Return the syntax tree, or None where the running interpreter refuses the text."""
    with warnings.catch_warnings():
        # The parser warns of dubious escapes; what others wrote is not ours to mend.
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def docstring_nodes(tree: ast.Module) -> Iterator[ast.Constant]:
    """Yield the string nodes that document a module, class or function, in source order."""
    found: list[ast.Constant] = []
    for node in ast.walk(tree):
        if not isinstance(node, Documented) or not node.body:
            continue
        first = node.body[0]
        if (
            isinstance(first, ast.Expr)
            and isinstance(first.value, ast.Constant)
            and isinstance(first.value.value, str)
        ):
            found.append(first.value)
    yield from sorted(found, key=lambda node: (node.lineno, node.col_offset))


def docstrings(tree: ast.Module) -> list[str]:
    """Return the docstrings in source order, without their common indentation."""
    return [inspect.cleandoc(str(node.value)) for node in docstring_nodes(tree)]
