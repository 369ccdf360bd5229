"""Files that appear whole or not at all."""

import contextlib
import errno
import hashlib
import os
from collections.abc import Generator
from pathlib import Path

from tacit.base.errors import UserError


@contextlib.contextmanager
def disk_errors_explained(path: Path) -> Generator[None, None, None]:
    """Turn a full or read-only disk into one message that names the file."""
    try:
        yield
    except OSError as error:
        reasons = {
            errno.ENOSPC: "the disk is full; free some space and run the same command to resume",
            errno.EDQUOT: "the disk quota is used up; free some space and resume",
            errno.EROFS: "the file system is read-only; choose another folder with --out",
            errno.EACCES: "permission denied; choose another folder with --out",
        }
        if error.errno in reasons:
            raise UserError(f"could not write {path}: {reasons[error.errno]}.") from error
        raise


@contextlib.contextmanager
def written_aside(path: Path) -> Generator[Path, None, None]:
    """Yield a temporary path beside ``path``; flush and rename it on success, else remove it."""
    aside = path.with_name(f".{path.name}.tmp")
    try:
        with disk_errors_explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield aside
            with aside.open("rb") as written:
                os.fsync(written.fileno())
            aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


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
