"""Who explains and who reads: without a model, or a chat model of any provider within a budget."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import final

from tacit.base.records import Gap
from tacit.explanations.chat_explainer import ChatExplainer
from tacit.explanations.chat_reader import ChatReader
from tacit.explanations.explanation import Explainer, Explanation
from tacit.explanations.ledger import Ledger
from tacit.explanations.ledger_records import explanation_of, scores_of
from tacit.explanations.lexical import LexicalExplainer, LexicalReader
from tacit.explanations.reader import Reader
from tacit.explanations.scorer import usage_of
from tacit.models.chat import ChatModel
from tacit.models.spending import Budget, Prices, Usage
from tacit.studies.autointerpretation.settings import LEXICAL, AutointerpretationSettings


@final
@dataclass(frozen=True, kw_only=True)
class Instruments:
    """What every feature of a run is explained and read by."""

    explainer: Explainer
    reader: Reader
    budget: Budget | None
    """What chat models may still spend; None where none is asked."""


def instruments_of(settings: AutointerpretationSettings, partial: Path) -> Instruments:
    """Return explainer and reader; what an earlier part of the run spent counts."""
    if not settings.asks:
        return Instruments(
            explainer=LexicalExplainer(), reader=LexicalReader(), budget=None
        )
    budget = Budget(max_cost=settings.most_dollars, max_tokens=settings.most_tokens)
    for usage in _spent(partial / "ledgers"):
        budget.add(usage)
    names = {settings.explainer, settings.reader_name} - {LEXICAL}
    chats = {name: chat_of(settings, name, budget) for name in sorted(names)}
    explainer = chats.get(settings.explainer)
    return Instruments(
        explainer=LexicalExplainer() if explainer is None else ChatExplainer(explainer),
        reader=ChatReader(chats[settings.reader_name]),
        budget=budget,
    )


def chat_of(settings: AutointerpretationSettings, name: str, budget: Budget) -> ChatModel:
    """Return a chat model that spends from the run's budget."""
    prices = None
    if settings.prices is not None:
        prices = Prices(input=settings.prices[0], output=settings.prices[1])
    return ChatModel(name=name, prices=prices, budget=budget)


def _spent(folder: Path) -> Iterable[Usage]:
    """Yield what each record of the run's ledgers cost."""
    for path in sorted(folder.glob("*.jsonl")):
        for key, record in Ledger(path).records.items():
            if key.startswith("score/"):
                scores = scores_of(record)
                yield from () if isinstance(scores, Gap) else map(usage_of, scores)
            else:
                said = explanation_of(record)
                yield said.usage if isinstance(said, Explanation) else _of_gap(said)


def _of_gap(gap: Gap) -> Usage:
    """Return what an answer cost that could not be read."""
    dollars = gap.of.get("dollars", None if "input_tokens" in gap.of else 0.0)
    return Usage(
        input_tokens=int(gap.of.get("input_tokens", 0)),
        output_tokens=int(gap.of.get("output_tokens", 0)),
        dollars=None if dollars is None else float(dollars),
    )
