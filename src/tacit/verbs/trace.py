"""``tacit trace``: what a feature rests on, site by site, as a run with a drawn tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from tacit.activations.store import Store, open_store, store_identity
from tacit.base.configuration import Configuration
from tacit.base.errors import UserError
from tacit.base.folders import is_complete, whole_folder
from tacit.base.manifest import describe
from tacit.base.pages import write_pages
from tacit.base.progress import Progress, silent
from tacit.base.records import Record, read_records, write_records
from tacit.dictionaries.dictionary import Dictionary
from tacit.dictionaries.foreign import open_dictionary
from tacit.features.build import identity_of
from tacit.interventions.trees import causal_tree, windows_for
from tacit.models.load import load_subject
from tacit.models.load_settings import LoadSettings
from tacit.reports import render_report
from tacit.verbs.fidelity import check_fits
from tacit.verbs.settings import LARGEST_SEED
from tacit.verbs.trace_story import CHECKS, TREE, pages_of
from tacit.verbs.trace_tables import Traced, records_of


class TraceSettings(Configuration):
    """All of ``tacit trace`` beside the feature and its folders."""

    load: LoadSettings = LoadSettings()
    contexts: int = Field(default=20, ge=1)
    """Positions at which each feature is looked at."""
    children: int = Field(default=3, ge=1)
    """Most causes that are kept of one feature."""
    depth: int = Field(default=3, ge=1)
    """Sites below the feature's, at most."""
    smallest: float = Field(default=0.01, gt=0)
    """Share of a feature's activation that a cause must take with it to be kept."""
    by: Literal["ablation", "attribution"] = "ablation"
    """``attribution`` ablates only the candidates that the gradient ranks first."""
    max_windows: int | None = Field(default=None, ge=1)
    """Held-out windows that contexts are drawn from; None: all."""
    seed: int = Field(default=0, ge=0, le=LARGEST_SEED)


@dataclass(frozen=True)
class TraceRun:
    """A finished trace."""

    folder: Path
    records: tuple[Record, ...]

    @property
    def report(self) -> Path:
        """The page to open in a browser."""
        return self.folder / "report.html"

    @property
    def tree(self) -> list[dict[str, Any]]:
        """The root and every edge, a row each."""
        return _rows(self.folder / TREE)

    @property
    def checks(self) -> list[dict[str, Any]]:
        """What stands beside each feature that was traced: all at once, others, what is left."""
        return _rows(self.folder / CHECKS)


def trace(
    model: str,
    dictionaries: Sequence[str | Path],
    store_folder: str | Path,
    site: str,
    feature: int,
    out: str | Path,
    *,
    settings: TraceSettings | None = None,
    passed: Sequence[str] = (),
    replace: bool = False,
    progress: Progress = silent,
) -> TraceRun:
    """Return the run in ``out``: the features that ``feature`` of ``site`` rests on.

    ``dictionaries``: one of each site, in any order. Contexts are of the store's held-out windows.
    A finished run of the same settings is returned as it is.
    """
    settings = settings or TraceSettings()
    store = open_store(store_folder, verify=True)
    by_site = _by_site(dictionaries, store)
    subject = load_subject(model, load=settings.load)
    configuration = {
        "settings": settings.model_dump(mode="json"),
        "site": site,
        "feature": feature,
        "subject_digest": subject.digest,
        "dictionaries": {name: identity_of(each) for name, each in by_site.items()},
        "store": store_identity(store),
    }
    manifest = describe(
        "trace", configuration, passed=passed, seed=settings.seed, parents=[store.folder]
    )
    folder = Path(out)
    if replace or not is_complete(folder, manifest):
        with whole_folder(folder, manifest, replace=replace) as partial:
            windows = windows_for(store, list(by_site), max_windows=settings.max_windows)
            grown = settings.model_dump(exclude={"load", "max_windows"})
            tree = causal_tree(
                subject, windows, by_site, site, feature, **grown, progress=progress
            )
            text = str(store.manifest["configuration"]["text"])
            found = Traced(tree=tree, windows=windows, subject=subject, text=text)
            write_records(partial / "results.json", records_of(found))
            write_pages(partial / "artifacts" / "pages.json", pages_of(found, partial))
            render_report(partial)
    elif not (folder / "report.html").exists():
        render_report(folder)
    return TraceRun(folder, tuple(read_records(folder / "results.json")))


def _by_site(folders: Sequence[str | Path], store: Store) -> Mapping[str, Dictionary]:
    """Return the dictionaries by the site that each reads."""
    found: dict[str, Dictionary] = {}
    for folder in folders:
        dictionary = open_dictionary(folder)
        if dictionary.contract.site is None:
            raise UserError(
                f"{folder} does not tell which site it reads; write it once with `tacit convert "
                f"{folder} --to tacit --site SITE --out FOLDER`, and give that."
            )
        site = check_fits(dictionary, store)
        if site in found:
            raise UserError(
                f"two dictionaries of {site} were given; give one of each site."
            )
        found[site] = dictionary
    return found


def _rows(path: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    return pq.read_table(path).to_pylist()
