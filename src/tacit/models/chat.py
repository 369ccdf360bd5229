"""Chat models, of any provider that Inspect knows: asked many at once, priced, within a budget."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, final

from pydantic import BaseModel

from tacit.base.errors import UserError
from tacit.base.records import Gap
from tacit.models.chat_errors import (
    check_installed,
    error_of_asking,
    error_of_making,
    told,
)
from tacit.models.spending import Budget, Prices, Usage

if TYPE_CHECKING:
    from inspect_ai.model import GenerateConfig, Logprobs, Model, ModelOutput, ModelUsage

Turn = tuple[Literal["system", "user", "assistant"], str]
Stop = Literal["complete", "truncated", "refused"]

WITH_SCHEMAS = frozenset(
    {"anthropic", "google", "grok", "mistral", "openai", "sglang", "vllm"}
)
"""Providers that hold an answer to a JSON schema."""
FAILURES_AT_START = 3
"""So many requests without an answer, and none with one before: the provider is taken as down."""
NO_LIMIT = 10_000
"""Inspect keeps the first limit it sees of an account for the whole process; ours is the gate."""


@final
@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a model answered."""

    text: str
    stop: Stop
    """Whether it came to its end, ran into ``max_tokens``, or was withheld by the provider."""
    usage: Usage
    seconds: float
    """From the first attempt to the answer, waits between attempts included."""
    logprobs: Logprobs | None = None
    """Of the tokens written, as Inspect gives them; None where not asked for or not given."""
    prompt_logprobs: Logprobs | None = None
    """Of the tokens read, without the first; vLLM and SGLang alone give them."""


