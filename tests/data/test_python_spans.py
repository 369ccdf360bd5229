import ast
import token
import tokenize
from collections import defaultdict

from tacit.data import python_spans


def test_columns_of_the_parser_are_bytes_and_come_back_as_characters():
    text = "é = 'ü'; f('ß', g(é))\nx = f(é)\n"
    places = python_spans.Places(text)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.expr):
            start, end = places.span(node)
            assert text[start:end] == ast.get_source_segment(text, node)


def test_formatted_string_in_parts_is_one_string_too(monkeypatch):
    # How interpreters from 3.12 give f"a{f'{b}'}" c; played here so that 3.11 proves it as well.
    opening, middle, closing = 9001, 9002, 9003
    monkeypatch.setitem(token.tok_name, opening, "FSTRING_START")
    monkeypatch.setitem(token.tok_name, middle, "FSTRING_MIDDLE")
    monkeypatch.setitem(token.tok_name, closing, "FSTRING_END")
    line = """f"a{f'{b}'}" c"""
    parts = [
        (opening, 'f"'),
        (middle, "a"),
        (token.OP, "{"),
        (opening, "f'"),
        (token.OP, "{"),
    ]
    parts += [(token.NAME, "b"), (token.OP, "}"), (closing, "'"), (token.OP, "}")]
    parts += [(closing, '"'), (token.NAME, "c")]
    tokens, at = [], 0
    for kind, string in parts:
        at = line.index(string, at)
        place = ((1, at), (1, at + len(string)))
        tokens.append(tokenize.TokenInfo(kind, string, *place, line))
        at += len(string)
    spans = defaultdict(list)
    python_spans._add_tokens(
        spans, tokens, python_spans.Places(line), frozenset(), frozenset()
    )
    assert spans == {"string": [(4, 10), (0, 12)], "name": [(13, 14)]}
