"""Files that appear whole or not at all."""

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Generator
from pathlib import Path

from tacit.base.errors import UserError

REASONS = {
    errno.ENOSPC: "the disk is full; free some space and run the same command to resume",
    errno.EDQUOT: "the disk quota is used up; free some space and resume",
    errno.EFBIG: "a file may not grow larger here; raise the limit (ulimit -f) and resume",
    errno.EROFS: "the file system is read-only; choose another folder with --out",
    errno.EACCES: "permission denied; choose another folder with --out",
    errno.ENOTDIR: "a part of its path is a file; choose another folder with --out",
}
"""What the system says no with, by its number, and what to do."""


@contextlib.contextmanager
def disk_errors_explained(path: Path) -> Generator[None, None, None]:
    """Turn a full or read-only disk into one message that names the file."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        reason = _reason(error)
        if reason is None:
            raise
        raise UserError(f"could not write {path}: {reason}.") from error


def _reason(error: Exception) -> str | None:
    """Return why the system refused a write; None when something else went wrong.

    Libraries that are not written in Python (safetensors, DuckDB) raise errors of their own,
    which hold the system's words and no number.
    """
    if isinstance(error, OSError):
        return REASONS.get(error.errno or 0)
    text = str(error)
    words = {os.strerror(number): reason for number, reason in REASONS.items()}
    return next((reason for said, reason in words.items() if said in text), None)


@contextlib.contextmanager
def written_aside(path: Path) -> Generator[Path, None, None]:
    """Yield a path in a hidden folder beside ``path``; flush and move it there on success.

    A folder, because libraries write files of their own beside the one they are given (safetensors
    does), and what a kill leaves of those must go when the same file is written again.
    """
    beside = path.with_name(f".{path.name}.tmp")
    aside = beside / path.name
    try:
        with disk_errors_explained(path):
            _clear(beside)
            beside.mkdir(parents=True)
            yield aside
            with aside.open("rb") as written:
                os.fsync(written.fileno())
            aside.chmod(_ordinary_mode())
            aside.replace(path)
    finally:
        _clear(beside)


def _clear(beside: Path) -> None:
    """Remove what is left of an earlier write."""
    if beside.is_dir():
        shutil.rmtree(beside)


def _ordinary_mode() -> int:
    """Return the mode of a file that anybody makes here; safetensors writes for its owner alone."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write ``content`` to ``path``, whole or not at all."""
    with written_aside(path) as aside:
        aside.write_bytes(content.encode() if isinstance(content, str) else content)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def sha256_of_text(text: str) -> str:
    """Return the SHA-256 of a text's UTF-8 bytes, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()
