"""``tacit show FEATURE --effects``: one feature as a case, beside a neuron and random weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tacit.activations.store import store_identity
from tacit.activations.windows import windows_in
from tacit.base.errors import UserError
from tacit.base.folders import is_complete, whole_folder
from tacit.base.manifest import describe
from tacit.base.pages import write_pages
from tacit.base.progress import Progress, silent
from tacit.base.records import Gap, Result, read_records, write_records
from tacit.features.build import identity_of
from tacit.interventions.edits import check_feature
from tacit.models.subject import Subject
from tacit.reports import render_report
from tacit.verbs.cards import write_table
from tacit.verbs.effects_story import Told, pages_of
from tacit.verbs.feature_figures import Arm, look_at, missing_arm
from tacit.verbs.feature_rivals import (
    CONTROL_ROWS,
    CONTROL_STEPS,
    FEATURE,
    RANDOM,
    Candidate,
    nearest_neuron,
    own_tokens,
    untrained_match,
)
from tacit.verbs.feature_tables import TABLES, Setting
from tacit.verbs.studied_feature import Studied

ARMS = "artifacts/arms.parquet"
WINDOWS = 100
"""Held-out windows that are looked at unless another number is given."""


@dataclass(frozen=True)
class FeatureCase:
    """A finished case: the feature first, then what it is compared with."""

    folder: Path
    arms: tuple[Arm, ...]

    @property
    def report(self) -> Path:
        """The page to open in a browser."""
        return self.folder / "report.html"


def effects_of_feature(
    studied: Studied,
    feature: int,
    *,
    out: Path | None = None,
    windows: int = WINDOWS,
    control: bool = True,
    replace: bool = False,
    progress: Progress = silent,
) -> FeatureCase:
    """Return the case of one feature in ``out``: its tokens, what ablating it does, its logits.

    Everything is read on at most ``windows`` windows of held-out text, for the feature, the neuron
    nearest to it and, with ``control``, its like in a dictionary of random weights. A finished
    case with the same settings is returned as it is.

    Raises:
        UserError: for a feature that is not there, a transcoder's, and a model that is not the
            one of the store.
    """
    check_feature(studied.dictionary, feature)
    if windows < 1:
        raise UserError(f"{windows} windows were asked for; give at least 1.")
    folder = out or studied.home / f"feature-{feature}"
    manifest = _manifest(studied, feature, windows, control=control)
    if replace or not is_complete(folder, manifest):
        subject = studied.subject()
        with whole_folder(folder, manifest, replace=replace) as partial:
            told = _told(studied, subject, feature, windows, control, progress)
            _write(partial, told)
            render_report(partial)
    elif not (folder / "report.html").exists():
        render_report(folder)
    return FeatureCase(folder, read_arms(folder))


def _manifest(
    studied: Studied, feature: int, windows: int, *, control: bool
) -> dict[str, Any]:
    limits = {"rows": CONTROL_ROWS, "steps": CONTROL_STEPS} if control else None
    configuration = {
        "feature": feature,
        "site": studied.site,
        "windows": windows,
        "control": limits,
        "dictionary": identity_of(studied.dictionary),
        "store": store_identity(studied.store),
        "subject_digest": studied.store.manifest["configuration"]["subject_digest"],
    }
    given = {"feature": True, "windows": windows != WINDOWS, "control": not control}
    return describe(
        "feature",
        configuration,
        passed=[name for name, was_given in given.items() if was_given],
        seed=studied.seed,
        parents=studied.parents,
    )


def _told(
    studied: Studied,
    subject: Subject,
    feature: int,
    num_windows: int,
    control: bool,
    progress: Progress,
) -> Told:
    """Choose what the feature is compared with, and look at all of it on the same windows."""
    setting = Setting(
        site=studied.site,
        windows=windows_in(
            studied.store, studied.site, held_out=True, max_windows=num_windows
        ),
        vocabulary=studied.index.vocabulary,
        own=own_tokens(studied.index, feature),
        seed=studied.seed,
    )
    asked = Candidate(
        name=FEATURE,
        which=f"feature {feature}",
        chosen="the one that was asked for; its own tokens: "
        f"{', '.join(setting.named(setting.own)) or 'none'}",
        subject=subject,
        dictionary=studied.dictionary,
        feature=feature,
    )
    arms = [
        look_at(each, setting, progress=progress)
        for each in (asked, nearest_neuron(studied, subject, feature))
    ]
    if control:
        found = untrained_match(studied, subject, setting.own, progress=progress)
        arms.append(
            missing_arm(RANDOM, found)
            if isinstance(found, str)
            else look_at(found, setting, progress=progress)
        )
    return Told(
        subject=subject.name,
        feature=feature,
        dictionary=studied.dictionary,
        setting=setting,
        arms=arms,
    )


def _write(partial: Path, told: Told) -> None:
    """Write the records, the tables of every arm and the pages."""
    rows = []
    for number, arm in enumerate(told.arms):
        facts = ("name", "which", "chosen", "positions", "below_zero")
        rows.append({name: vars(arm)[name] for name in facts})
        for name in TABLES:
            write_table(
                partial / f"artifacts/{name}-{number}.parquet", arm.tables.get(name, [])
            )
    write_table(partial / ARMS, rows)
    write_records(
        partial / "results.json", [each for arm in told.arms for each in arm.records]
    )
    write_pages(partial / "artifacts/pages.json", pages_of(told, partial))


def read_arms(folder: Path) -> tuple[Arm, ...]:
    """Return the arms of a finished case."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    records = [
        each
        for each in read_records(folder / "results.json")
        if isinstance(each, Result | Gap)
    ]

    def rows_of(name: str) -> list[dict[str, Any]]:
        return pq.read_table(folder / name).to_pylist()

    try:
        return tuple(
            Arm(
                **facts,
                records=[each for each in records if each.of["arm"] == facts["name"]],
                tables={
                    name: rows_of(f"artifacts/{name}-{number}.parquet") for name in TABLES
                },
            )
            for number, facts in enumerate(rows_of(ARMS))
        )
    except (OSError, pa.ArrowInvalid) as error:
        raise UserError(
            f"{folder} is damaged ({error}); make it with --replace."
        ) from error
