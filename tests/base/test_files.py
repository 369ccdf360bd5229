"""Files are written whole or not at all, and a full disk is one message."""

import contextlib
import errno
import shutil

import pytest

from tacit.base.errors import UserError
from tacit.base.files import REASONS, sha256_of, write_atomically, written_aside


def test_what_is_written_is_what_is_read(tmp_path):
    write_atomically(tmp_path / "deep" / "file.txt", "text\n")
    assert (tmp_path / "deep" / "file.txt").read_text() == "text\n"
    known = "b9e68e1bea3e5b19ca6b2f98b73a54b73daafaa250484902e09982e07a12e733"
    assert sha256_of(tmp_path / "deep" / "file.txt") == known


def test_an_error_leaves_the_old_file_and_no_trace(tmp_path):
    write_atomically(tmp_path / "file", "old")
    with pytest.raises(ValueError, match="half"), written_aside(tmp_path / "file") as aside:
        aside.write_text("ne")
        raise ValueError("half way")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "old"


def test_what_a_killed_writer_left_is_gone_once_the_file_is_written(tmp_path):
    with contextlib.suppress(KeyboardInterrupt), written_aside(tmp_path / "file") as aside:
        left = aside.parent
        kept = tmp_path / "kept"
        (left / ".tmpAbC").write_bytes(b"what a library wrote")
        aside.write_text("half")
        shutil.copytree(left, kept)  # as after a kill, when nothing is tidied
        raise KeyboardInterrupt
    kept.rename(left)
    write_atomically(tmp_path / "file", "whole")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "whole"


@pytest.mark.parametrize("number", sorted(REASONS))
def test_a_full_or_closed_disk_is_one_message(tmp_path, number):
    with pytest.raises(UserError, match=f"could not write {tmp_path / 'file'}"):  # noqa: SIM117
        with written_aside(tmp_path / "file"):
            raise OSError(number, "as the kernel says")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "said",
    [
        "Error while serializing: I/O error: No space left on device (os error 28)",
        'IO Error: Could not write file "x": No space left on device","errno":"28"',
    ],
)
def test_a_full_disk_is_known_by_the_words_of_other_languages_libraries(tmp_path, said):
    with pytest.raises(UserError, match="the disk is full"), written_aside(tmp_path / "x"):
        raise RuntimeError(said)


def test_other_errors_pass_as_they_are(tmp_path):
    for error in (FileNotFoundError(errno.ENOENT, "no"), OSError("odd"), ValueError("bad")):
        with pytest.raises(type(error)), written_aside(tmp_path / "file"):
            raise error
