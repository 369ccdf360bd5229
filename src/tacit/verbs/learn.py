"""``tacit learn``: from a model and text to a folder that says which features the model uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tacit.activations.store import Store, open_store
from tacit.base.folders import is_complete, whole_folder
from tacit.base.manifest import describe
from tacit.base.pages import write_pages
from tacit.base.progress import Progress, silent
from tacit.base.records import Gap, Record, Result, read_records, write_records
from tacit.data.documents import Corpus
from tacit.data.text import load_text
from tacit.dictionaries.dictionary import Dictionary
from tacit.features.agreement import LabelAgreement
from tacit.features.build import build_index
from tacit.features.index import Index, open_index
from tacit.models.load import load_subject
from tacit.models.subject import Subject
from tacit.reports import render_report
from tacit.verbs.agree import agreement_of, agreement_records
from tacit.verbs.cards import choose, promoted_tokens, unpromoted, write_cards
from tacit.verbs.figures import figures
from tacit.verbs.fit import fit_store, harvested, steps_of
from tacit.verbs.frontier import endings, in_words, left_out
from tacit.verbs.members import MAIN, Member, frontier_members, main_member
from tacit.verbs.settings import LearnSettings
from tacit.verbs.source import Source
from tacit.verbs.story import Findings, pages_of
from tacit.verbs.supervised import Made, supervised_members
from tacit.verbs.units import write_units


@dataclass(frozen=True)
class LearnRun:
    """A finished learn run."""

    folder: Path
    records: tuple[Record, ...]

    @property
    def report(self) -> Path:
        """The page to open in a browser."""
        return self.folder / "report.html"

    @property
    def store(self) -> Store:
        """The harvested activations."""
        return open_store(self.folder / "store")

    @property
    def index(self) -> Index:
        """The index of the main dictionary's features."""
        return open_index(self.folder / "index")

    @property
    def headlines(self) -> list[Result | Gap]:
        """The five numbers of the main dictionary that a reader wants first."""
        main = main_coordinates(self.folder)
        wanted = {
            "fvu": {**main, "positions": "usable"},
            "l0": {**main, "positions": "usable"},
            "loss_recovered": main,
            "dead_share": main,
            "f1": {"of": "best features"},
        }
        found: list[Result | Gap] = []
        for name, of in wanted.items():
            for record in self.records:
                if (
                    isinstance(record, Result | Gap)
                    and record.name == name
                    and of.items() <= record.of.items()
                ):
                    found.append(record)
                    break
        return found


def main_coordinates(folder: Path) -> dict[str, str | int | float]:
    """Return the coordinates of a learn run's main dictionary."""
    from tacit.base.folders import read_manifest

    settings = LearnSettings(**read_manifest(folder)["configuration"]["settings"])
    width = open_store(folder / "store").width(settings.site)
    return dict(main_member(settings.fit, width, settings.seed).of)


def learn(
    settings: LearnSettings,
    out: Path,
    *,
    passed: Sequence[str] = (),
    replace: bool = False,
    progress: Progress = silent,
) -> LearnRun:
    """Return the run in ``out``: store, dictionaries, figures, index and report.

    A finished run with the same settings is returned as it is; one that was stopped goes on
    from where it was.
    """
    subject = load_subject(settings.model, load=settings.load)
    width = subject.width(settings.site)
    corpus = load_text(settings.text.source)
    configuration = {
        "settings": settings.model_dump(mode="json"),
        "subject_digest": subject.digest,
        "text_digest": corpus.digest(),
    }
    members = {MAIN: main_member(settings.fit, width, settings.seed)}
    gaps: list[Gap] = []
    if settings.frontier is not None:
        beside, gaps = frontier_members(
            settings.fit, settings.frontier, width, settings.seed
        )
        members |= beside
    manifest = describe("learn", configuration, passed=passed, seed=settings.seed)
    if replace or not is_complete(out, manifest):
        with whole_folder(out, manifest, replace=replace) as partial:
            _fill(partial, settings, subject, corpus, members, gaps, progress)
    elif not (out / "report.html").exists():
        render_report(out)
    return LearnRun(out, tuple(read_records(out / "results.json")))


def _fill(
    partial: Path,
    settings: LearnSettings,
    subject: Subject,
    corpus: Corpus,
    members: dict[str, Member],
    gaps: Sequence[Gap],
    progress: Progress,
) -> None:
    store = harvested(partial, settings.site, settings.text, subject, corpus, progress)
    source = Source(stores=[store], sites=[settings.site])
    dictionaries = fit_store(
        source,
        members,
        settings.fit,
        partial / "dictionaries",
        seed=settings.seed,
        progress=progress,
    )
    index = _index(partial, dictionaries[MAIN], store, progress)
    measured: dict[str, Made] = {
        name: (dictionaries[name], member.of) for name, member in members.items()
    } | supervised_members(store, settings, partial / "dictionaries")
    found = figures(subject, store, measured, settings, progress)
    write_units(partial / "artifacts", measured, found)
    records = [*found.records, *gaps]
    told = agreement_of(index, store, settings)
    agreement = None if isinstance(told, Gap) else told
    records += [told] if isinstance(told, Gap) else agreement_records(told, settings.seed)
    write_records(partial / "results.json", records)
    findings = Findings(
        settings=settings,
        store=store,
        index=index,
        records=records,
        agreement=agreement,
        main=members[MAIN].of,
        main_name=in_words(members[MAIN].of),
        ended=endings(each for each, _ in measured.values()) + left_out(gaps),
        num_steps=steps_of(settings.fit, source),
        cards=_cards(partial, settings, subject, dictionaries[MAIN], index, agreement),
        unpromoted=unpromoted(subject, settings.site),
    )
    write_pages(
        partial / "artifacts" / "pages.json", pages_of(findings, partial / "artifacts")
    )
    render_report(partial)


def _cards(
    partial: Path,
    settings: LearnSettings,
    subject: Subject,
    main: Dictionary,
    index: Index,
    agreement: LabelAgreement | None,
) -> tuple[str, str]:
    """Choose the features that are shown and write their tables."""
    agreements = agreement.by_feature if agreement else ()
    shown = choose(index, agreements, settings.shown_features, settings.seed)
    features = [each.feature for each in shown]
    return write_cards(
        index,
        shown,
        {each.feature: each for each in agreements},
        promoted_tokens(subject, main, features, index.vocabulary),
        partial / "artifacts",
        seed=settings.seed,
    )


def _index(partial: Path, main: Dictionary, store: Store, progress: Progress) -> Index:
    folder = partial / "index"
    if folder.exists():
        return open_index(folder)
    return build_index(main, store, folder, progress=progress)
