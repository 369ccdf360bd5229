"""``tacit graph``: through which features a prompt leads to its next token, as a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from tacit.base.configuration import Configuration
from tacit.base.folders import MANIFEST, is_complete, whole_folder
from tacit.base.manifest import describe
from tacit.base.pages import write_pages
from tacit.base.progress import Progress, silent
from tacit.base.records import Record, read_records, write_records
from tacit.dictionaries.dictionary import Dictionary
from tacit.dictionaries.foreign import open_dictionary
from tacit.features.build import identity_of
from tacit.interventions.explained_logits import MOST_LOGITS
from tacit.interventions.graphs import attribution_graph
from tacit.models.load import load_subject
from tacit.models.load_settings import LoadSettings
from tacit.models.subject import Subject
from tacit.reports import render_report
from tacit.verbs.explained_prompt import explained_prompt
from tacit.verbs.graph_story import COUNTS, EDGES, NODES, pages_of
from tacit.verbs.graph_tables import Graphed


class GraphSettings(Configuration):
    """All of ``tacit graph`` beside the prompt, the model and its transcoders."""

    load: LoadSettings = LoadSettings()
    answer: str | None = None
    """The token whose logit is explained; None: those of the likeliest."""
    other: str | None = None
    """The token whose logit is taken off the answer's; None: the mean over the vocabulary is."""
    top: int | None = Field(default=None, ge=1, le=MOST_LOGITS)
    """Without an answer: likeliest tokens that are explained, at most; None: 3."""
    max_features: int | None = Field(default=2_000, ge=1)
    """Features that become nodes, at most; the others count with their MLP's error."""
    node_share: float = Field(default=0.8, gt=0, le=1)
    edge_share: float = Field(default=0.98, gt=0, le=1)
    """Shares of the influence that the nodes, then the edges, carry that pruning leaves."""


@dataclass(frozen=True)
class GraphRun:
    """A finished graph."""

    folder: Path
    records: tuple[Record, ...]

    @property
    def report(self) -> Path:
        """The page to open in a browser."""
        return self.folder / "report.html"

    @property
    def nodes(self) -> list[dict[str, Any]]:
        """The nodes that pruning left, the most influential first."""
        return _rows(self.folder / NODES)

    @property
    def edges(self) -> list[dict[str, Any]]:
        """The edges that pruning left, those that carry most first."""
        return _rows(self.folder / EDGES)

    @property
    def counts(self) -> list[dict[str, Any]]:
        """How much of each kind was folded, pruned, kept and drawn."""
        return _rows(self.folder / COUNTS)


def graph(
    prompt: str,
    model: str,
    transcoders: Sequence[str | Path],
    out: str | Path,
    *,
    settings: GraphSettings | None = None,
    passed: Sequence[str] = (),
    replace: bool = False,
    progress: Progress = silent,
) -> GraphRun:
    """Return the run in ``out``: the attribution graph of ``prompt``, pruned and drawn.

    ``transcoders``: folders of at most one for each MLP, in any order. A finished run of the same
    settings is returned as it is.
    """
    settings = settings or GraphSettings()
    opened = [open_dictionary(each) for each in transcoders]
    subject = load_subject(model, load=settings.load)
    configuration = {
        "settings": settings.model_dump(mode="json"),
        "prompt": prompt,
        "subject_digest": subject.digest,
        "transcoders": sorted(f"{_reading(one)}: {identity_of(one)}" for one in opened),
    }
    parents = [Path(each) for each in transcoders if (Path(each) / MANIFEST).exists()]
    # Nothing is drawn at random.
    manifest = describe("graph", configuration, passed=passed, seed=0, parents=parents)
    folder = Path(out)
    if replace or not is_complete(folder, manifest):
        with whole_folder(folder, manifest, replace=replace) as partial:
            found = _graphed(subject, prompt, opened, settings, progress)
            records = found.whole.records(of=", ".join(found.prompt.words))
            write_records(partial / "results.json", records)
            write_pages(partial / "artifacts" / "pages.json", pages_of(found, partial))
            render_report(partial)
    elif not (folder / "report.html").exists():
        render_report(folder)
    return GraphRun(folder, tuple(read_records(folder / "results.json")))


def _graphed(
    subject: Subject,
    prompt: str,
    transcoders: Sequence[Dictionary],
    settings: GraphSettings,
    progress: Progress,
) -> Graphed:
    explained = explained_prompt(
        subject,
        prompt,
        transcoders,
        answer=settings.answer,
        other=settings.other,
        top=settings.top,
    )
    whole = attribution_graph(
        subject,
        explained.ids,
        transcoders,
        logits=explained.logits,
        max_features=settings.max_features,
        progress=progress,
    )
    shares = {"node_share": settings.node_share, "edge_share": settings.edge_share}
    return Graphed(
        subject=subject.name,
        prompt=explained,
        whole=whole,
        pruned=whole.pruned(**shares),
        **shares,
    )


def _reading(dictionary: Dictionary) -> str:
    return f"{dictionary.contract.site} to {dictionary.contract.target}"


def _rows(path: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    return pq.read_table(path).to_pylist()
