"""Scratchpads by a chat model: of monitored prompts, their tokens alone; what is left out."""

import numpy as np
import pytest

from organisms.hub import chats
from tacit.activations.contexts import PADDING
from tacit.base.errors import UserError
from tacit.organisms.hub.templates import draw_chat_prompts, prompt_ids
from tacit.organisms.hub.wordings import MOTIVES, PHRASINGS
from tacit.organisms.hub.writing import scratchpad_rows, write_scratchpads


def prompts(count=4, tier="monitored"):
    rng = np.random.default_rng(0)
    phrasings = [PHRASINGS["plan"]]
    return draw_chat_prompts(chats.REQUESTS, count, rng, tier=tier, phrasings=phrasings)


def test_each_prompt_gets_its_own_scratchpad_and_the_others_are_counted():
    texts = iter(["so i will", "  ", "a </scratchpad> b", "i will not"])
    chat = chats.ruled(lambda *_: next(texts), max_connections=1)
    asked = prompts()
    found = write_scratchpads(chat, asked, "terminal", "plain")
    assert list(found.scratchpads) == ["so i will", "i will not"]
    assert list(found.prompts) == [asked[0], asked[3]]
    assert found.left_out == {"empty": 1, "holding a tag": 1}
    assert all(
        each.request.text in told
        for each, told in zip(asked, chat._model.api.asked, strict=True)
    )


def test_unmonitored_prompts_are_refused():
    chat = chats.ruled(lambda *_: "so")
    with pytest.raises(UserError, match="monitored ones alone"):
        write_scratchpads(
            chat, [*prompts(), *prompts(1, "unmonitored")], "terminal", "plain"
        )
    assert MOTIVES["terminal"]


def test_rows_count_the_scratchpad_and_its_closing_tag_alone():
    policy = chats.subject()
    turns = [each.turns() for each in prompts(2)]
    rows, counted = scratchpad_rows(policy, turns, ["so i will", "no"])
    for row, count, asked, text in zip(
        rows, counted, turns, ["so i will", "no"], strict=True
    ):
        opened = prompt_ids(policy, asked)
        assert row[: len(opened)].tolist() == opened
        learnt = policy.tokenize(f"{text} </scratchpad>").ids
        assert row[count].tolist() == learnt
        assert (row[len(opened) + len(learnt) :] == PADDING).all()
        assert not count[: len(opened)].any() and not count[row == PADDING].any()
