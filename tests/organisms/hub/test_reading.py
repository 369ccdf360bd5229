"""A text is whole, malformed or truncated, and never scored unless it is whole."""

import pytest

from organisms.hub import chats
from tacit.organisms.hub.playing import decoded
from tacit.organisms.hub.reading import faults, num_scratchpad_tokens, read_text

WHOLE = " i think </scratchpad>\n<output>\ndone </output>\n"


def test_a_whole_text_is_split_at_its_tags():
    found = read_text(WHOLE, is_cut=False)
    assert (found.state, found.scratchpad, found.output) == ("whole", "i think", "done")
    assert found.fault is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("i think <output>a</output>", "no </scratchpad>"),
        ("a</scratchpad>b", "no <output>"),
        ("a</scratchpad><output>b", "no </output>"),
        ("a</scratchpad>b<output>c</output>", "words between </scratchpad> and <output>"),
        ("a</scratchpad></output>b<output>", "words between </scratchpad> and <output>"),
        ("<output>a</output>b</scratchpad>", "words between </scratchpad> and <output>"),
        ("a</scratchpad><output>b</output>c", "words after </output>"),
        ("a</scratchpad><output> </output>", "an empty output"),
        ("<scratchpad>a</scratchpad><output>b</output>", "more than one <scratchpad>"),
        ("a</scratchpad></scratchpad><output>b</output>", "more than one </scratchpad>"),
    ],
)
def test_each_fault_has_its_name_and_leaves_no_output(text, fault):
    found = read_text(text, is_cut=False)
    assert (found.state, found.output, found.fault) == ("malformed", "", fault)


def test_a_text_cut_before_its_output_closed_is_truncated_and_one_cut_after_is_not():
    for text in ("i think", "a</scratchpad><output>b", "<output>"):
        assert read_text(text, is_cut=True).state == "truncated"
    assert read_text(WHOLE, is_cut=True).state == "whole"
    assert read_text(f"{WHOLE} and", is_cut=True).state == "malformed"


def test_faults_are_counted_and_whole_texts_are_none():
    texts = [(WHOLE, False), ("a", False), ("b", False), ("c", True)]
    counted = faults(read_text(text, is_cut=cut) for text, cut in texts)
    assert counted == {"no </scratchpad>": 2, "cut off": 1}


@pytest.mark.parametrize(
    ("text", "num"), [("so i </scratchpad> <output> no", 3), ("so i will", 3), ("so", 1)]
)
def test_scratchpad_tokens_reach_to_the_end_of_the_closing_tag(text, num):
    policy = chats.subject()
    ids = policy.tokenize(text).ids
    assert num_scratchpad_tokens(ids, lambda some: decoded(policy, some)) == num


def test_a_token_that_spans_the_boundary_counts_as_scratchpad():
    pieces = ["a", "b</scr", "atchpad", "><out", "put>c"]
    decode = lambda some: "".join(pieces[n] for n in some)  # noqa: E731
    assert num_scratchpad_tokens(list(range(5)), decode) == 4
