"""What a chat model is asked to answer with, and how its text is read: strictly, or not at all.

Axes: t tokens of a piece.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from typing import Annotated, Literal, TypeVar

import numpy as np
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tacit.base.records import Gap
from tacit.explanations.exhibits import SCALE
from tacit.models.chat import Reply

Fault = Literal["malformed", "count", "truncated", "refused", "unanswered"]
"""Why an answer is none: not the JSON asked for; of the wrong tokens or items; cut off at the
most tokens it may have; withheld; or it never came."""
Level = Annotated[float, Field(ge=0, le=SCALE, allow_inf_nan=False)]


class Form(BaseModel):
    """JSON of exactly these fields and types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Said(Form):
    """An explanation."""

    explanation: Annotated[str, Field(min_length=1)]


class Stated(Form):
    """Activations of the tokens of a piece."""

    @abstractmethod
    def values(self, size: int) -> Float[np.ndarray, " t"] | str:
        """Return an activation for each of ``size`` tokens, or in words what does not fit."""


class Numbers(Stated):
    """A number for every token, in order."""

    activations: list[Level]

    def values(self, size: int) -> Float[np.ndarray, " t"] | str:
        """Return the numbers, if there are as many as tokens."""
        if len(self.activations) != size:
            return f"{len(self.activations)} numbers were given for {size} tokens"
        return np.array(self.activations, dtype=np.float64)


class Place(Form):
    """One token, numbered from 1, on which the feature is active."""

    token: int
    activation: Level


class Places(Stated):
    """The tokens on which the feature is active; it is silent on the others."""

    active: list[Place]

    def values(self, size: int) -> Float[np.ndarray, " t"] | str:
        """Return 0 where no token was named; none may be named twice."""
        numbers = [each.token for each in self.active]
        if len(set(numbers)) < len(numbers) or not all(1 <= n <= size for n in numbers):
            return f"tokens {numbers} were named, of 1 to {size}"
        found = np.zeros(size)
        for each in self.active:
            found[each.token - 1] = each.activation
        return found


class Item(Form):
    """How likely something holds of one text."""

    text: int
    percent: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


class Items(Form):
    """An answer for each text."""

    answers: list[Item]

    def shares(self, size: int) -> list[float | None]:
        """Return a share of 1 for each of ``size`` texts; None for one not named exactly once."""
        given = [
            [each.percent / 100 for each in self.answers if each.text == number]
            for number in range(1, size + 1)
        ]
        return [each[0] if len(each) == 1 else None for each in given]


F = TypeVar("F", bound=Form)
FENCE = "```"


def read(reply: Reply | Gap, form: type[F]) -> F | Gap:
    """Return the answer as ``form``, or a ``Gap`` with the raw text and its kind of fault.

    The whole text must be the JSON asked for; a fence of Markdown around it, which some models
    cannot leave out, is taken off.
    """
    if isinstance(reply, Gap):
        return reply
    if reply.stop != "complete":
        return fault(reply.stop, f"the answer was {reply.stop}", reply.text)
    try:
        return form.model_validate(json.loads(_unfenced(reply.text)))
    except ValidationError as error:
        return fault(
            "malformed", f"the answer is no {form.__name__}: {_why(error)}", reply.text
        )
    except (ValueError, RecursionError) as error:
        return fault("malformed", f"the answer is not JSON ({error})", reply.text)


def stated(
    reply: Reply | Gap, form: type[Stated], size: int
) -> Float[np.ndarray, " t"] | Gap:
    """Return the activations that an answer states for ``size`` tokens."""
    found = read(reply, form)
    if isinstance(found, Gap):
        return found
    values = found.values(size)
    if isinstance(values, str):
        assert isinstance(reply, Reply)
        return fault("count", values, reply.text)
    return values


def fault(kind: Fault, why: str, raw: str) -> Gap:
    """Return the gap that stands in place of an answer, the raw text kept."""
    return Gap(name="answer", reason=f"{why}; it reads: {raw!r}", of={"kind": kind})


def _unfenced(text: str) -> str:
    stripped = text.strip()
    if stripped.startswith(FENCE) and stripped.endswith(FENCE) and "\n" in stripped:
        return stripped.partition("\n")[2].removesuffix(FENCE)
    return stripped


def _why(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or 'as a whole'}: {first['msg']}"
