"""A folder that appears whole or not at all, is worked on by one process, and can be resumed."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, cast

from tacit.base.errors import UserError
from tacit.base.files import disk_errors_explained, write_atomically

MANIFEST = "manifest.json"
LOCK = ".lock"


def partial_of(final: Path) -> Path:
    """Return the hidden folder in which ``final`` is being made."""
    return final.with_name(f".{final.name}.partial")


@contextlib.contextmanager
def exclusive_lock(folder: Path) -> Generator[None, None, None]:
    """Hold ``folder`` for this process; the kernel lets go when it dies, however it dies."""
    lock = folder / LOCK
    with lock.open("a+") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            opened.seek(0)
            holder = opened.read().strip() or "unknown"
            raise UserError(
                f"{folder} is in use by process {holder}; wait for it, or give another --out."
            ) from None
        opened.truncate(0)
        opened.write(str(os.getpid()))
        opened.flush()
        yield


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return a folder's manifest, or say why it cannot be read."""
    path = folder / MANIFEST
    try:
        found: Any = json.loads(path.read_text())
    except FileNotFoundError:
        raise UserError(
            f"{folder} has no {MANIFEST}: it is not a folder that Tacit made."
        ) from None
    except ValueError as error:
        raise UserError(f"{path} is damaged ({error}); make the folder again.") from error
    if not isinstance(found, dict) or "configuration" not in found or "kind" not in found:
        raise UserError(
            f"{path} was not written by Tacit: it names no kind and configuration."
        )
    return found


def differences(asked: object, found: object, path: str = "") -> list[str]:
    """Return one phrase for each leaf where two configurations differ."""
    if isinstance(asked, Mapping) and isinstance(found, Mapping):
        mine, theirs = cast(Mapping[str, object], asked), cast(Mapping[str, object], found)
        return [
            phrase
            for key in sorted({*mine, *theirs})
            for phrase in differences(
                mine.get(key), theirs.get(key), f"{path}.{key}".lstrip(".")
            )
        ]
    return [] if asked == found else [f"{path}: {found!r} there, {asked!r} asked"]


def check_same(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Refuse a folder that was begun with another configuration, and say what differs."""
    found = read_manifest(folder)
    asked = json.loads(json.dumps(manifest))
    wrong = differences(
        {"kind": asked["kind"], **asked["configuration"]},
        {"kind": found["kind"], **found["configuration"]},
    )
    if wrong:
        raise UserError(
            f"{folder} was begun with another configuration ({'; '.join(wrong[:6])}). "
            "Give another --out, or --replace to begin anew."
        )


def is_complete(final: Path, manifest: Mapping[str, Any]) -> bool:
    """Return whether ``final`` is there and was made with this configuration."""
    if not final.exists():
        return False
    check_same(final, manifest)
    return True


def discard(final: Path) -> None:
    """Delete ``final`` and what was begun of it, if Tacit made them and nobody holds them."""
    for folder in (final, partial_of(final)):
        if not folder.exists():
            continue
        if any(folder.iterdir()):
            read_manifest(folder)
        with exclusive_lock(folder):
            shutil.rmtree(folder)


@contextlib.contextmanager
def whole_folder(final: Path, manifest: Mapping[str, Any]) -> Generator[Path, None, None]:
    """Yield the partial folder of ``final``; rename it when the block ends without an error.

    The manifest needs ``kind`` and ``configuration`` and is written first. A kill or Ctrl-C
    leaves the partial folder; the same configuration reopens it, another is refused.
    """
    if final.exists():
        raise UserError(
            f"{final} already exists; give another --out, or --replace to redo it."
        )
    partial = partial_of(final)
    with disk_errors_explained(partial):
        partial.mkdir(parents=True, exist_ok=True)
    with exclusive_lock(partial):
        if (partial / MANIFEST).exists():
            check_same(partial, manifest)
        else:
            write_atomically(partial / MANIFEST, json.dumps(manifest, indent=1) + "\n")
        yield partial
        (partial / LOCK).unlink()
        partial.rename(final)
