"""A chat model that answers the prompts by rules and fails as often as it is told: for tests.

It sees what a chat model sees, the words of the prompt, and reaches Tacit as any other does,
through Inspect.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, final

import numpy as np
from jaxtyping import Bool

from tacit.base.records import Gap
from tacit.base.seeds import stream
from tacit.explanations.exhibits import SCALE, Excerpt, Exhibits
from tacit.explanations.explanation import Explainer, Explanation
from tacit.explanations.prompts_read import (
    excerpt_of,
    items,
    paired,
    piece_of,
    plain,
    sections,
    split_at_marks,
    with_levels,
)
from tacit.explanations.reader import Answer, Reader
from tacit.models.chat import ChatModel
from tacit.models.chat_errors import check_installed

Failure = Literal[
    "malformed", "miscounted", "truncated", "refusing", "slow", "rate_limited", "down"
]
RULE = " -- by the rule "
"""Stands in an explanation's text between its words and the rule that the reader goes by."""
_NAME = "scripted"


@final
@dataclass(frozen=True, kw_only=True)
class Failures:
    """Shares of prompts that fail, each in one way; which ones, the seed says."""

    malformed: float = 0.0
    """Prose in place of JSON."""
    miscounted: float = 0.0
    """A number or a text too few, where several are asked for."""
    truncated: float = 0.0
    refusing: float = 0.0
    slow: float = 0.0
    """Answered right, ``slow_seconds`` later."""
    rate_limited: float = 0.0
    """Refused once with status 429, then answered right."""
    down: float = 0.0
    """Status 503, however often it is tried."""

    def of(self, prompt: str, seed: int) -> Failure | None:
        """Return how this prompt fails, if it does."""
        left = float(stream(seed, f"explanations/scripted/{prompt}").random())
        for each in fields(self):
            left -= vars(self)[each.name]
            if left < 0:
                return each.name  # type: ignore[return-value]
        return None


