"""Dictionaries from one tool's format into another's."""

from pathlib import Path

from tacit.base.folders import whole_folder
from tacit.base.manifest import describe
from tacit.dictionaries.dictionary import Dictionary
from tacit.dictionaries.files import save_dictionary
from tacit.dictionaries.foreign import open_dictionary, write_dictionary

OURS = "tacit"


def convert(
    dictionary_folder: str | Path,
    form: str,
    out: str | Path,
    *,
    site: str | None = None,
    replace: bool = False,
) -> Dictionary:
    """Return the dictionary of a folder, after writing it to ``out`` in another format.

    ``form`` is ``tacit`` or a key of ``FORMATS``; ``site`` says where the dictionary reads, if its
    files do not. Its codes are the same in both to rounding.
    """
    dictionary = open_dictionary(dictionary_folder, site=site)
    configuration = {"from": Path(dictionary_folder).name, "form": form, "site": site}
    kind = "dictionary" if form == OURS else f"dictionary for {form}"
    manifest = describe(kind, configuration, passed=(), seed=dictionary.seed)
    with whole_folder(Path(out), manifest, replace=replace) as partial:
        if form == OURS:
            save_dictionary(dictionary, partial)
        else:
            write_dictionary(dictionary, form, partial)
    return dictionary
