"""Explaining and reading by chat, through Inspect, against what the same rules say directly."""

import asyncio
from collections import Counter

import numpy as np
import pytest

from explanations import wordly
from tacit.base.errors import UserError
from tacit.base.records import Gap
from tacit.explanations.chat_explainer import ChatExplainer
from tacit.explanations.chat_reader import ChatReader
from tacit.explanations.scripted import Failures, Script, scripted_chat

EXPLAINER, READER = wordly.WordExplainer(), wordly.WordReader()


def chat_of(**settings):
    script = Script(EXPLAINER, READER, tokens_of=wordly.split, **settings)
    return scripted_chat(script, max_retries=2), script


@pytest.fixture
def explained():
    """An explanation by the rule, and one by chat of the same feature."""
    shown = wordly.exhibits(2)
    direct = asyncio.run(EXPLAINER.explain(shown))
    said = asyncio.run(ChatExplainer(chat_of()[0]).explain(shown))
    return direct, said


def test_an_explanation_by_chat_has_its_source_words_and_price(explained):
    direct, said = explained
    assert said.text.startswith(direct.text)
    assert (said.explainer, said.version) == ("scripted/word", "fragments-1")
    assert (said.feature, said.dictionary) == (direct.feature, direct.dictionary)
    assert said.usage.input_tokens > 0 and said.usage.output_tokens > 0
    assert said.usage.dollars is None  # not known, which is not nothing
    assert said.rule == {}


@pytest.mark.parametrize("prompts", ["fragments-1", "highlights-1"])
def test_a_chat_reader_says_what_the_rule_behind_it_says(explained, prompts):
    direct, said = explained
    pieces = [wordly.piece(n, 2, with_word=n % 2 == 0) for n in range(7)]
    marks = [np.arange(12) == n for n in range(7)]
    chat, _ = chat_of()
    reader = ChatReader(chat, prompts=prompts, pieces=3)

    async def both(who, explanation):
        return [
            await who.activations(explanation, pieces),
            await who.active(explanation, pieces),
            await who.marked(explanation, pieces, marks),
        ]

    numbers, active, marked = asyncio.run(both(reader, said))
    own_numbers, own_active, own_marked = asyncio.run(both(READER, direct))
    for ours, own in zip(numbers, own_numbers, strict=True):
        np.testing.assert_allclose(ours.value, own.value)
    # A share of 1 is the most that a chat model can say.
    assert [a.value for a in active] == [min(a.value, 1) for a in own_active]
    assert [a.value for a in marked] == [min(a.value, 1) for a in own_marked]


def test_several_texts_share_a_request_and_its_price_is_counted_once(explained):
    chat, script = chat_of()
    pieces = [wordly.piece(n, 2) for n in range(7)]
    answers = asyncio.run(ChatReader(chat, pieces=3).active(explained[1], pieces))
    assert len(script.asked) == 3
    assert [a.usage.tokens > 0 for a in answers] == [True, False, False] * 2 + [True]


RATES = ("malformed", "miscounted", "truncated", "refusing", "slow", "rate_limited", "down")


def test_every_failure_is_a_gap_of_its_kind_and_none_a_value(explained):
    failures = Failures(**dict.fromkeys(RATES, 0.1))
    chat, script = chat_of(failures=failures, slow_seconds=0.001)
    pieces = [wordly.piece(n, 2) for n in range(150)]
    answers = asyncio.run(ChatReader(chat).activations(explained[1], pieces))
    gaps = Counter(a.value.of["kind"] for a in answers if isinstance(a.value, Gap))
    injected = Counter(failures.of(prompt, script.seed) for prompt in script.asked)
    assert min(injected[rate] for rate in RATES) > 0
    assert gaps == {
        "malformed": injected["malformed"],
        "count": injected["miscounted"],
        "truncated": injected["truncated"],
        "refused": injected["refusing"],
        "unanswered": injected["down"],
    }
    # Two retries were allowed; one was enough for a rate limit.
    assert script.failed["down"] == 3 * injected["down"]
    assert script.failed["rate_limited"] == injected["rate_limited"]
    own = asyncio.run(
        READER.activations(asyncio.run(EXPLAINER.explain(wordly.exhibits(2))), pieces)
    )
    for ours, right in zip(answers, own, strict=True):
        if not isinstance(ours.value, Gap):
            np.testing.assert_allclose(ours.value, right.value)


def test_one_text_left_out_of_an_answer_is_one_gap(explained):
    chat, _ = chat_of(failures=Failures(miscounted=1.0))
    pieces = [wordly.piece(n, 2) for n in range(6)]
    answers = asyncio.run(ChatReader(chat, pieces=3).active(explained[1], pieces))
    kinds = [a.value.of["kind"] if isinstance(a.value, Gap) else None for a in answers]
    assert kinds == [None, None, "count"] * 2


def test_a_gap_in_explaining_keeps_the_raw_text_and_what_it_cost():
    chat, _ = chat_of(failures=Failures(malformed=1.0))
    said = asyncio.run(ChatExplainer(chat).explain(wordly.exhibits(2)))
    assert isinstance(said, Gap)
    assert "I would say" in said.reason
    assert said.of["feature"] == 2 and said.of["kind"] == "malformed"
    assert said.of["input_tokens"] > 0 and "dollars" not in said.of


def test_an_unknown_set_of_prompts_lists_the_known_ones():
    with pytest.raises(UserError, match="fragments-1, highlights-1"):
        ChatExplainer(chat_of()[0], prompts="fragments")
