"""Where the explanations of a run of ``tacit learn`` stand, and how they are kept whole.

``RUN/explanations/NAME`` grows: its manifest says how all of it was made, its ledger holds a
record a feature, its table is the ledger as Parquet.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from tacit.base.errors import UserError, unknown
from tacit.base.files import disk_errors_explained, write_atomically, written_aside
from tacit.base.folders import MANIFEST, differences, exclusive_lock, read_manifest
from tacit.base.records import Gap
from tacit.explanations.explanation import Explanation
from tacit.explanations.ledger import read_ledger
from tacit.explanations.ledger_records import explanation_of
from tacit.features.explained import EXPLAINED, TABLE, explained_schema
from tacit.features.index import Index, open_index
from tacit.verbs.settings import LearnSettings

if TYPE_CHECKING:
    import pyarrow as pa

LEDGER = "explanations.jsonl"
UNANSWERED = "unanswered"
"""Kind of a gap where no answer came: nothing was paid, and nothing is worth keeping."""


@final
@dataclass(frozen=True)
class Learned:
    """A finished run of ``tacit learn``, as far as explanations need it."""

    folder: Path
    settings: LearnSettings

    @cached_property
    def index(self) -> Index:
        """The index of the run's dictionary."""
        return open_index(self.folder / "index")

    @property
    def dictionary(self) -> str:
        """Identity of the dictionary that was indexed."""
        return str(self.index.manifest["configuration"]["dictionary"])

    @property
    def names(self) -> list[str]:
        """Names of the explanations there are."""
        found = (self.folder / EXPLAINED).glob(f"*/{MANIFEST}")
        return sorted(path.parent.name for path in found)


def learned_run(run: str | Path) -> Learned:
    """Return the run in a folder.

    Raises:
        UserError: where there is none, or one of another command.
    """
    folder = Path(run)
    manifest = read_manifest(folder)
    if manifest["kind"] != "learn":
        raise UserError(
            f"{folder} holds a {manifest['kind']}, and features are explained of a run of `tacit "
            "learn`; give the folder of one."
        )
    return Learned(folder, LearnSettings(**manifest["configuration"]["settings"]))


def file_name(name: str) -> str:
    """Return a name of a folder for a name that may have slashes: ``openai--gpt-4o``."""
    return name.strip("/.").replace("/", "--")


@final
@dataclass(frozen=True)
class Explanations:
    """The explanations of one name."""

    folder: Path
    manifest: Mapping[str, Any]
    said: Sequence[Explanation | Gap]
    """By feature, gaps among them."""

    @property
    def configuration(self) -> Mapping[str, Any]:
        """How they were made."""
        return self.manifest["configuration"]

    @property
    def explained(self) -> list[Explanation]:
        """Those that are no gaps."""
        return [each for each in self.said if isinstance(each, Explanation)]


def explanations_in(run: Learned, name: str | None = None) -> Explanations:
    """Return the explanations of one name, or the only ones there are.

    Raises:
        UserError: where there are none, several to choose from, or those of another dictionary.
    """
    names = run.names
    if not names:
        raise UserError(
            f"{run.folder} has no explanations yet; make some with `tacit explain {run.folder}`."
        )
    if name is None and len(names) > 1:
        raise UserError(
            f"{run.folder} has explanations of {', '.join(names)}; say which with --explainer."
        )
    chosen = names[0] if name is None else file_name(name)
    if chosen not in names:
        raise unknown(f"set of explanations in {run.folder}", chosen, names)
    folder = run.folder / EXPLAINED / chosen
    manifest = read_manifest(folder)
    of = manifest["configuration"]["dictionary"]
    if of != run.dictionary:
        raise UserError(
            f"{folder} explains features of dictionary {of[:12]}, and {run.index.folder} is of "
            f"{run.dictionary[:12]}; explain this dictionary's features under another --name."
        )
    return Explanations(folder, manifest, said_in(read_ledger(folder / LEDGER)))


def said_in(records: Mapping[str, Mapping[str, Any]]) -> list[Explanation | Gap]:
    """Return what the records of a ledger say, by feature."""
    return sorted((explanation_of(each) for each in records.values()), key=feature_of)


def feature_of(said: Explanation | Gap) -> int:
    """Return the feature that an explanation, or the lack of one, is of."""
    return said.feature if isinstance(said, Explanation) else int(said.of["feature"])


def kind_of(gap: Gap) -> str:
    """Return why there is no explanation, as a kind that can be counted."""
    return str(gap.of.get("kind", "nothing found"))


@contextlib.contextmanager
def growing_folder(
    folder: Path, manifest: Mapping[str, Any], ledger: str, otherwise: str
) -> Generator[None, None, None]:
    """Hold a folder that several calls add to, new or begun with the same configuration.

    One without a record worth keeping is begun anew, and is removed again where the block fails.
    ``otherwise``: what to do where the configuration is another.
    """
    with disk_errors_explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with exclusive_lock(folder, instead="work under another --name"):
        if _is_worth_keeping(folder / ledger):
            _check_same(folder, manifest, otherwise)
        else:
            (folder / ledger).unlink(missing_ok=True)
            write_atomically(folder / MANIFEST, json.dumps(manifest, indent=1) + "\n")
        try:
            yield
        except BaseException:
            if not _is_worth_keeping(folder / ledger):
                _remove(folder)
            raise


def _is_worth_keeping(ledger: Path) -> bool:
    return any(
        each.get("kind") != "gap" or each["of"].get("kind") != UNANSWERED
        for each in read_ledger(ledger).values()
    )


def _remove(folder: Path) -> None:
    """Remove a folder, and the one that was made to hold it."""
    shutil.rmtree(folder)
    with contextlib.suppress(OSError):  # where it holds others
        folder.parent.rmdir()


def _check_same(folder: Path, manifest: Mapping[str, Any], otherwise: str) -> None:
    found, asked = read_manifest(folder), json.loads(json.dumps(manifest))
    wrong = differences(asked["configuration"], found["configuration"])
    if wrong:
        raise UserError(
            f"{folder} was begun with another configuration ({'; '.join(wrong[:6])}). "
            f"{otherwise}"
        )


def write_explained(folder: Path, said: Iterable[Explanation | Gap]) -> None:
    """Write the ledger as a table, a row a feature; those without an explanation say why."""
    write_rows(folder / TABLE, [_row(each) for each in said], explained_schema())


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> None:
    """Write rows of stated types as Parquet, whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with written_aside(path) as aside:
        pq.write_table(pa.Table.from_pylist([dict(row) for row in rows], schema), aside)


def _row(said: Explanation | Gap) -> dict[str, Any]:
    if isinstance(said, Gap):
        paid = ("input_tokens", "output_tokens", "dollars")
        return {
            "feature": feature_of(said),
            "gap": kind_of(said),
            "reason": said.reason,
            **{name: said.of.get(name, 0) for name in paid[:2]},
            "dollars": said.of.get("dollars"),
        }
    usage = said.usage
    return {
        "feature": said.feature,
        "explainer": said.explainer,
        "version": said.version,
        "text": said.text,
        "rule": json.dumps(dict(said.rule)),
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "dollars": usage.dollars,
    }
