"""``tacit upload``: a dictionary on the hub, with a card that says what it is."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from tacit.base.errors import UserError
from tacit.dictionaries.dictionary import Dictionary
from tacit.dictionaries.files import FACTS, TENSORS, load_dictionary
from tacit.dictionaries.foreign import write_dictionary
from tacit.verbs.frontier import how_it_ended, shown_name

OWN_FORMAT = "tacit"


@runtime_checkable
class Hub(Protocol):
    """What is needed of ``huggingface_hub.HfApi``."""

    def create_repo(self, repo_id: str, *, private: bool, exist_ok: bool) -> Any:
        """Make the repository if it is not there."""
        ...

    def upload_folder(
        self,
        *,
        repo_id: str,
        folder_path: str,
        path_in_repo: str | None,
        commit_message: str,
    ) -> Any:
        """Send the files of a folder."""
        ...


def upload(
    dictionary: str | Path,
    repository: str,
    *,
    path: str | None = None,
    form: str = OWN_FORMAT,
    public: bool = False,
    hub: Hub | None = None,
) -> str:
    """Send a dictionary to a repository of the hub and return the id by which it is read again.

    ``form`` is a name of ``FORMATS`` or Tacit's own; ``path`` a folder inside the repository, which
    is made private unless it is to be ``public``. Raises ``UserError`` where the hub refuses.
    """
    if repository.count("/") != 1 or not all(repository.split("/")):
        raise UserError(f"{repository!r} is no repository of the hub; write OWNER/NAME.")
    made = load_dictionary(dictionary)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        if form == OWN_FORMAT:
            for name in (TENSORS, FACTS):
                shutil.copyfile(Path(dictionary) / name, place / name)
        else:
            write_dictionary(made, form, place)
        named = f"hub:{repository}" + (f"/{path}" if path else "")
        (place / "README.md").write_text(card(made, named), encoding="utf-8")
        _send(hub, repository, place, path, public=public)
    return named


def _send(
    hub: Hub | None, repository: str, folder: Path, path: str | None, *, public: bool
) -> None:
    if hub is None:
        from huggingface_hub import HfApi

        hub = HfApi()
    try:
        hub.create_repo(repository, private=not public, exist_ok=True)
        hub.upload_folder(
            repo_id=repository,
            folder_path=str(folder),
            path_in_repo=path,
            commit_message="A dictionary",
        )
    except Exception as error:  # what a network client raises has changed with its versions
        said = " ".join(str(error).split()) or type(error).__name__
        raise UserError(
            f"{repository} cannot be written: {said[:300].rstrip('.')}. Log in with `hf auth "
            "login` as one who may write there, with a network."
        ) from error


def card(made: Dictionary, name: str) -> str:
    """Return the card of a dictionary: what it is, what it reads, how it is opened."""
    contract = made.contract
    rows = {
        "method": f"{shown_name(made.method)}, {made.num_atoms:,} atoms",
        "model": contract.subject,
        "site": contract.site
        if contract.target is None
        else f"{contract.site} to {contract.target}",
        "width": made.width,
        "BOS before each context": contract.prepend_bos,
        "tokens of a context": contract.context_tokens,
        "SHA-256 of the model's weights": contract.subject_digest,
        "settings": ", ".join(
            f"{key} {value}" for key, value in made.settings.items() if value is not None
        ),
        "seed": made.seed,
        "the fit": how_it_ended(made.outcome),
    }
    table = [f"| {key} | {value} |" for key, value in rows.items() if value is not None]
    return "\n".join(
        [
            "---",
            "library_name: tacit",
            "tags: [sparse-autoencoder, interpretability]",
            "---",
            "",
            f"# A dictionary of {contract.subject or 'a model'} at {contract.site or 'a site'}",
            "",
            "| | |",
            "|---|---|",
            *table,
            "",
            "```",
            f"tacit measure MODEL --dictionary {name} --store STORE",
            "```",
            "",
        ]
    )
