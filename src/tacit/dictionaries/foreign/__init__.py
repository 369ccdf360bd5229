"""Dictionaries of other tools, read and written: the whole of what they expect of their input.

``FORMATS`` is the registry: to add a format, write its file, then add its line.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

from tacit.base.errors import UserError, look_up
from tacit.dictionaries.dictionary import Dictionary
from tacit.dictionaries.files import FACTS, load_dictionary
from tacit.dictionaries.foreign import dictionary_learning, gemma_scope, sae_lens, sparsify
from tacit.dictionaries.foreign.ids import downloaded, is_id, place_of


@final
@dataclass(frozen=True)
class Format:
    """How one tool keeps a dictionary in a folder."""

    holds: Callable[[Path], bool]
    """Whether a folder is of this format, by its files' names and first facts."""
    read: Callable[[Path], Dictionary]
    write: Callable[[Dictionary, Path], None] | None
    """None where the format is only read."""


FORMATS: dict[str, Format] = {
    "sae-lens": Format(sae_lens.holds, sae_lens.read, sae_lens.write),
    "sparsify": Format(sparsify.holds, sparsify.read, sparsify.write),
    "dictionary-learning": Format(
        dictionary_learning.holds, dictionary_learning.read, dictionary_learning.write
    ),
    "gemma-scope": Format(gemma_scope.holds, gemma_scope.read, None),
}


def open_dictionary(folder: str | Path, *, site: str | None = None) -> Dictionary:
    """Return the dictionary in a folder, ours or that of any tool in ``FORMATS``, or of an id.

    Ids (``hub:OWNER/NAME/FOLDER``, ``sae-lens:RELEASE/ID``, ``neuronpedia:MODEL/NAME``) are
    downloaded into the hub's cache, or taken from there. ``site`` is where it reads, for files that
    do not tell.

    Codes and reconstructions agree with the tool's own to rounding. What a format does not tell
    (often the site, always the weights of the model) is None in the contract.

    Raises:
        UserError: for a folder of no known format, a tensor that is missing, extra or of another
            shape, a pickle where tensors are expected, and a coding that Tacit has no form of; and
            for a ``site`` that is not the one which its files tell.
    """
    found = _of_id(str(folder)) if is_id(folder) else _opened(Path(folder))
    told = found.contract.site
    if site is None or site == told:
        return found
    if told is not None:
        raise UserError(
            f"site {site!r} was given, and {folder} reads {told!r}; leave it out."
        )
    return replace(found, contract=replace(found.contract, site=site))


def _opened(folder: Path) -> Dictionary:
    if not folder.is_dir():
        raise UserError(f"there is no dictionary at {folder}; give the folder of one.")
    if (folder / FACTS).exists():
        return load_dictionary(folder)
    for form in FORMATS.values():
        if form.holds(folder):
            return form.read(folder)
    raise UserError(
        f"{folder} is no dictionary that can be read: there is no {folder / FACTS}, and no files "
        f"of {', '.join(FORMATS)}."
    )


def _of_id(name: str) -> Dictionary:
    place = place_of(name)
    found = _opened(downloaded(place))
    if place.factor == 1:
        return found
    # It was fitted to rows times the factor, and is to read the rows themselves.
    return replace(
        found, centre=found.centre / place.factor, scale=found.scale / place.factor
    )


def write_dictionary(dictionary: Dictionary, name: str, folder: Path) -> None:
    """Write a dictionary's files for another tool into a folder that is there.

    The tool's own code and reconstruction of a row then agree with ours to rounding.

    Raises ``UserError`` for a format that is only read, and where it has no form of the dictionary.
    """
    form = look_up(FORMATS, name, "format")
    if form.write is None:
        raise UserError(f"{name} is a format that is only read; write another.")
    if dictionary.target is not None:
        raise UserError(
            f"the dictionary is a transcoder to {dictionary.contract.target}, and transcoders are "
            f"not written as {name}; keep Tacit's own files."
        )
    form.write(dictionary, folder)
