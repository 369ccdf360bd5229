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
    return _beside(final, "partial")


def _beside(final: Path, what: str) -> Path:
    if final.name in ("", ".."):
        raise UserError(f"{str(final)!r} names no folder of its own; give --out a name.")
    return final.with_name(f".{final.name}.{what}")


@contextlib.contextmanager
def exclusive_lock(
    folder: Path, *, instead: str = "give another --out"
) -> Generator[None, None, None]:
    """Hold ``folder`` for this process; the kernel lets go when it dies, however it dies.

    ``instead``: what else the user may do than wait for another process.
    """
    lock = folder / LOCK
    with lock.open("a+") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            opened.seek(0)
            holder = opened.read().strip() or "unknown"
            raise UserError(
                f"{folder} is in use by process {holder}; wait for it, or {instead}."
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
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(
            f"{folder} has no {MANIFEST}: it is not a folder that Tacit made; give another."
        ) from None
    except ValueError as error:
        raise UserError(f"{path} is damaged ({error}); make the folder again.") from error
    if not isinstance(found, dict) or "configuration" not in found or "kind" not in found:
        raise UserError(
            f"{path} was not written by Tacit: it names no kind and configuration."
        )
    return cast(dict[str, Any], found)


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


def _differences(folder: Path, manifest: Mapping[str, Any]) -> list[str]:
    found, asked = read_manifest(folder), json.loads(json.dumps(manifest))
    if found["kind"] != asked["kind"]:
        return differences({"kind": asked["kind"]}, {"kind": found["kind"]})
    return differences(asked["configuration"], found["configuration"])


def check_same(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Refuse a folder that was begun with another configuration, and say what differs."""
    wrong = _differences(folder, manifest)
    if wrong:
        raise UserError(
            f"{folder} was begun with another configuration ({'; '.join(wrong[:6])}). "
            "Give another --out, or --replace to begin anew."
        )


def _is_taken(final: Path) -> bool:
    """Return whether there is anything at ``final``; an empty folder is nothing."""
    return final.exists() and not (final.is_dir() and not any(final.iterdir()))


def is_complete(final: Path, manifest: Mapping[str, Any]) -> bool:
    """Return whether ``final`` is there and was made with this configuration."""
    if not _is_taken(final):
        return False
    check_same(final, manifest)
    return True


@contextlib.contextmanager
def whole_folder(
    final: Path, manifest: Mapping[str, Any], *, replace: bool = False
) -> Generator[Path, None, None]:
    """Yield the partial folder of ``final``; rename it when the block ends without an error.

    The manifest needs ``kind`` and ``configuration`` and is written first. A kill or Ctrl-C
    leaves the partial folder, unless nothing was made in it yet; the same configuration reopens
    it, another is refused. With ``replace`` what Tacit made at ``final`` stays until the new
    folder is complete and then gives way to it, and a partial folder of another configuration
    is begun anew.
    """
    final = final.resolve() if final.is_symlink() else final
    partial = partial_of(final)
    _check_free(final, manifest, replace=replace)
    with disk_errors_explained(partial):
        partial.mkdir(parents=True, exist_ok=True)
        with exclusive_lock(partial):
            try:
                # A second time: it may have been finished meanwhile.
                _check_free(final, manifest, replace=replace)
                _begin(partial, manifest, replace=replace)
                yield partial
            except BaseException:
                if not _has_work(partial):
                    shutil.rmtree(partial)
                raise
            # A third time: what came here while the work went on is not ours to remove.
            _check_free(final, manifest, replace=replace)
            _move(partial, final)


def _check_free(final: Path, manifest: Mapping[str, Any], *, replace: bool) -> None:
    """Refuse a place that is taken, or, with ``replace``, by anything of another kind."""
    if not _is_taken(final):
        return
    if not replace:
        raise UserError(
            f"{final} already exists; give another --out, or --replace to redo it."
        )
    kind = read_manifest(final)["kind"]
    if kind != manifest["kind"]:
        raise UserError(
            f"{final} holds a {kind}, and a {manifest['kind']} was asked for: --replace redoes "
            "the same kind alone. Give another --out."
        )


def _has_work(partial: Path) -> bool:
    """Return whether anything was made beside the manifest."""
    return any(path.name not in (MANIFEST, LOCK) for path in partial.iterdir())


def _begin(partial: Path, manifest: Mapping[str, Any], *, replace: bool) -> None:
    """Write the manifest into a new partial folder, or make sure that it is the one there."""
    if _has_work(partial):
        if not replace or not _differences(partial, manifest):
            check_same(partial, manifest)
            return
        for path in partial.iterdir():
            if path.name != LOCK:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    write_atomically(partial / MANIFEST, json.dumps(manifest, indent=1) + "\n")


def _move(partial: Path, final: Path) -> None:
    """Put the finished folder in its place. The lock goes last, so that nobody slips in."""
    old = _beside(final, "replaced")
    if old.exists():
        shutil.rmtree(old)
    if _is_taken(final):
        final.rename(old)
    partial.rename(final)
    (final / LOCK).unlink()
    if old.exists():
        shutil.rmtree(old)
