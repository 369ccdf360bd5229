"""``tacit sweep``: every method over its sparsities on one reading of a store, and one chosen."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tacit.activations.store import Store, open_store, store_identity
from tacit.base.files import write_atomically
from tacit.base.folders import is_complete, whole_folder
from tacit.base.manifest import describe
from tacit.base.pages import write_pages
from tacit.base.progress import Progress, silent
from tacit.base.records import Claim, Gap, Record, Result, read_records, write_records
from tacit.data.text import load_text
from tacit.dictionaries import Fitted, load_dictionary, save_dictionary
from tacit.dictionaries.dictionary import Dictionary
from tacit.models.load import load_subject
from tacit.models.subject import Subject
from tacit.reports import render_report
from tacit.verbs.choice import Tried, against_priced, choose, tried
from tacit.verbs.fidelity import fidelity
from tacit.verbs.fit import fit_seeds, harvested
from tacit.verbs.kept_loss import kept_loss
from tacit.verbs.members import Member
from tacit.verbs.source import Source
from tacit.verbs.sweep_members import swept_members
from tacit.verbs.sweep_settings import SweepSettings
from tacit.verbs.sweep_story import Swept, pages_of

CHOSEN = "chosen"


@dataclass(frozen=True)
class SweepRun:
    """A finished sweep."""

    folder: Path
    records: tuple[Record, ...]

    @property
    def report(self) -> Path:
        """The page to open in a browser."""
        return self.folder / "report.html"

    @property
    def chosen(self) -> Dictionary:
        """The dictionary that the rule chose, at the first seed."""
        return load_dictionary(self.folder / CHOSEN)

    @property
    def choice(self) -> dict[str, Any]:
        """Which setting was chosen, and why."""
        return json.loads((self.folder / "choice.json").read_text(encoding="utf-8"))


def sweep(
    settings: SweepSettings,
    out: Path,
    *,
    passed: Sequence[str] = (),
    replace: bool = False,
    progress: Progress = silent,
) -> SweepRun:
    """Return the sweep in ``out``: dictionaries, figures, the chosen one and the report.

    All members are fitted on one reading, in as many rounds as memory asks for. A finished sweep
    with the same settings is returned as it is; one that was stopped goes on from where it was.
    """
    seeds = settings.checked_seeds()
    subject = load_subject(settings.model, load=settings.load)
    width = subject.width(settings.site)
    members, gaps = swept_members(settings, width)
    if settings.store is None:
        of_text = {"text_digest": load_text(settings.text.source).digest()}
    else:
        of_text = {"store": store_identity(open_store(settings.store, verify=True))}
    configuration = {
        "settings": settings.model_dump(mode="json"),
        "subject_digest": subject.digest,
        **of_text,
    }
    manifest = describe("sweep", configuration, passed=passed, seed=seeds[0])
    if replace or not is_complete(out, manifest):
        with whole_folder(out, manifest, replace=replace) as partial:
            _fill(partial, settings, subject, members, gaps, progress)
    elif not (out / "report.html").exists():
        render_report(out)
    return SweepRun(out, tuple(read_records(out / "results.json")))


def _fill(
    partial: Path,
    settings: SweepSettings,
    subject: Subject,
    members: Mapping[str, Member],
    gaps: Sequence[Gap],
    progress: Progress,
) -> None:
    if settings.store is None:
        corpus = load_text(settings.text.source)
        store = harvested(partial, settings.site, settings.text, subject, corpus, progress)
    else:
        store = open_store(settings.store)
    fitted = fit_seeds(
        Source(stores=[store], sites=[settings.site]),
        members,
        settings.fit,
        partial / "dictionaries",
        settings.seeds,
        progress=progress,
    )
    records = _measured(partial, settings, subject, store, members, fitted, progress)
    found = tried(members, records)
    compared = against_priced(found, settings.seeds[0])
    best, reason = choose(found, settings.choice)
    _keep_chosen(partial, best, reason, fitted)
    write_records(partial / "results.json", [*records, *compared, *gaps])
    swept = Swept(
        settings=settings,
        store=store,
        found=found,
        compared=compared,
        fitted=fitted,
        best=best,
        reason=reason,
        gaps=gaps,
    )
    artifacts = partial / "artifacts"
    write_pages(artifacts / "pages.json", pages_of(swept, artifacts))
    render_report(partial)


def _measured(
    partial: Path,
    settings: SweepSettings,
    subject: Subject,
    store: Store,
    members: Mapping[str, Member],
    fitted: Sequence[Fitted],
    progress: Progress,
) -> list[Record]:
    """Return all figures; each setting's are kept as soon as they are there."""
    records: list[Record] = []
    shared: list[Record] = []

    def is_of_method(each: Record) -> bool:
        return not isinstance(each, Claim) and "method" in each.of

    with progress("figures", len(members), "settings") as advance:
        for name, member in members.items():
            path = partial / "figures" / f"{name}.json"
            earlier = path.exists()
            if not earlier:
                made = [each for each in fitted if each.name == name]
                found = _figures_of(settings, subject, store, member, made)
                write_records(path, found)
            own = read_records(path)
            # The losses without a dictionary are the same beside each.
            shared = shared or [each for each in own if not is_of_method(each)]
            records += [each for each in own if is_of_method(each)]
            advance(earlier=earlier)
    return shared + records


def _figures_of(
    settings: SweepSettings,
    subject: Subject,
    store: Store,
    member: Member,
    fitted: Sequence[Fitted],
) -> list[Record]:
    """Return one setting's figures at every seed."""
    seed = settings.seeds[0]
    records: list[Record] = []
    for each in fitted:
        of = {**member.of, "seed": each.seed}
        records += fidelity(each.dictionary, store, of, seed=seed).records
    kept = kept_loss(
        subject,
        store,
        {
            str(each.seed): (each.dictionary, {**member.of, "seed": each.seed})
            for each in fitted
        },
        seed=seed,
        max_windows=settings.loss_windows,
    )
    return records + kept.records


def _keep_chosen(partial: Path, best: Tried, reason: str, fitted: Sequence[Fitted]) -> None:
    """Write the chosen dictionary, of the first seed, and why it was chosen."""
    first = next(each for each in fitted if each.name == best.key)
    save_dictionary(first.dictionary, partial / CHOSEN)
    values = {
        name: best.mean(name)
        for name in ("fvu", "l0", "dead", "kept")
        if getattr(best, name)
    }
    told = {"setting": best.key, "of": dict(best.of), "because": reason, "means": values}
    write_atomically(partial / "choice.json", json.dumps(told, indent=1) + "\n")


def line_of(record: Record) -> str | None:
    """Return a comparison at equal L0 in words; None for any other record."""
    if not isinstance(record, Result) or record.of.get("at") != "equal l0":
        return None
    ends = record.interval
    within = "" if ends is None else f" ({ends[0]:+.4f} to {ends[1]:+.4f})"
    return (
        f"{record.of['method']}: FVU {record.value:+.4f}{within} against "
        f"{record.of['minus']} at equal L0, n = {record.n} seeds"
    )