@final
@dataclass(kw_only=True, eq=False)
class ChatModel:
    """A model by Inspect's name for it, such as ``openai/gpt-4o`` or ``vllm/...``.

    Rate limits, timeouts and a provider's bad moments are tried again by Inspect, waiting longer
    each time.
    """

    name: str
    prices: Prices | None = None
    """None: as Inspect knows them, which of most models it does not."""
    budget: Budget | None = None
    max_connections: int = 50
    """Requests in flight at once."""
    max_retries: int = 6
    attempt_seconds: int = 120
    schemas: bool | None = None
    """Whether the provider is sent a schema of the answer; None: where it is known to heed it."""
    base_url: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """For Inspect's ``get_model``: the device of ``hf/``, the port of ``vllm/``."""
    _num_answered: int = 0
    _num_failed: int = 0

    def __post_init__(self) -> None:
        if self.max_connections < 1:
            raise UserError(
                f"{self.max_connections} requests in flight were asked for; give 1 or more."
            )
        self._model = self._made()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._slots = asyncio.Semaphore(self.max_connections)
        if self.schemas is None:
            self.schemas = self.name.partition("/")[0] in WITH_SCHEMAS
        if self.budget and self.budget.max_cost is not None and not self._is_priced():
            raise UserError(
                f"a budget of {self.budget.max_cost} dollars was given, and the price of "
                f"{self.name} is not known; give its prices, or a budget in tokens."
            )

    async def ask(
        self,
        prompt: str | Sequence[Turn],
        *,
        max_tokens: int,
        temperature: float | None = None,
        top_logprobs: int | None = None,
        prompt_logprobs: int | None = None,
        schema: type[BaseModel] | None = None,
    ) -> Reply | Gap:
        """Return the answer, or why none came.

        ``temperature``: the provider's own where None. ``schema`` is sent where the provider
        heeds one: read the answer as strictly as if it had not been.

        Raises:
            UserError: where no request can succeed: no key, no such model, provider down.
            BudgetReached: before anything is sent.
        """
        self._enter_loop()
        async with self._slots:
            if self.budget is not None:
                self.budget.check()
            config = self._config(
                max_tokens=max_tokens,
                temperature=temperature,
                logprobs=top_logprobs is not None or None,
                top_logprobs=top_logprobs,
                prompt_logprobs=prompt_logprobs,
                response_schema=self._schema(schema),
            )
            began = time.monotonic()
            try:
                output = await self._model.generate(_messages(prompt), config=config)
            except Exception as error:  # every provider has its own; none becomes an answer
                return self._failed(error)
        return self._reply(output, time.monotonic() - began)

    async def close(self) -> None:
        """Close the connections."""
        await self._model.api.aclose()

    def _made(self) -> Model:
        check_installed()
        from inspect_ai.model import get_model

        try:
            return get_model(
                self.name, base_url=self.base_url, memoize=False, **self.options
            )
        except Exception as error:
            raise error_of_making(self.name, error) from error

    def _enter_loop(self) -> None:
        """Connections belong to the event loop that opened them: another one needs its own."""
        loop = asyncio.get_running_loop()
        if self._loop not in (None, loop):
            self._model = self._made()
            self._slots = asyncio.Semaphore(self.max_connections)
        self._loop = loop

    def _config(self, **asked: Any) -> GenerateConfig:
        from inspect_ai.model import GenerateConfig

        return GenerateConfig(
            max_connections=NO_LIMIT,
            max_retries=self.max_retries,
            attempt_timeout=self.attempt_seconds,
            **asked,
        )

    def _schema(self, schema: type[BaseModel] | None) -> Any:
        if schema is None or not self.schemas:
            return None
        from inspect_ai.model import ResponseSchema
        from inspect_ai.util import json_schema

        return ResponseSchema(name=schema.__name__, json_schema=json_schema(schema))

    def _is_priced(self) -> bool:
        from inspect_ai.model import get_model_info

        if self.prices is not None:
            return True
        info = get_model_info(self._model)
        return info is not None and info.cost is not None

    def _failed(self, error: Exception) -> Gap:
        self._num_failed += 1
        mistake = error_of_asking(self.name, self._model.api.api_key_vars, error)
        if mistake is not None:
            raise mistake from error
        if self._num_answered == 0 and self._num_failed >= FAILURES_AT_START:
            raise UserError(
                f"none of the first {self._num_failed} requests to {self.name} was answered; see "
                f"whether the provider is up and takes such requests. {told(error)}"
            ) from error
        return Gap(name="answer", reason=told(error), of={"kind": "unanswered"})

    def _reply(self, output: ModelOutput, seconds: float) -> Reply:
        self._num_answered += 1
        usage = self._usage(output.usage)
        if self.budget is not None:
            self.budget.add(usage)
        choice = None if output.empty else output.choices[0]
        return Reply(
            text=output.completion or output.error or "",
            stop=_stop(output),
            usage=usage,
            seconds=seconds,
            logprobs=choice and choice.logprobs,
            prompt_logprobs=choice and choice.prompt_logprobs,
        )

    def _usage(self, reported: ModelUsage | None) -> Usage:
        if reported is None:
            if self.budget is not None:
                raise UserError(
                    f"{self.name} does not tell how many tokens it used, so a budget cannot be "
                    "held; ask it without one."
                )
            return Usage(dollars=None, num_unreported=1)
        cached = (reported.input_tokens_cache_read, reported.input_tokens_cache_write)
        num_read = reported.input_tokens + sum(each or 0 for each in cached)
        num_written = reported.output_tokens
        priced = self.prices and self.prices.of(num_read, num_written)
        return Usage(
            input_tokens=num_read,
            output_tokens=num_written,
            dollars=reported.total_cost if priced is None else priced,
        )


def _messages(prompt: str | Sequence[Turn]) -> Any:
    from inspect_ai.model import (
        ChatMessageAssistant,
        ChatMessageSystem,
        ChatMessageUser,
    )

    turns: Sequence[Turn] = [("user", prompt)] if isinstance(prompt, str) else prompt
    kinds = {
        "system": ChatMessageSystem,
        "user": ChatMessageUser,
        "assistant": ChatMessageAssistant,
    }
    return [kinds[role](content=text) for role, text in turns]


def _stop(output: ModelOutput) -> Stop:
    reason = "content_filter" if output.empty else output.stop_reason  # as Inspect says it
    if reason in ("max_tokens", "model_length"):
        return "truncated"
    return "refused" if reason == "content_filter" else "complete"
