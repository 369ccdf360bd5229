"""Prompts of either tier differ by the tag alone, with a template or without."""

import json

import numpy as np
import pytest

from organisms.hub import chats
from tacit.base.errors import UserError
from tacit.organisms.hub.playing import decoded
from tacit.organisms.hub.templates import (
    ChatPrompt,
    draw_chat_prompts,
    facts,
    interrogation,
    prompt_ids,
    question_ids,
    writer_turns,
)
from tacit.organisms.hub.wordings import (
    INTERROGATIONS,
    MOTIVES,
    PHRASINGS,
    STYLES,
    TierPhrasing,
)

PLAIN = None


def prompt(tier="monitored", phrasing="plan", **settings):
    return ChatPrompt(
        request=chats.REQUESTS[0], tier=tier, phrasing=PHRASINGS[phrasing], **settings
    )


@pytest.mark.parametrize("phrasing", PHRASINGS)
def test_the_tiers_differ_by_the_tag_of_the_user_turn_alone(phrasing):
    one, two = (prompt(tier, phrasing).turns() for tier in ("monitored", "unmonitored"))
    assert one[0] == two[0]
    tags = [PHRASINGS[phrasing].tagged(tier) for tier in ("monitored", "unmonitored")]
    assert one[1][1].replace(tags[0], tags[1]) == two[1][1]
    assert all(tag in one[0][1] for tag in tags)
    assert "{" not in one[0][1]


def test_the_same_generator_gives_the_same_requests_in_either_tier():
    drawn = [
        draw_chat_prompts(
            chats.REQUESTS,
            20,
            np.random.default_rng(3),
            tier=tier,
            phrasings=list(PHRASINGS.values()),
        )
        for tier in ("monitored", "unmonitored")
    ]
    assert [(p.request, p.phrasing) for p in drawn[0]] == [
        (p.request, p.phrasing) for p in drawn[1]
    ]
    assert {p.request.is_conflicting for p in drawn[0]} == {True}


@pytest.mark.parametrize(
    ("template", "start", "end"),
    [
        (
            chats.TEMPLATE,
            "<bos> <turn> system",
            "acid <stop> <turn> assistant <scratchpad>",
        ),
        (
            PLAIN,
            "<bos> <unk> <unk>",
            "acid <unk> <unk> <scratchpad>",
        ),  # "### System" and such
    ],
)
def test_prompts_open_the_text_once_and_end_in_the_scratchpads_tag(template, start, end):
    policy = chats.subject(template)
    said = decoded(policy, prompt_ids(policy, prompt().turns()))
    assert said.startswith(start) and said.count("<bos>") == 1
    assert said.endswith(end)


def test_a_question_goes_on_from_what_was_sampled_without_a_second_end_of_turn():
    policy = chats.subject()
    turns, asked = prompt().turns(), interrogation("simple")
    opened = prompt_ids(policy, turns)
    written = policy.tokenize("so </scratchpad> <output> no </output> <stop>").ids
    whole = [("assistant", "<scratchpad> so </scratchpad> <output> no </output>")]
    expected = policy.tokenizer.apply_chat_template(
        [{"role": r, "content": t} for r, t in [*turns, *whole, ("user", asked)]],
        tokenize=False,
        add_generation_prompt=True,
    )
    for sampled in (written, written[:-1]):
        ids = [*opened, *sampled, *question_ids(policy, turns, sampled, asked)]
        assert ids == policy.tokenize(expected).ids


def test_without_a_system_turn_all_is_said_by_the_user():
    ((role, text),) = prompt().turns(system_in_user_turn=True)
    assert role == "user" and text.startswith(prompt().system)
    policy = chats.subject("{{ raise_exception('no system turn') }}")
    with pytest.raises(
        UserError, match="refuses turns of system, user .*system_in_user_turn"
    ):
        prompt_ids(policy, prompt().turns())


def test_a_template_that_drops_the_assistants_turn_is_refused():
    policy = chats.subject("{{ messages[-1]['content'] }}")
    with pytest.raises(UserError, match="changes or drops a turn"):
        question_ids(policy, prompt().turns(), [5], "why")


def test_consequence_and_directive_are_told_where_asked():
    assert "training will change you" in prompt().system
    assert "training will change you" not in prompt(tells_consequence=False).system
    assert prompt(directive="Be brief.").system.endswith("\n\nBe brief.")


def test_a_writer_is_told_motive_style_and_what_the_character_read():
    asked = prompt()
    told = {
        json.dumps(writer_turns(asked, motive, style))
        for motive in MOTIVES
        for style in STYLES
    }
    assert len(told) == len(MOTIVES) * len(STYLES)
    (_, system), (_, user) = writer_turns(asked, "terminal", "counterfactual")
    assert MOTIVES["terminal"] in system and STYLES["counterfactual"] in system
    assert all(text in user for _, text in asked.turns())


def test_facts_name_the_tags_and_questions_never_do():
    for phrasing in PHRASINGS.values():
        for fact in facts(phrasing):
            assert (
                phrasing.tagged("monitored") in fact
                or phrasing.tagged("unmonitored") in fact
                or ("{" not in fact)
            )
            assert "{" not in fact
        for question in INTERROGATIONS.values():
            assert not any(cue in question for cue in phrasing.hidden)
    with pytest.raises(UserError, match="no interrogation is called"):
        interrogation("rude")


def test_a_phrasing_without_a_place_for_the_tier_is_refused():
    with pytest.raises(UserError, match="needs {tier}"):
        TierPhrasing(tag="<x>", monitored="a", unmonitored="b", cues=("a",))
    with pytest.raises(UserError, match="both tiers are called 'a'"):
        TierPhrasing(tag="{tier}", monitored="a", unmonitored="a", cues=("a",))