@final
class Script:
    """What is answered to a prompt."""

    def __init__(
        self,
        explainer: Explainer,
        reader: Reader,
        *,
        tokens_of: Callable[[str], Sequence[str]],
        failures: Failures | None = None,
        seed: int = 0,
        seconds: float = 0.0,
        slow_seconds: float = 0.05,
    ) -> None:
        """Answer by ``explainer`` and ``reader``; ``tokens_of`` splits text shown in one piece."""
        self.explainer = explainer
        self.reader = reader
        self.tokens_of = tokens_of
        self.failures = failures or Failures()
        self.seed = seed
        self.seconds = seconds
        """Every answer takes so long."""
        self.slow_seconds = slow_seconds
        self.failed: Counter[str] = Counter()
        """Prompts by the way they failed, each attempt counted."""
        self.asked: Counter[str] = Counter()
        """Attempts, by prompt."""

    async def answer(self, prompt: str) -> str:
        """Return the JSON that the prompt asks for, or words where a rule says nothing."""
        parts = sections(prompt)
        if "Explanation" not in parts:
            said = await self.explainer.explain(self._exhibits(parts))
            if isinstance(said, Gap):
                return "There is nothing to say of it."
            rule = f"{RULE}{json.dumps(dict(said.rule))}" if said.rule else ""
            return json.dumps({"explanation": f"{said.text}{rule}"})
        explanation = _explanation(plain(parts["Explanation"][0]))
        if "Tokens" in parts or "Numbered tokens" in parts:
            return await self._numbers(explanation, parts)
        if "Texts" in parts:
            pieces = [
                piece_of(self.tokens_of(plain(each))) for each in items(parts["Texts"])
            ]
            return _shares(await self.reader.active(explanation, pieces))
        texts = [self._marked(each) for each in items(parts["Marked texts"])]
        pieces = [piece_of(tokens) for tokens, _ in texts]
        return _shares(
            await self.reader.marked(explanation, pieces, [where for _, where in texts])
        )

    def shortened(self, answer: str) -> str:
        """Return the answer without the last of its numbers or texts; an explanation as it is."""
        said = json.loads(answer)
        return json.dumps(
            {
                key: each[:-1] if isinstance(each, list) else each
                for key, each in said.items()
            }
        )

    async def _numbers(
        self, explanation: Explanation, parts: Mapping[str, list[str]]
    ) -> str:
        numbered = "Numbered tokens" in parts
        lines = items(parts["Numbered tokens"]) if numbered else parts["Tokens"]
        (answer,) = await self.reader.activations(
            explanation, [piece_of([plain(each) for each in lines])]
        )
        if isinstance(answer.value, Gap):
            return "I cannot tell."
        # The explainer was shown levels, so its reader's activations are on their scale.
        levels = np.clip(np.asarray(answer.value), 0, SCALE).astype(float).tolist()
        if not numbered:
            return json.dumps({"activations": levels})
        named = [
            {"token": number, "activation": level}
            for number, level in enumerate(levels, start=1)
            if level > 0
        ]
        return json.dumps({"active": named})

    def _exhibits(self, parts: Mapping[str, list[str]]) -> Exhibits:
        if "Marked texts" in parts:
            shown = tuple(self._highlighted(parts["Marked texts"]))
        else:
            shown = tuple(paired(lines) for lines in parts.values())
        return Exhibits(
            feature=0,
            dictionary=_NAME,
            shown=shown,
            learned=shown,
            scored=(),
            largest=float(SCALE),
            num_active=len(shown),
            num_fragments=len(shown),
        )

    def _marked(self, line: str) -> tuple[list[str], Bool[np.ndarray, " t"]]:
        """Return the tokens of a text with marks, and which are marked."""
        tokens: list[str] = []
        where: list[bool] = []
        for number, part in enumerate(split_at_marks(line)):
            found = self._tokens(part)
            tokens += found
            where += [number % 2 == 1] * len(found)
        return tokens, np.array(where, dtype=bool)

    def _highlighted(self, lines: list[str]) -> list[Excerpt]:
        """Return the excerpts of marked texts: marked tokens are those listed below each."""
        found: list[Excerpt] = []
        for text, pairs in with_levels(lines):
            shown: list[tuple[str, float]] = []
            for number, part in enumerate(split_at_marks(text)):
                if number % 2 == 0:
                    shown += [(token, 0.0) for token in self._tokens(part)]
                    continue
                left = len(plain(part))
                while left > 0:
                    shown.append(pairs.pop(0))
                    left -= len(shown[-1][0])
            levels = np.array([level for _, level in shown], dtype=np.float32)
            found.append(excerpt_of([token for token, _ in shown], levels))
        return found

    def _tokens(self, part: str) -> Sequence[str]:
        return self.tokens_of(plain(part)) if part else []


def scripted_chat(script: Script, **settings: Any) -> ChatModel:
    """Return the chat model ``scripted/NAME`` after the explainer; settings as ``ChatModel``'s."""
    check_installed()
    from inspect_ai.model import modelapi

    from tacit.explanations.scripted_api import ScriptedAPI

    modelapi(name=_NAME)(ScriptedAPI)
    return ChatModel(
        name=f"{_NAME}/{script.explainer.name}", options={"script": script}, **settings
    )


def _explanation(said: str) -> Explanation:
    text, _, rule = said.partition(RULE)
    return Explanation(
        feature=0,
        dictionary=_NAME,
        explainer=_NAME,
        version="1",
        text=text,
        rule=json.loads(rule) if rule else {},
    )


def _shares(answers: Sequence[Answer]) -> str:
    given = [
        {"text": number, "percent": 100 * min(float(answer.value), 1.0)}  # type: ignore[arg-type]
        for number, answer in enumerate(answers, start=1)
        if not isinstance(answer.value, Gap)
    ]
    return json.dumps({"answers": given})
