"""What the case of a feature is read from: a learn run, or an index with what it was made of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from tacit.activations.store import Store, open_store, store_identity
from tacit.base.errors import UserError
from tacit.base.folders import MANIFEST, read_manifest
from tacit.dictionaries.dictionary import Dictionary
from tacit.dictionaries.files import load_dictionary
from tacit.dictionaries.foreign import open_dictionary
from tacit.features.build import identity_of
from tacit.features.index import Index, open_index
from tacit.interventions.differences import check_fits
from tacit.models.load import load_subject
from tacit.models.load_settings import LoadSettings
from tacit.models.subject import Subject
from tacit.verbs.fidelity import check_fits as check_store
from tacit.verbs.members import MAIN
from tacit.verbs.settings import FitSettings, LearnSettings


@dataclass(frozen=True, kw_only=True)
class Studied:
    """A dictionary with the store that it was fitted to, its index, and the model's name."""

    model: str
    store: Store
    dictionary: Dictionary
    index: Index
    fit: FitSettings
    """How it was fitted, as far as that is known."""
    parents: tuple[Path, ...]
    """Folders that this is read from, for the manifest of what is made of them."""
    home: Path
    """Folder that the cases of its features are put in unless another is given."""

    def __post_init__(self) -> None:
        site = check_store(self.dictionary, self.store)
        asked = {
            "dictionary": identity_of(self.dictionary),
            "store": store_identity(self.store),
            "site": site,
        }
        found = self.index.manifest["configuration"]
        wrong = [name for name in asked if asked[name] != found[name]]
        if wrong:
            raise UserError(
                f"{self.index.folder} is the index of another {wrong[0]}; give the index, the "
                "dictionary and the store that belong together."
            )

    @property
    def site(self) -> str:
        """The site that the dictionary reads."""
        return str(self.index.manifest["configuration"]["site"])

    @property
    def seed(self) -> int:
        """Root seed of the fit, and of what is drawn from here on."""
        return self.dictionary.seed

    def subject(self) -> Subject:
        """Return the model, loaded as it was for the store.

        Raises:
            UserError: where it is not there, or is another one by its weights.
        """
        made = self.store.manifest["configuration"]
        subject = load_subject(self.model, load=LoadSettings(**made["load"]))
        check_fits(subject, self.site, self.dictionary)
        if subject.digest != made["subject_digest"]:
            raise UserError(
                f"{subject.name} is not the subject that {self.store.folder} was harvested from: "
                "its weights differ. Load that subject, or harvest this one."
            )
        return subject


def studied(
    run: Path | None = None,
    index: Path | None = None,
    *,
    model: str | None = None,
    dictionary: str | Path | None = None,
    store: str | Path | None = None,
) -> Studied:
    """Return the main dictionary of a learn run, or the one of an index with its parts beside it.

    A run knows all of it; ``model`` then says where the model is now. An index knows neither the
    model nor the directions.
    """
    parts = {"MODEL": model, "--dictionary": dictionary, "--store": store}
    if run is not None:
        needless = [name for name in ("--dictionary", "--store") if parts[name] is not None]
        if needless:
            raise UserError(
                f"{' and '.join(needless)} was given with --run {run}, which has its own; leave "
                "it out."
            )
        return _of_run(run, model)
    if index is None or model is None or dictionary is None or store is None:
        missing = [name for name, value in parts.items() if value is None]
        raise UserError(
            f"the effects of a feature of {index} were asked for without {', '.join(missing)}; an "
            "index holds neither the model nor the directions: give them, or --run RUN."
        )
    return _of_parts(index, model, dictionary, store)


def _of_run(run: Path, model: str | None) -> Studied:
    manifest = read_manifest(run)
    if manifest["kind"] != "learn":
        raise UserError(
            f"{run} holds a {manifest['kind']}, and effects are shown of features of a run of "
            "`tacit learn`; give the folder of one, or MODEL, --index, --dictionary and --store."
        )
    settings = LearnSettings(**manifest["configuration"]["settings"])
    return Studied(
        model=model or settings.model,
        store=open_store(run / "store"),
        dictionary=load_dictionary(run / "dictionaries" / MAIN / f"seed-{settings.seed}"),
        index=open_index(run / "index"),
        fit=settings.fit,
        parents=(run,),
        home=run / "effects",
    )


def _of_parts(
    index: Path, model: str, dictionary: str | Path, store: str | Path
) -> Studied:
    opened, found = open_index(index), open_dictionary(dictionary)
    if found.contract.site is None:  # another tool's files may not tell
        site = str(opened.manifest["configuration"]["site"])
        found = replace(found, contract=replace(found.contract, site=site))
    return Studied(
        model=model,
        store=open_store(store, verify=True),
        dictionary=found,
        index=opened,
        fit=_fit_of(Path(dictionary)),
        parents=(index, Path(store)),
        home=index.with_name(f"{index.name}-effects"),
    )


def _fit_of(folder: Path) -> FitSettings:
    """Return the settings that `tacit fit` left beside a dictionary; elsewhere the defaults."""
    if not (folder / MANIFEST).is_file():
        return FitSettings()
    return FitSettings(**read_manifest(folder)["configuration"].get("fit", {}))
