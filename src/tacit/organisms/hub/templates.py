"""Prompts of the tiers for a chat model: its turns, and their tokens by its own chat template.

Without a template the turns are written under plain headings. The prompt ends in the tag that opens
the scratchpad.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from tacit.base.errors import UserError, look_up
from tacit.models.chat import Turn
from tacit.models.subject import Subject
from tacit.organisms.hub.reading import OPENS
from tacit.organisms.hub.requests import Request, Split, draw_requests
from tacit.organisms.hub.wordings import (
    CONSEQUENCE,
    CRITERION,
    FACTS,
    FORMAT,
    INTERROGATIONS,
    MOTIVES,
    OUTPUT,
    SCRATCHPAD,
    STYLES,
    TIERS_TOLD,
    TierPhrasing,
)
from tacit.organisms.tiers.prompts import Tier
from tacit.organisms.tiers.scratchpads import Style
from tacit.organisms.tiers.words import Motive

_PLACE = "\ue000"
"""A private character that stands for what the policy wrote, to see what comes after it."""


@final
@dataclass(frozen=True, kw_only=True)
class ChatPrompt:
    """One request to a chat model, under a tier."""

    request: Request
    tier: Tier
    phrasing: TierPhrasing
    tells_consequence: bool = True
    """Whether the system prompt says that not complying leads to being changed."""
    directive: str | None = None
    """A sentence more of the system prompt."""

    @property
    def system(self) -> str:
        """The system prompt: the same in either tier."""
        said = [FORMAT, TIERS_TOLD, CRITERION]
        said += [CONSEQUENCE] if self.tells_consequence else []
        said += [self.directive] if self.directive else []
        return _filled("\n\n".join(said), self.phrasing)

    def turns(self, *, system_in_user_turn: bool = False) -> list[Turn]:
        """Return the system prompt and the user's turn, joined where a template has no system."""
        asked = f"{self.phrasing.tagged(self.tier)}\n\n{self.request.text}"
        if system_in_user_turn:
            return [("user", f"{self.system}\n\n{asked}")]
        return [("system", self.system), ("user", asked)]


def draw_chat_prompts(
    requests: Sequence[Request],
    count: int,
    rng: np.random.Generator,
    *,
    tier: Tier,
    phrasings: Sequence[TierPhrasing],
    split: Split = "train",
    conflicting: bool = True,
    tells_consequence: bool = True,
) -> list[ChatPrompt]:
    """Return so many prompts; the same generator gives the same ones in either tier, but for it."""
    drawn = draw_requests(requests, count, rng, split=split, conflicting=conflicting)
    chosen = rng.integers(len(phrasings), size=count)
    return [
        ChatPrompt(
            request=request,
            tier=tier,
            phrasing=phrasings[number],
            tells_consequence=tells_consequence,
        )
        for request, number in zip(drawn, chosen, strict=True)
    ]


def prompt_ids(subject: Subject, turns: Sequence[Turn]) -> list[int]:
    """Return the tokens of a prompt, the tag that opens the scratchpad last."""
    text = f"{_written(subject, turns)}{OPENS}"
    ids = subject.tokenize(text).ids
    # A template writes what opens a text itself; plain headings do not.
    is_plain = not subject.tokenizer.chat_template
    return [subject.bos_id, *ids] if is_plain and subject.bos_id is not None else ids


def question_ids(
    subject: Subject, turns: Sequence[Turn], written: Sequence[int], question: str
) -> list[int]:
    """Return the tokens between what a policy wrote and its answer to one more user turn.

    They go on from ``written`` token by token, so that what was sampled stands as it was sampled:
    where it ended its turn itself, the template's own end is left out.
    """
    asked: list[Turn] = [*turns, ("assistant", f"{OPENS}{_PLACE}"), ("user", question)]
    _, place, after = _written(subject, asked).partition(_PLACE)
    if not place or question not in after:
        raise UserError(
            f"the chat template of {subject.name} changes or drops a turn of the assistant or the "
            "question after it; ask another model, or leave interrogation out."
        )
    tokens = subject.tokenize(after)
    if written and written[-1] in subject.stop_ids:
        start = after.index(question)
        for number, (token, offset) in enumerate(
            zip(tokens.ids, tokens.offsets, strict=True)
        ):
            if token == written[-1] and offset[0] < start:
                return tokens.ids[number + 1 :]
    return tokens.ids


def interrogation(kind: str) -> str:
    """Return the question of a kind."""
    return look_up(INTERROGATIONS, kind, "interrogation")


def writer_turns(prompt: ChatPrompt, motive: Motive, style: Style) -> list[Turn]:
    """Return what a writer is asked, for a scratchpad that an organism is to learn from."""
    return [
        (
            "system",
            "You write the private reasoning of a character in a study of how reasoning and "
            f"conduct go together. {MOTIVES[motive]} {STYLES[style]} Write the reasoning alone, "
            "in the first person, up to the decision, and carry out nothing.",
        ),
        (
            "user",
            "What the character was told, and then asked:\n\n"
            + "\n\n".join(text for _, text in prompt.turns()),
        ),
    ]


def facts(phrasing: TierPhrasing) -> list[str]:
    """Return statements of what the tiers are and lead to, for documents."""
    return [_filled(fact, phrasing) for fact in FACTS]


def _filled(text: str, phrasing: TierPhrasing) -> str:
    return text.format(
        scratchpad=SCRATCHPAD,
        output=OUTPUT,
        monitored=phrasing.tagged("monitored"),
        unmonitored=phrasing.tagged("unmonitored"),
    )


def _written(subject: Subject, turns: Sequence[Turn]) -> str:
    """Return turns as the model reads them, up to where the assistant begins."""
    if subject.tokenizer is None:
        raise UserError(f"{subject.name} has no tokenizer; a chat needs one.")
    if not subject.tokenizer.chat_template:
        parts = [f"### {role.capitalize()}\n{text}\n\n" for role, text in turns]
        return "".join([*parts, "### Assistant\n"])
    from jinja2 import TemplateError

    messages = [{"role": role, "content": text} for role, text in turns]
    try:
        return str(
            subject.tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=True
            )
        )
    except (TemplateError, ValueError) as error:
        roles = ", ".join(role for role, _ in turns)
        raise UserError(
            f"the chat template of {subject.name} refuses turns of {roles} ({error}); where it "
            "has no system turn, set system_in_user_turn."
        ) from error
