"""Who scores, by name: what each scorer needs of a run, and what a run allows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import final

from tacit.base.errors import UserError, look_up
from tacit.base.records import Gap
from tacit.dictionaries.dictionary import Dictionary
from tacit.dictionaries.files import load_dictionary
from tacit.explanations.contrastive import Contrastive
from tacit.explanations.fragments import Firings
from tacit.explanations.intervening import Intervening
from tacit.explanations.label_scorer import LabelScorer
from tacit.explanations.neighbours import neighbours_of
from tacit.explanations.scorer import Scorer
from tacit.explanations.scorers import SCORERS
from tacit.verbs.explain import Shown
from tacit.verbs.members import MAIN
from tacit.verbs.studied_feature import studied

FIRINGS_KEPT = 512
"""Features whose firings are kept while neighbours are asked for over and over."""
METRIC_OF = {
    "simulation": "explanation_correlation",
    "detection": "detection_accuracy",
    "fuzzing": "fuzzing_accuracy",
    "contrastive": "contrastive_accuracy",
    "label": "f1",
    "intervention": "intervention_accuracy",
}
"""What each scorer's figures are in the catalogue of metrics, in the order of reports."""


@final
@dataclass(frozen=True, kw_only=True)
class Exam:
    """What scorers are made from."""

    shown: Shown
    explainer: str
    reader: str
    num_prefixes: int

    @cached_property
    def dictionary(self) -> Dictionary:
        """The dictionary that was indexed."""
        run = self.shown.run
        return load_dictionary(
            run.folder / "dictionaries" / MAIN / f"seed-{run.settings.seed}"
        )


def _contrastive(exam: Exam) -> Scorer:
    shown, index = exam.shown, exam.shown.run.index

    @lru_cache(FIRINGS_KEPT)
    def firings(feature: int) -> Firings:
        return shown.fragments.firings(index, feature)

    return Contrastive(
        shown.fragments,
        firings,
        neighbours_of(index, exam.dictionary),
        apart=shown.protocol.apart,
    )


def _label(exam: Exam) -> Scorer:
    if exam.explainer != "label":
        raise UserError(
            f"the scorer label reads the labels that an explanation names, and {exam.explainer} "
            "names none; score explanations of --explainer label by it."
        )
    return LabelScorer(exam.shown.run.index)


def _intervention(exam: Exam) -> Scorer:
    if exam.reader == "label":
        raise UserError(
            "the scorer intervention has text read that the subject writes, of which no label is "
            "known; give another --reader than label."
        )
    found = studied(exam.shown.run.folder)
    subject = found.subject()
    if subject.bos_id is None:
        raise UserError(
            f"the scorer intervention lets the subject write after BOS, and {subject.name} has "
            "none; leave it out."
        )
    return Intervening(subject, found.dictionary, [[subject.bos_id]] * exam.num_prefixes)


WAYS: dict[str, tuple[str, Callable[[Exam], Scorer]]] = {
    "simulation": (
        "correlation of predicted with true activations; chance 0",
        lambda _: SCORERS["simulation"](),
    ),
    "detection": (
        "is the feature active anywhere in this text? chance .5",
        lambda _: SCORERS["detection"](),
    ),
    "fuzzing": (
        "are the marked tokens those that activate it? chance .5",
        lambda _: SCORERS["fuzzing"](),
    ),
    "contrastive": (
        "detection among texts that activate the feature's neighbours; chance .5",
        _contrastive,
    ),
    "label": ("held-out F1 of the labels that an explanation names", _label),
    "intervention": (
        "which of two continuations was written under the feature? chance .5; loads the subject, "
        "asked for by name alone",
        _intervention,
    ),
}
"""Every scorer of ``tacit score``, with a phrase on what it is."""
UNASKED = tuple(name for name in WAYS if name != "intervention")


def scorers_named(names: Sequence[str], exam: Exam) -> tuple[list[Scorer], list[Gap]]:
    """Return the scorers of these names; of none, all that the run allows, and why not others.

    Raises:
        UserError: for a name that is not known, or of a scorer that the run does not allow.
    """
    if names:
        return [look_up(WAYS, each, "scorer")[1](exam) for each in dict.fromkeys(names)], []
    found: list[Scorer] = []
    left_out: list[Gap] = []
    for name in UNASKED:
        try:
            found.append(WAYS[name][1](exam))
        except UserError as error:
            if (
                name != "label"
            ):  # other explainers have no labels to read: nothing is missing
                of = {"scorer": name, "explainer": exam.explainer}
                left_out.append(Gap(name=METRIC_OF[name], reason=str(error), of=of))
    return found, left_out
