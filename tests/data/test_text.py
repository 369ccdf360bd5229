import os
from pathlib import Path

import pytest

from tacit.base.errors import UserError
from tacit.data import SOURCES, load_text


def write(folder: Path, **contents: bytes | str) -> None:
    for name, content in contents.items():
        path = folder / name.replace("__", "/").replace("DOT", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def named(corpus) -> dict[str, str]:
    return {document.name: document.text for document in corpus.documents}


def test_folder_gives_every_text_under_its_relative_posix_name(tmp_path):
    write(tmp_path, bDOTtxt="2", a__deep__cDOTmd="1", a__dDOTjson="{}")
    corpus = load_text(tmp_path)
    assert named(corpus) == {"a/d.json": "{}", "a/deep/c.md": "1", "b.txt": "2"}
    assert list(named(corpus)) == sorted(named(corpus))
    assert corpus.name == str(tmp_path)
    assert corpus.skipped == {}
    assert corpus.labeller is None


def test_single_file_goes_by_its_own_name(tmp_path):
    write(tmp_path, noteDOTtxt="hello")
    assert named(load_text(str(tmp_path / "note.txt"))) == {"note.txt": "hello"}


def test_what_is_left_out_is_counted_by_reason(tmp_path):
    write(
        tmp_path,
        okDOTtxt="text",
        nulDOTbin=b"a\0b",
        latinDOTtxt=b"caf\xe9",
        emptyDOTtxt="",
        blankDOTtxt=" \n\t\n",
        DOTsecret="hidden",
        DOTgit__config="hidden folder, counted once",
        DOTgit__other="so not twice",
    )
    corpus = load_text(tmp_path)
    assert named(corpus) == {"ok.txt": "text"}
    assert corpus.skipped == {"binary": 2, "empty": 2, "hidden": 2}


def test_pipes_and_broken_links_are_counted_and_not_opened(tmp_path):
    write(tmp_path, okDOTtxt="text")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    corpus = load_text(tmp_path)
    assert named(corpus) == {"ok.txt": "text"}
    assert corpus.skipped == {"unreadable": 2}


def test_line_ends_and_byte_order_mark_do_not_matter(tmp_path):
    write(tmp_path, aDOTtxt=b"\xef\xbb\xbfone\r\ntwo\rthree\n")
    assert named(load_text(tmp_path)) == {"a.txt": "one\ntwo\nthree\n"}


def test_name_that_is_not_utf8_is_made_printable(tmp_path):
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt")).write_text("text")
    except (OSError, UnicodeError):
        pytest.skip("needs a file system that takes any bytes as a name")
    (name,) = named(load_text(tmp_path))
    assert name == "caf\\xe9.txt"


def test_labeller_is_python_only_where_all_is_python(tmp_path):
    write(tmp_path, aDOTpy="x = 1", b__cDOTpy="y = 2")
    assert load_text(tmp_path).labeller == "python"
    write(tmp_path, dDOTtxt="prose")
    assert load_text(tmp_path).labeller is None


def test_missing_source_names_the_nearest_and_all_known():
    with pytest.raises(UserError, match="no such file") as caught:
        load_text("python-stdlb")
    assert "Did you mean 'python-stdlib'?" in str(caught.value)
    assert all(source in str(caught.value) for source in SOURCES)


@pytest.mark.parametrize(
    ("content", "count"),
    [(b"a\0b", "1 binary"), (b"\xff\xfe", "1 binary"), (b"\n", "1 empty")],
)
def test_single_file_without_text_is_refused(tmp_path, content, count):
    write(tmp_path, fileDOTtxt=content)
    with pytest.raises(UserError, match=f"left out: {count}.*; give a file"):
        load_text(tmp_path / "file.txt")


def test_folder_without_text_is_refused_with_counts(tmp_path):
    write(tmp_path, nulDOTbin=b"\0", emptyDOTtxt="", DOThidden="text")
    with pytest.raises(UserError, match="1 binary, 1 empty, 1 hidden"):
        load_text(tmp_path)


def test_folder_without_files_is_refused(tmp_path):
    with pytest.raises(UserError, match="it has no files"):
        load_text(tmp_path)


def test_folder_called_like_a_source_is_reached_as_a_path(tmp_path, monkeypatch):
    write(tmp_path, aDOTtxt="text")
    folder = tmp_path.rename(tmp_path.with_name("python-stdlib"))
    monkeypatch.chdir(folder.parent)
    assert named(load_text("./python-stdlib")) == {"a.txt": "text"}
    assert named(load_text(Path("python-stdlib"))) == {"a.txt": "text"}
