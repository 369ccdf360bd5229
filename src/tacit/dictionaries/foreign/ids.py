"""Dictionaries by id: folders of the hub, SAELens's releases, Neuronpedia's names.

``hub:OWNER/NAME/FOLDER?revision=main``, ``sae-lens:RELEASE/ID`` and ``neuronpedia:MODEL/NAME``.
Only the files of one dictionary are downloaded, into the hub's own cache.
"""

import functools
import importlib.util
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, cast, final

from tacit.base.errors import UserError, look_up, unknown
from tacit.base.files import write_atomically

HUB, RELEASES, NEURONPEDIA = "hub:", "sae-lens:", "neuronpedia:"
KINDS = (HUB, RELEASES, NEURONPEDIA)
REGISTRY = "TACIT_SAE_REGISTRY"
"""Environment variable with the path of a copy of SAELens's list of releases."""
LISTED = "https://raw.githubusercontent.com/decoderesearch/SAELens/main/sae_lens/pretrained_saes.yaml"
# What dictionaries are made of; of pickles the one name that a format needs.
FILES = ("*.json", "*.safetensors", "*.npz", "ae.pt")
READ_AS = (None, "gemma_2", "dictionary_learning_1")
"""SAELens's names of the forms that Tacit reads."""


@final
@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a dictionary is on the hub."""

    repository: str
    folder: str
    revision: str | None = None
    factor: float = 1.0
    """What rows are to be multiplied by before it reads them."""


def is_id(where: str | Path) -> bool:
    """Return whether this is an id, and no folder."""
    return str(where).startswith(KINDS)


def place_of(name: str) -> Place:
    """Return where the dictionary of an id is; ``UserError`` for one that is not known."""
    if name.startswith(HUB):
        return _of_hub(name)
    if name.startswith(RELEASES):
        release, _, own = name.removeprefix(RELEASES).partition("/")
        entry = look_up(releases(), release, "release of SAELens")
        found = {str(each["id"]): each for each in entry["saes"]}
        if own not in found:
            raise unknown(f"dictionary of the release {release}", own, found)
        return _of_release(name, entry, found[own])
    wanted, known = name.removeprefix(NEURONPEDIA), {}
    for entry in releases().values():
        for each in entry["saes"]:
            if each.get("neuronpedia"):
                known[str(each["neuronpedia"])] = entry, each
    if wanted not in known:
        raise unknown("dictionary of Neuronpedia", wanted, known)
    return _of_release(name, *known[wanted])


def _of_hub(name: str) -> Place:
    path, _, query = name.removeprefix(HUB).partition("?")
    key, _, revision = query.partition("=")
    parts = path.strip("/").split("/")
    if len(parts) < 2 or not all(parts) or (query and (key != "revision" or not revision)):
        raise UserError(
            f"{name!r} names no dictionary of the hub; write hub:OWNER/NAME, with /FOLDER where it "
            "is in one, and ?revision=... where another than main is meant."
        )
    repository, folder = "/".join(parts[:2]), "/".join(parts[2:])
    return Place(repository=repository, folder=folder, revision=revision or None)


def _of_release(name: str, entry: Mapping[str, Any], own: Mapping[str, Any]) -> Place:
    form = entry.get("conversion_func")
    if form not in READ_AS:
        raise UserError(
            f"{name} is kept in the form {form}, which Tacit does not read; load it with SAELens, "
            "save it there, and give the folder."
        )
    path = PurePosixPath(str(own["path"]))
    folder = path.parent if path.suffix in (".pt", ".npz", ".safetensors") else path
    return Place(
        repository=str(entry["repo_id"]),
        folder="" if str(folder) == "." else str(folder),
        factor=float(own.get("norm_scaling_factor", 1.0)),
    )


def releases() -> Mapping[str, Any]:
    """Return SAELens's list of releases: from ``REGISTRY``, its package, or a copy in the cache."""
    return _read_list(_list_path())


def _list_path() -> Path:
    if REGISTRY in os.environ:
        return Path(os.environ[REGISTRY])
    package = importlib.util.find_spec("sae_lens")
    if package is not None and package.origin is not None:
        return Path(package.origin).parent / "pretrained_saes.yaml"
    from huggingface_hub import constants

    kept = Path(constants.HF_HOME) / "tacit" / "pretrained_saes.yaml"
    if not kept.exists():
        if constants.HF_HUB_OFFLINE:
            raise _no_list("HF_HUB_OFFLINE is set")
        try:
            with urllib.request.urlopen(LISTED, timeout=30) as answer:
                content = answer.read()
        except (urllib.error.URLError, OSError) as error:
            raise _no_list(str(error)) from error
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(kept, content)
    return kept


def _no_list(because: str) -> UserError:
    return UserError(
        f"SAELens's list of releases is not here, and cannot be had ({because}). Give the path of "
        f"its file pretrained_saes.yaml in {REGISTRY}, or name the dictionary by its place: "
        "hub:OWNER/NAME/FOLDER."
    )


@functools.lru_cache(maxsize=1)
def _read_list(path: Path) -> Mapping[str, Any]:
    import yaml

    try:
        with path.open(encoding="utf-8") as opened:
            # The one in C takes a fifth of the time; not every build has it.
            found = yaml.load(opened, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, yaml.YAMLError) as error:
        raise UserError(
            f"{path} cannot be read as a list of releases ({error})."
        ) from error
    if not isinstance(found, dict) or not all(
        isinstance(each, dict) and "saes" in each
        for each in cast(dict[str, Any], found).values()
    ):
        raise UserError(f"{path} is no list of releases: each has a repo_id and its saes.")
    return cast(dict[str, Any], found)


def downloaded(place: Place) -> Path:
    """Return the local folder of a dictionary of the hub, downloaded if it is not in the cache."""
    from huggingface_hub import snapshot_download

    within = f"{place.folder}/" if place.folder else ""
    try:
        snapshot = snapshot_download(
            place.repository,
            revision=place.revision,
            allow_patterns=[f"{within}{name}" for name in FILES],
        )
    except Exception as error:  # what a network client raises has changed with its versions
        said = " ".join(str(error).split()) or type(error).__name__
        raise UserError(
            f"the dictionary {place.folder or '(the whole)'} of {place.repository} cannot be had: "
            f"{said[:300].rstrip('.')}. It needs a network the first time; without one, download "
            "its folder elsewhere and give that."
        ) from error
    folder = Path(snapshot) / place.folder
    if not folder.is_dir():
        raise UserError(
            f"{place.repository} has no folder {place.folder!r} with files of a dictionary "
            f"({', '.join(FILES)}); look at its files on the hub."
        )
    return folder
