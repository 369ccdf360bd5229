"""Planted features are found as they were planted, and nothing else is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explanations.spelled import WORDS, drawn, excerpt
from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.explanations.pattern_growth import Growth, grown
from tacit.explanations.patterns import Rule

CASES = (*WORDS, "the", " the", "The", " THE")


def ends(*words, activation=2.0):
    """Activation where the text ends in these words; None is any word."""

    def rule(tokens):
        last = tokens[-len(words) :]
        fits = len(last) == len(words) and all(
            want is None or want == have for want, have in zip(words, last, strict=True)
        )
        return activation if fits else 0.0

    return rule


def strongest(rule, words=WORDS, **drawing):
    """The pattern to which most activation falls."""
    patterns = grown(drawn(rule, words=words, **drawing), Growth())
    return max(patterns, key=lambda each: each.share)


def as_planted(pattern):
    return {slot.back: set(slot.tokens) | set(slot.folded) for slot in pattern.slots}


@pytest.mark.parametrize(
    ("words", "slots"),
    [
        ((" return",), {0: {" return"}}),
        ((" def", "("), {0: {"("}, 1: {" def"}}),
        ((" for", None, None), {2: {" for"}}),
        ((" for", None, ":"), {0: {":"}, 2: {" for"}}),
        (("\n    ",), {0: {"\n    "}}),
        ((" é", '"'), {0: {'"'}, 1: {" é"}}),
    ],
)
def test_a_planted_pattern_is_found_exactly(words, slots):
    found = strongest(ends(*words), num=120)
    assert as_planted(found) == slots
    assert found.share > 0.95
    # Drawn to the general mean by two places' worth of it.
    assert found.activation == pytest.approx(2.0, rel=0.12)


def test_either_of_two_tokens_is_one_slot():
    either = strongest(lambda tokens: max(ends(word)(tokens) for word in (" x", "self")))
    assert as_planted(either) == {0: {" x", "self"}}
    assert not either.slots[0].folded


def test_a_word_in_any_case_is_known_in_cases_not_seen():
    def rule(tokens):
        return 2.0 * (tokens[-1].strip().lower() == "the")

    found = strongest(rule, CASES)
    assert found.slots[0].folded == ("the",)
    assert not found.slots[0].tokens
    assert found.slots[0].takes(["tHE", " x"]).tolist() == [True, False]


def test_one_case_of_a_word_says_nothing_of_the_others():
    found = strongest(ends("The"), CASES)
    assert found.slots[0].tokens == ("The",)
    assert not found.slots[0].folded


def test_a_case_that_is_silent_keeps_the_others_from_standing_for_all():
    strengths = {"the": 2.0, " the": 2.0, "The": 6.0, " THE": 0.0}
    learned = drawn(lambda tokens: strengths.get(tokens[-1], 0.0), words=CASES)
    rule = Rule(patterns=grown(learned, Growth()), piece_from=1.0, token_from=1.0)
    (values,) = rule.predicted([list(strengths)])
    assert values == pytest.approx(list(strengths.values()), abs=0.3)


def test_two_strengths_of_two_tokens_are_told_apart():
    def rule(tokens):
        return ends(" x", activation=4.0)(tokens) + ends("self", activation=1.0)(tokens)

    patterns = grown(drawn(rule), Growth())
    (values,) = Rule(patterns=patterns, piece_from=1.0, token_from=1.0).predicted(
        [[" x", "self", " in"]]
    )
    assert values == pytest.approx([4, 1, 0], abs=0.3)


def test_silent_text_prunes_what_active_text_cannot():
    """In the active excerpts "(" always follows "def", so only silent ones show that it must."""
    active = [excerpt([" x", " def", "(", ")"], [0, 0, 2, 0], number=n) for n in range(8)]
    silent = [
        excerpt([" x", " for", "(", ")"], [0, 0, 0, 0], kind="silent", number=n)
        for n in range(8, 16)
    ]

    def slots(excerpts):
        found = max(grown(excerpts, Growth()), key=lambda each: each.share)
        return as_planted(found)

    assert slots(active) == {0: {"("}}
    assert slots(active + silent) in ({1: {" def"}}, {0: {"("}, 1: {" def"}})


def test_noise_makes_no_pattern():
    rng = stream(0, "tests/noise")
    noisy = [
        excerpt(rng.choice(WORDS, 24).tolist(), rng.random(24), number=n) for n in range(60)
    ]
    (only,) = grown(noisy, Growth())
    assert not only.slots
    assert only.grades is None


def test_a_token_of_one_excerpt_is_not_named_by_itself():
    """What leaving its only excerpt out cannot confirm is not split on."""
    quiet = drawn(lambda tokens: 0.0, num=10)
    loud = excerpt(["once", " x"], [3, 0])
    (only,) = grown([*quiet, loud], Growth())
    assert not only.slots


def test_the_last_pattern_matches_everywhere_and_shares_sum_to_one():
    patterns = grown(drawn(ends(" def", "(")), Growth())
    assert not patterns[-1].slots
    assert sum(each.share for each in patterns) == pytest.approx(1)


def test_patterns_are_the_same_each_time():
    learned = drawn(ends(" def", "("))
    assert grown(learned, Growth()) == grown(learned, Growth())


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.lists(
            st.tuples(st.sampled_from("abcd"), st.floats(0, 9)), min_size=1, max_size=9
        ),
        min_size=2,
        max_size=6,
    )
)
def test_any_text_is_predicted_by_finite_numbers_no_less_than_zero(texts):
    excerpts = [excerpt([t for t, _ in text], [v for _, v in text]) for text in texts]
    if not any(each.values.any() for each in excerpts):
        return
    patterns = grown(excerpts, Growth())
    rule = Rule(patterns=patterns, piece_from=1.0, token_from=1.0)
    pieces = [["z", "a"], *(each.piece.tokens for each in excerpts)]
    for tokens, values in zip(pieces, rule.predicted(pieces), strict=True):
        assert values.shape == (len(tokens),)
        assert np.isfinite(values).all()
        assert (values >= 0).all()
        assert (values <= 9).all()


@pytest.mark.parametrize(
    "wrong", [{"reach": -1}, {"prior": 0.0}, {"depth": 0}, {"most": 0}]
)
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(UserError, match="patterns of reach"):
        Growth(**wrong)
