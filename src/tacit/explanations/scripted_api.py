"""The provider through which Inspect asks a script: answers, statuses, waits and token counts."""

from __future__ import annotations

import asyncio
from typing import Any, final

from inspect_ai.model import (
    ChatMessage,
    GenerateConfig,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    StopReason,
)
from inspect_ai.tool import ToolChoice, ToolInfo
from tenacity.wait import wait_none

from tacit.explanations.scripted import Script


class Unavailable(Exception):
    """What a provider's client raises, with the status of HTTP."""

    def __init__(self, status_code: int) -> None:
        """Keep the status where the clients of providers keep it."""
        super().__init__(f"status {status_code}")
        self.status_code = status_code


@final
class ScriptedAPI(ModelAPI):
    """Answers by ``script``; counts words as tokens."""

    def __init__(self, model_name: str, *, script: Script, **options: Any) -> None:
        """Answer as the model ``model_name``."""
        super().__init__(model_name, **options)
        self.script = script

    def should_retry(self, ex: Exception) -> bool:
        """Return whether a later attempt may succeed."""
        return isinstance(ex, Unavailable)

    def retry_wait(self) -> Any:
        """Wait for nothing between attempts."""
        return wait_none()

    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        """Return the script's answer to the last message, or fail as it says."""
        script, prompt = self.script, input[-1].text
        script.asked[prompt] += 1
        failure = script.failures.of(prompt, script.seed)
        is_again = failure == "rate_limited" and script.asked[prompt] > 1
        if failure is not None and not is_again:
            script.failed[failure] += 1
        if failure == "down":
            raise Unavailable(503)
        if failure == "rate_limited" and not is_again:
            raise Unavailable(429)
        await asyncio.sleep(
            script.seconds + (script.slow_seconds if failure == "slow" else 0)
        )
        text = await script.answer(prompt)
        stop: StopReason = "stop"
        if failure == "malformed":
            text = f"I would say: {text}"
        elif failure == "miscounted":
            text = script.shortened(text)
        elif failure == "truncated":
            text, stop = text[: len(text) // 2], "max_tokens"
        elif failure == "refusing":
            text, stop = "I would rather not.", "content_filter"
        return self._output(prompt, text, stop)

    def _output(self, prompt: str, text: str, stop: StopReason) -> ModelOutput:
        output = ModelOutput.from_content(self.model_name, text, stop_reason=stop)
        read, written = len(prompt.split()), len(text.split())
        output.usage = ModelUsage(
            input_tokens=read, output_tokens=written, total_tokens=read + written
        )
        return output
