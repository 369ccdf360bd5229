"""Tacit finds what a neural network knows but does not say.

``import tacit`` is light: each name below is imported from its room when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tacit.activations.harvest import HarvestSettings, harvest
    from tacit.activations.store import Store, open_store
    from tacit.activations.streaming import Stream, rows_for
    from tacit.base.errors import UserError
    from tacit.base.progress import for_terminal
    from tacit.base.records import Claim, Gap, Result
    from tacit.data.documents import Corpus, Document
    from tacit.data.text import load_text
    from tacit.data.worlds import SuperposedWorld
    from tacit.dictionaries import (
        ICA,
        METHODS,
        NMF,
        PCA,
        SUPERVISED,
        Code,
        Dictionary,
        DifferenceOfMeans,
        InputContract,
        LabelledRows,
        LogisticProbes,
        NeuronBasis,
        OrthonormalBasis,
        RandomDirections,
        ReluL1,
        RowBlocks,
        TopK,
        fit,
        load_dictionary,
        save_dictionary,
    )
    from tacit.features.build import build_index
    from tacit.features.explained import explanations_of
    from tacit.features.index import Index, open_index
    from tacit.metrics.catalogue import METRICS
    from tacit.models import Subject, load_subject, sample
    from tacit.models.load_settings import LoadSettings
    from tacit.reports import render_report
    from tacit.studies.runner import StudyRun, run_study
    from tacit.verbs.board import BoardRun, board
    from tacit.verbs.compare import CompareRun, compare
    from tacit.verbs.explain import ExplainRun
    from tacit.verbs.explain_settings import ExplainSettings, ScoreSettings
    from tacit.verbs.learn import LearnRun
    from tacit.verbs.measure import MeasureRun
    from tacit.verbs.quick import explain, learn, measure, score
    from tacit.verbs.score import ScoreRun
    from tacit.verbs.settings import (
        FitSettings,
        FrontierSettings,
        LearnSettings,
        MeasureSettings,
        TextSettings,
    )

__version__ = "0.1.0"

__all__ = [
    "ICA",
    "METHODS",
    "METRICS",
    "NMF",
    "PCA",
    "SUPERVISED",
    "BoardRun",
    "Claim",
    "Code",
    "CompareRun",
    "Corpus",
    "Dictionary",
    "DifferenceOfMeans",
    "Document",
    "ExplainRun",
    "ExplainSettings",
    "FitSettings",
    "FrontierSettings",
    "Gap",
    "HarvestSettings",
    "Index",
    "InputContract",
    "LabelledRows",
    "LearnRun",
    "LearnSettings",
    "LoadSettings",
    "LogisticProbes",
    "MeasureRun",
    "MeasureSettings",
    "NeuronBasis",
    "OrthonormalBasis",
    "RandomDirections",
    "ReluL1",
    "Result",
    "RowBlocks",
    "ScoreRun",
    "ScoreSettings",
    "Store",
    "Stream",
    "Subject",
    "SuperposedWorld",
    "StudyRun",
    "TextSettings",
    "TopK",
    "UserError",
    "board",
    "build_index",
    "compare",
    "explain",
    "explanations_of",
    "fit",
    "for_terminal",
    "harvest",
    "learn",
    "load_dictionary",
    "load_subject",
    "load_text",
    "measure",
    "open_index",
    "open_store",
    "render_report",
    "rows_for",
    "sample",
    "run_study",
    "save_dictionary",
    "score",
]

_ROOMS = {
    "activations.harvest": ("HarvestSettings", "harvest"),
    "activations.store": ("Store", "open_store"),
    "activations.streaming": ("Stream", "rows_for"),
    "base.errors": ("UserError",),
    "base.progress": ("for_terminal",),
    "base.records": ("Claim", "Gap", "Result"),
    "data.documents": ("Corpus", "Document"),
    "data.text": ("load_text",),
    "data.worlds": ("SuperposedWorld",),
    "dictionaries": (
        "ICA",
        "METHODS",
        "NMF",
        "PCA",
        "SUPERVISED",
        "Code",
        "Dictionary",
        "DifferenceOfMeans",
        "InputContract",
        "LabelledRows",
        "LogisticProbes",
        "NeuronBasis",
        "OrthonormalBasis",
        "RandomDirections",
        "ReluL1",
        "RowBlocks",
        "TopK",
        "fit",
        "load_dictionary",
        "save_dictionary",
    ),
    "features.build": ("build_index",),
    "features.explained": ("explanations_of",),
    "features.index": ("Index", "open_index"),
    "metrics.catalogue": ("METRICS",),
    "models": ("Subject", "load_subject", "sample"),
    "models.load_settings": ("LoadSettings",),
    "reports": ("render_report",),
    "studies.runner": ("StudyRun", "run_study"),
    "verbs.board": ("BoardRun", "board"),
    "verbs.compare": ("CompareRun", "compare"),
    "verbs.explain": ("ExplainRun",),
    "verbs.explain_settings": ("ExplainSettings", "ScoreSettings"),
    "verbs.learn": ("LearnRun",),
    "verbs.measure": ("MeasureRun",),
    "verbs.quick": ("explain", "learn", "measure", "score"),
    "verbs.score": ("ScoreRun",),
    "verbs.settings": (
        "FitSettings",
        "FrontierSettings",
        "LearnSettings",
        "MeasureSettings",
        "TextSettings",
    ),
}
"""Where each name lives, for the running program as ``TYPE_CHECKING`` is for type checkers."""


def __getattr__(name: str) -> Any:
    for room, names in _ROOMS.items():
        if name in names:
            found = getattr(import_module(f"tacit.{room}"), name)
            globals()[name] = found
            return found
    from tacit.base.errors import unknown

    raise AttributeError(f"tacit: {unknown('name', name, __all__)}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
