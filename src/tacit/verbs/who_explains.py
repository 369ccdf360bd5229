"""Who explains and who reads, by name: those without a model, and chat models of any provider."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar, final

from tacit.base.errors import UserError, unknown
from tacit.explanations.chat_explainer import ChatExplainer
from tacit.explanations.chat_reader import ChatReader
from tacit.explanations.explanation import Explainer, Explanation
from tacit.explanations.floors import RandomExplainer, UnigramExplainer
from tacit.explanations.labelled import LabelExplainer, LabelReader
from tacit.explanations.lexical import LexicalExplainer, LexicalReader
from tacit.explanations.logprob_reader import LogprobReader, ServedLogprobReader
from tacit.explanations.reader import Reader
from tacit.features.index import Index
from tacit.models.chat import ChatModel
from tacit.models.load import load_subject
from tacit.models.spending import Budget
from tacit.verbs.explain_settings import ChatSettings, SpendingSettings

SUBJECT = "subject"
"""Stands before the first slash of a reader that is a causal model in this process."""
PROVIDER = "PROVIDER/MODEL"
T = TypeVar("T")
W = TypeVar("W")


@final
@dataclass(frozen=True, kw_only=True)
class Means:
    """What explainers and readers are made from."""

    index: Index
    seed: int
    chat: ChatSettings
    spending: SpendingSettings
    budget: Budget
    exchanged: Callable[[], Sequence[Explanation]]
    """The explanations that ``random`` deals out anew."""


Maker = Callable[[Means], W]
EXPLAINERS: dict[str, tuple[str, Maker[Explainer]]] = {
    "lexical": (
        "patterns of tokens that tell where a feature is active; no model",
        lambda _: LexicalExplainer(),
    ),
    "label": (
        "known labels of the text that tell where a feature is active; no model",
        lambda means: LabelExplainer(means.index, seed=means.seed),
    ),
    "unigram": (
        "floor: the mean activation on each token, without context",
        lambda _: UnigramExplainer(),
    ),
    "random": (
        "floor: the explanation of another feature (--set exchanged=NAME; default lexical)",
        lambda means: RandomExplainer(means.exchanged(), means.seed),
    ),
}
READERS: dict[str, tuple[str, Maker[Reader]]] = {
    "lexical": ("goes by the patterns of lexical and unigram", lambda _: LexicalReader()),
    "label": ("goes by the labels of label", lambda means: LabelReader(means.index)),
}
READ_BY = {"lexical": "lexical", "unigram": "lexical", "label": "label"}
"""The reader of each explainer without a model, unless another is asked for."""
CHATS: dict[str, Callable[..., ChatModel]] = {}
"""Makers of chat models by provider, for providers that Inspect does not know: called as
``ChatModel`` is. The tests put a scripted one here."""


def is_chat(name: str) -> bool:
    """Return whether a name is that of a model, PROVIDER/MODEL."""
    return "/" in name


def explainer_named(name: str, means: Means) -> Explainer:
    """Return an explainer by its name.

    Raises:
        UserError: for a name that is not known, a chat model that cannot be made, what an
            explainer needs and the run lacks, and limits that nothing would heed.
    """
    if is_chat(name):
        return ChatExplainer(
            _chat(name, means),
            prompts=means.chat.prompts,
            temperature=means.chat.temperature,
        )
    _check_unspent(name, means)
    return _look_up(EXPLAINERS, name, "explainer")(means)


def reader_named(name: str, means: Means) -> Reader:
    """Return a reader by its name, as ``explainer_named`` does."""
    provider, slash, model = name.partition("/")
    if slash and provider != SUBJECT:
        chat = _chat(name, means)
        if means.chat.read == "probabilities":
            return ServedLogprobReader(chat)
        return ChatReader(
            chat, prompts=means.chat.prompts, temperature=means.chat.temperature
        )
    _check_unspent(name, means)
    if slash:
        return LogprobReader(load_subject(model))
    return _look_up(READERS, name, "reader")(means)


def reader_for(explainer: str, exchanged: str | None) -> str:
    """Return the name of the reader that goes with an explainer: of its own kind.

    ``exchanged``: the explainer whose explanations ``random`` deals out; None for others.
    """
    explainer = exchanged or explainer
    if is_chat(explainer):
        return explainer
    if explainer not in READ_BY:
        raise UserError(
            f"explanations by {explainer} have no reader of their own; name one with --reader "
            "(`tacit list readers`)."
        )
    return READ_BY[explainer]


def chat_configuration(name: str, chat: ChatSettings) -> dict[str, object]:
    """Return what decides the answers of a name: of a chat model its prompts too."""
    is_asked = is_chat(name) and not name.startswith(f"{SUBJECT}/")
    return {"name": name, **(chat.model_dump() if is_asked else {})}


async def then_closed(work: Awaitable[T], *askers: Explainer | Reader) -> T:
    """Return what ``work`` gives, the connections of chat models behind the askers closed."""
    try:
        return await work
    finally:
        for each in askers:
            if isinstance(each, ChatExplainer | ChatReader | ServedLogprobReader):
                await each.chat.close()


def _look_up(table: Mapping[str, tuple[str, Maker[W]]], name: str, kind: str) -> Maker[W]:
    if name not in table:
        raise unknown(kind, name, [*table, PROVIDER])
    return table[name][1]


def _chat(name: str, means: Means) -> ChatModel:
    make = CHATS.get(name.partition("/")[0], ChatModel)
    return make(
        name=name,
        prices=means.spending.prices(),
        budget=means.budget,
        max_connections=means.spending.at_once,
        base_url=means.spending.base_url,
    )


def _check_unspent(name: str, means: Means) -> None:
    given = means.spending.of_chat_alone()
    if given:
        options = ", ".join(f"--{each.replace('_', '-')}" for each in given)
        raise UserError(
            f"{options} was given, and {name} asks no chat model, so nothing is spent; leave it "
            "out."
        )
