import sysconfig
from pathlib import Path

import pytest

from tacit.base.errors import UserError
from tacit.data import load_text
from tacit.data.stdlib import standard_docstrings, standard_library

MODULE = '''"""A module with a docstring of enough words."""


class Box:
    """Short."""

    def open(self):
        """Open the box and give
            what is inside it.
        Close it again.
        """
'''


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A small library in the place of the interpreter's own."""
    files = {
        "module.py": MODULE,
        "package/plain.py": "x = 1\n",
        "latin.py": b"# -*- coding: latin-1 -*-\nname = 'caf\xe9'\n",
        "undecodable.py": b"name = 'caf\xe9'\n",
        "unparsable.py": "def (:\n",
        "empty.py": "\n",
        "surrogate.py": '"""This docstring has one lone \\ud800 in it."""\n',
        "data.txt": "not Python",
        "test/test_module.py": "x = 1\n",
        "package/tests/test_plain.py": "x = 1\n",
        "idlelib/idle_test/test_a.py": "x = 1\n",
        "turtledemo/clock.py": "x = 1\n",
        "site-packages/other.py": "x = 1\n",
        "dist-packages/other.py": "x = 1\n",
        "__pycache__/module.py": "x = 1\n",
        "config-3.x-machine/python-config.py": "x = 1\n",
        "_sysconfigdata__linux.py": "x = 1\n",
        "sitecustomize.py": "x = 1\n",
    }
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    return tmp_path


def test_source_is_that_of_the_library_alone_and_counts_the_rest(library):
    corpus = standard_library.__wrapped__()
    texts = {document.name: document.text for document in corpus.documents}
    assert sorted(texts) == ["latin.py", "module.py", "package/plain.py", "surrogate.py"]
    assert texts["module.py"] == MODULE
    assert "café" in texts["latin.py"]
    assert corpus.skipped == {"undecodable": 1, "unparsable": 1, "empty": 1}
    assert corpus.labeller == "python"


def test_docstrings_lose_their_indentation_and_count_what_is_too_short(library):
    corpus = standard_docstrings.__wrapped__()
    (document,) = corpus.documents
    assert document.name == "module.py"
    assert document.text == (
        "A module with a docstring of enough words.\n"
        "\n"
        "Open the box and give\n"
        "    what is inside it.\n"
        "Close it again.\n"
    )
    assert corpus.labeller is None
    assert corpus.skipped == {
        "undecodable": 1,
        "unparsable": 1,
        "empty": 1,
        "docstring too short": 1,
        "docstring with lone surrogates": 1,
        "without docstrings": 3,
    }


def test_interpreter_without_source_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    with pytest.raises(UserError, match=r"holds no \.py file; use an interpreter"):
        standard_library.__wrapped__()


def test_the_real_library_is_read_once_and_is_what_lies_on_disk():
    corpus = load_text("python-stdlib")
    assert load_text("python-stdlib") is corpus
    assert len(corpus.documents) > 300
    assert corpus.name == "python-stdlib"
    texts = {document.name: document.text for document in corpus.documents}
    assert {"ast.py", "json/decoder.py", "collections/__init__.py"} <= set(texts)
    on_disk = Path(sysconfig.get_path("stdlib"), "json/decoder.py").read_text()
    assert texts["json/decoder.py"] == on_disk
    folders = {folder for name in texts for folder in name.split("/")[:-1]}
    assert not folders & {"test", "tests", "site-packages", "idle_test", "turtledemo"}
    share = len(corpus.split("held-out").documents) / len(corpus.documents)
    assert 0.05 < share < 0.15


@pytest.mark.slow
def test_the_real_docstrings_are_prose_from_the_same_files():
    source, prose = load_text("python-stdlib"), load_text("python-docstrings")
    names = {document.name for document in source.documents}
    assert {document.name for document in prose.documents} <= names
    assert len(prose.documents) > 200
    (argparse,) = (each.text for each in prose.documents if each.name == "argparse.py")
    assert argparse.startswith("Command-line parsing library")
