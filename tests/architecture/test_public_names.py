"""``import tacit`` offers its names lazily, the same ones to programs and to type checkers."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

import tacit

TREE = ast.parse(Path(tacit.__file__).read_text())


def names_for_type_checkers() -> set[str]:
    block = next(node for node in TREE.body if isinstance(node, ast.If))
    return {
        alias.name
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_the_three_lists_of_names_agree():
    in_rooms = [name for names in tacit._ROOMS.values() for name in names]
    assert len(in_rooms) == len(set(in_rooms))
    assert set(in_rooms) == set(tacit.__all__) == names_for_type_checkers()
    assert set(tacit.__all__) <= set(dir(tacit))


@pytest.mark.parametrize("room", sorted(tacit._ROOMS))
def test_every_name_is_the_one_of_its_room(room):
    module = import_module(f"tacit.{room}")
    for name in tacit._ROOMS[room]:
        assert getattr(tacit, name) is getattr(module, name)


def test_an_unknown_name_names_the_nearest():
    with pytest.raises(AttributeError, match="'lern'. Did you mean 'learn'?"):
        _ = tacit.lern
    assert not hasattr(tacit, "no_such_thing")
