"""Which Python source can be read at all, and the docstrings it holds."""

from __future__ import annotations

import ast
import inspect
import warnings
from collections.abc import Collection, Iterator

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


def nodes_before(
    tree: ast.Module, last: int | None = None, without: Collection[str] = ()
) -> Iterator[ast.AST]:
    """Yield every node that begins on a line up to ``last``; of kinds ``without`` no inner ones."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if last is not None and getattr(node, "lineno", 0) > last:
            continue
        yield node
        if type(node).__name__ not in without:
            waiting.extend(ast.iter_child_nodes(node))


def docstring_nodes(tree: ast.Module, last: int | None = None) -> Iterator[ast.Constant]:
    """Yield the string nodes that document a module, class or function, in source order.

    With ``last`` those that begin on a line up to it.
    """
    found: list[ast.Constant] = []
    for node in nodes_before(tree, last):
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
