"""Explanations by a chat model, which is shown the strongest fragments of a feature."""

from __future__ import annotations

from typing import final

from tacit.base.errors import look_up
from tacit.base.records import Gap
from tacit.explanations.answers import Said, read
from tacit.explanations.exhibits import Exhibits
from tacit.explanations.explanation import Explainer, Explanation
from tacit.explanations.prompts import PROMPTS
from tacit.models.chat import ChatModel, Reply
from tacit.models.spending import Usage

MAX_TOKENS = 1_000
"""An explanation takes some 30; models that reason first are to come to their end."""


@final
class ChatExplainer(Explainer):
    """Asks once a feature, after Bills et al. 2023, "Language models can explain neurons"."""

    def __init__(
        self,
        chat: ChatModel,
        *,
        prompts: str = "fragments-1",
        temperature: float | None = None,
        max_tokens: int = MAX_TOKENS,
    ) -> None:
        """Ask ``chat`` by the named set of prompts, at the provider's temperature by default."""
        self.chat = chat
        self.prompts = look_up(PROMPTS, prompts, "set of prompts")
        self.name = chat.name
        self.version = self.prompts.version
        self.temperature = temperature
        self.max_tokens = max_tokens

    async def explain(self, exhibits: Exhibits) -> Explanation | Gap:
        """Return what the model says; an answer that cannot be read is a gap, paid for or not."""
        reply = await self.chat.ask(
            self.prompts.explain(exhibits).text,
            max_tokens=self.max_tokens,
            temperature=self.temperature,
            schema=Said,
        )
        said = read(reply, Said)
        usage = reply.usage if isinstance(reply, Reply) else Usage()
        if isinstance(said, Gap):
            return _gap(said, exhibits.feature, usage)
        return Explanation(
            feature=exhibits.feature,
            dictionary=exhibits.dictionary,
            explainer=self.name,
            version=self.version,
            text=said.explanation,
            usage=usage,
        )


def _gap(gap: Gap, feature: int, usage: Usage) -> Gap:
    """Return the gap of a feature, with what the answer cost that could not be read."""
    paid = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
    priced = {} if usage.dollars is None else {"dollars": usage.dollars}
    return Gap(
        name="explanation",
        reason=gap.reason,
        of={**gap.of, "feature": feature, **paid, **priced},
    )
