"""Where in Python source each thing stands: the truth that token labels are made from.

Spans are half-open ranges of characters, from the interpreter's own tokenizer and parser.
"""

from __future__ import annotations

import ast
import bisect
import builtins
import io
import itertools
import keyword
import token
import tokenize
from collections import defaultdict

from tacit.data.python_depth import depth_of_lines
from tacit.data.python_source import docstring_nodes, nodes_before, parsed

Span = tuple[int, int]
Spans = dict[str, list[Span]]

_DEPTHS = ("depth_0", "depth_1", "depth_2", "depth_3_or_more")
_BUILTINS = frozenset(dir(builtins))
_KINDS = {
    tokenize.STRING: "string",
    tokenize.COMMENT: "comment",
    tokenize.NUMBER: "number",
    tokenize.OP: "operator",
}
# Until 3.11 a formatted string is one token, later it opens and closes around its parts; the
# tree inside it has dependable positions only in the latter. So it is one string on both.
_OPENING = frozenset({"FSTRING_START", "TSTRING_START"})
_CLOSING = frozenset({"FSTRING_END", "TSTRING_END"})
_FORMATTED = frozenset({"JoinedStr", "TemplateStr"})
_NO_STATEMENT = frozenset({tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT})


class Places:
    """Turns (line, column) of the tokenizer and the parser into offsets of characters."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        lengths = (len(line) + 1 for line in self.lines)
        self.starts = list(itertools.accumulate(lengths, initial=0))

    def offset(self, place: tuple[int, int]) -> int:
        """Return the offset of a line, counted from 1, and a column in characters."""
        line, column = place
        return self.starts[line - 1] + column

    def line(self, offset: int) -> int:
        """Return the line, counted from 1, that holds the character before an offset."""
        return max(1, bisect.bisect_left(self.starts, offset))

    def column(self, line: int, column_bytes: int) -> int:
        """Return the column in characters of the parser's column in UTF-8 bytes."""
        content = self.lines[line - 1]
        if content.isascii():
            return column_bytes
        return len(content.encode()[:column_bytes].decode())

    def span(self, node: ast.stmt | ast.expr) -> Span:
        """Return the characters that a node of the tree covers."""
        assert node.end_lineno is not None and node.end_col_offset is not None
        start = (node.lineno, self.column(node.lineno, node.col_offset))
        end = (node.end_lineno, self.column(node.end_lineno, node.end_col_offset))
        return self.offset(start), self.offset(end)


def python_spans(text: str, end: int | None = None) -> Spans | None:
    r"""Return the spans of each label, or None if the interpreter does not read the text.

    Line ends must be ``\n``. Spans of one label may nest; what each label means stands in
    ``PYTHON_LABELS``. With ``end`` only characters before it are asked about; the rest of the
    text is parsed, which is quick, and not taken apart, which is not.
    """
    tree = parsed(text)
    if tree is None:
        return None
    spans: Spans = defaultdict(list)
    places = Places(text)
    last = len(places.lines) if end is None else places.line(end)
    try:
        tokens = _tokens_until(text, last)
    except (tokenize.TokenError, SyntaxError):
        return None
    spans["docstring"] = [places.span(node) for node in docstring_nodes(tree, last)]
    _add_tokens(spans, tokens, places, *_statements(spans, tree, places, last))
    for line, depth in enumerate(depth_of_lines(tokens, places.lines)):
        end = min(places.starts[line + 1], len(text))
        spans[_DEPTHS[min(depth, len(_DEPTHS) - 1)]].append((places.starts[line], end))
    return spans


def _tokens_until(text: str, last: int) -> list[tokenize.TokenInfo]:
    """Return the tokens up to the end of the first statement that begins after a line.

    How deep the lines before that statement stand, it alone decides.
    """
    found: list[tokenize.TokenInfo] = []
    is_after = False
    for each in tokenize.generate_tokens(io.StringIO(text).readline):
        found.append(each)
        if each.type == tokenize.NEWLINE and is_after:
            break
        is_after = is_after or (each.start[0] > last and each.type not in _NO_STATEMENT)
    return found


def _statements(
    spans: Spans, tree: ast.Module, places: Places, last: int
) -> tuple[frozenset[int], frozenset[int]]:
    """Add the spans of statements; return where called names end and built-in ones start."""
    called, built_in = set(), set()
    for node in nodes_before(tree, last, without=_FORMATTED):
        match node:
            case ast.ClassDef():
                spans["in_class"].append(places.span(node))
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                spans["in_function"].append(places.span(node))
            case ast.Import() | ast.ImportFrom():
                spans["import_statement"].append(places.span(node))
            case ast.Call(func=(ast.Name() | ast.Attribute()) as callee):
                called.add(places.span(callee)[1])
            case ast.Name(id=name) if name in _BUILTINS:
                built_in.add(places.span(node)[0])
    return frozenset(called), frozenset(built_in)


def _add_tokens(
    spans: Spans,
    tokens: list[tokenize.TokenInfo],
    places: Places,
    called: frozenset[int],
    built_in: frozenset[int],
) -> None:
    """Add the spans of single tokens, and of formatted strings as wholes."""
    open_strings: list[int] = []
    before = ""
    for each in tokens:
        kind = token.tok_name[each.type]
        start, end = places.offset(each.start), places.offset(each.end)
        if kind in _OPENING:
            open_strings.append(start)
        elif kind in _CLOSING:
            spans["string"].append((open_strings.pop(), end))
        elif open_strings:
            continue
        elif each.type == tokenize.NAME:
            if keyword.iskeyword(each.string):
                spans["keyword"].append((start, end))
            else:
                spans["name"].append((start, end))
                if before in ("def", "class"):
                    spans["being_defined"].append((start, end))
                if end in called:
                    spans["called"].append((start, end))
                if start in built_in:
                    spans["builtin"].append((start, end))
        elif each.type in _KINDS:
            spans[_KINDS[each.type]].append((start, end))
        before = each.string
