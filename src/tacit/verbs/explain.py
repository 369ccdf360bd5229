"""``tacit explain``: what features mean, said by an explainer, a record a feature."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, final

from tacit.base.errors import UserError
from tacit.base.manifest import describe
from tacit.base.progress import Progress, silent
from tacit.base.records import Gap
from tacit.base.seeds import stream
from tacit.base.waiting import run_to_end
from tacit.explanations.exhibits import Exhibits, Protocol, exhibits_of
from tacit.explanations.explainable import explainable
from tacit.explanations.explanation import Explainer, Explanation
from tacit.explanations.fragments import Fragments, fragments_of
from tacit.explanations.ledger import Ledger
from tacit.explanations.working import Worked, explain_all
from tacit.features.explained import EXPLAINED
from tacit.models.spending import Budget, Usage
from tacit.verbs.explain_settings import ExplainSettings
from tacit.verbs.explained_run import (
    LEDGER,
    Explanations,
    Learned,
    explanations_in,
    feature_of,
    file_name,
    growing_folder,
    kind_of,
    learned_run,
    said_in,
    write_explained,
)
from tacit.verbs.who_explains import Means, chat_configuration, explainer_named, then_closed

TOO_RARE = "too few fragments"
"""Kind of a gap where a feature is active in too little text."""


@final
@dataclass(frozen=True, kw_only=True)
class Shown:
    """The text of a run as explainers and scorers see it."""

    run: Learned
    protocol: Protocol
    seed: int

    @cached_property
    def fragments(self) -> Fragments:
        """The run's text in fragments."""
        return fragments_of(self.run.index, tokens=self.protocol.fragment_tokens)

    def exhibits(self, feature: int) -> Exhibits | Gap:
        """Return the fragments of a feature, or why it is left out."""
        fired = self.fragments.firings(self.run.index, feature)
        found = exhibits_of(self.fragments, fired, feature, self.protocol, self.seed)
        if isinstance(found, Gap):
            return replace(found, of={**found.of, "kind": TOO_RARE})
        return found

    @cached_property
    def explainable(self) -> list[int]:
        """Features with enough text to be explained and scored."""
        return explainable(self.run.index, self.fragments, self.protocol)


@final
@dataclass(frozen=True, kw_only=True)
class ExplainRun:
    """What a call of ``explain`` came to, and all that its folder holds by now."""

    explanations: Explanations
    asked: tuple[int, ...]
    """Features of this call."""
    num_explainable: int | None
    """Features that can be explained; None where the caller named features."""
    worked: Worked
    spent: Usage
    """By this call."""

    @property
    def folder(self) -> Path:
        """``RUN/explanations/NAME``."""
        return self.explanations.folder

    @property
    def num_explained(self) -> int:
        """Features of this call that have an explanation."""
        asked = set(self.asked)
        return sum(each.feature in asked for each in self.explanations.explained)

    @property
    def gaps(self) -> Counter[str]:
        """Features of this call that have none, by kind."""
        asked = set(self.asked)
        gaps = [each for each in self.explanations.said if isinstance(each, Gap)]
        return Counter(kind_of(each) for each in gaps if feature_of(each) in asked)


def explain(
    run: str | Path,
    settings: ExplainSettings | None = None,
    *,
    features: Sequence[int] | None = None,
    again: bool = False,
    passed: Sequence[str] = (),
    progress: Progress = silent,
) -> ExplainRun:
    """Explain features of a run of ``tacit learn`` that its folder has no explanation of yet.

    ``features``: None draws ``settings.num`` of those that can be explained. ``again``: ask once
    more for those that ended in a gap. A call that was stopped goes on where it was.

    Raises:
        UserError: for a run that is none, an explainer that cannot be had, a folder begun with
            another configuration, and features that the dictionary lacks.
    """
    settings = settings or ExplainSettings()
    learned = learned_run(run)
    budget = settings.spending.budget()
    shown = Shown(run=learned, protocol=settings.protocol.protocol(), seed=settings.seed)
    explainer = explainer_named(settings.explainer, _means(learned, settings, budget))
    asked = _asked(shown, settings, features)
    folder = learned.folder / EXPLAINED / file_name(settings.name or settings.explainer)
    manifest = _manifest(learned, explainer, settings, passed)
    otherwise = "Work under another --name."
    with growing_folder(folder, manifest, LEDGER, otherwise):
        ledger = Ledger(folder / LEDGER)
        try:
            work = explain_all(
                asked,
                shown.exhibits,
                explainer,
                ledger,
                at_once=settings.spending.at_once,
                budget=budget,
                again=again,
                progress=progress,
            )
            worked = run_to_end(then_closed(work, explainer))
        finally:
            if ledger.records:
                write_explained(folder, said_in(ledger.records))
    return ExplainRun(
        explanations=explanations_in(learned, folder.name),
        asked=tuple(asked),
        num_explainable=len(shown.explainable) if features is None else None,
        worked=worked,
        spent=budget.spent,
    )


def _means(learned: Learned, settings: ExplainSettings, budget: Budget) -> Means:
    def exchanged() -> list[Explanation]:
        return explanations_in(learned, settings.exchanged).explained

    return Means(
        index=learned.index,
        seed=settings.seed,
        chat=settings.chat,
        spending=settings.spending,
        budget=budget,
        exchanged=exchanged,
    )


def _asked(
    shown: Shown, settings: ExplainSettings, features: Sequence[int] | None
) -> list[int]:
    """Return the features to explain, in rising order; a larger sample holds a smaller one."""
    num_atoms = shown.run.index.num_atoms
    if features is None:
        order = stream(settings.seed, "explanations/features").permutation(num_atoms)
        can_be = set(shown.explainable)
        return sorted([int(each) for each in order if each in can_be][: settings.num])
    wrong = [each for each in features if not 0 <= each < num_atoms]
    if wrong or not features:
        raise UserError(
            f"feature {wrong[0]} was asked for, and the dictionary has features 0 to "
            f"{num_atoms - 1}."
            if wrong
            else "no feature was asked for; name some, or leave --features out."
        )
    return sorted(set(features))


def _manifest(
    learned: Learned, explainer: Explainer, settings: ExplainSettings, passed: Sequence[str]
) -> dict[str, Any]:
    """Return the manifest; its configuration is what decides the words of an explanation."""
    configuration = {
        "explainer": chat_configuration(settings.explainer, settings.chat),
        "version": explainer.version,
        "protocol": settings.protocol.model_dump(),
        "seed": settings.seed,
        "dictionary": learned.dictionary,
        "exchanged": settings.exchanged if settings.explainer == "random" else None,
    }
    return describe(
        "explanations",
        configuration,
        passed=passed,
        seed=settings.seed,
        parents=[learned.folder],
    )
