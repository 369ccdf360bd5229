"""What text costs without a network, against slow code that anyone can check."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.training.baselines import WittenBell, gzip_nats_per_byte, unigram_nats

VOCABULARY = 5
rows = st.lists(
    st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=9), min_size=1, max_size=5
)


def arrays(lists):
    return [np.array(row) for row in lists]


def chance(train, context, token):
    """P(token | context) by Witten and Bell's recursion, over dictionaries of counts."""
    lower = 1 / VOCABULARY if not context else chance(train, context[1:], token)
    if context == ():
        after = Counter(token for row in train for token in row)
    else:
        width = len(context)
        after = Counter(
            row[place + width]
            for row in train
            for place in range(len(row) - width)
            if tuple(row[place : place + width]) == context
        )
    total, kinds = sum(after.values()), len(after)
    if not total:
        return lower
    return (after[token] + kinds * (lower if context else 1 / VOCABULARY)) / (total + kinds)


@settings(deadline=None, max_examples=60)
@given(rows, st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=7))
def test_trigram_costs_are_those_of_the_recursion(train, row):
    found = WittenBell(arrays(train), VOCABULARY).nats(np.array(row))
    expected = [
        -math.log(chance(train, tuple(row[max(0, place - 2) : place]), token))
        for place, token in enumerate(row)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@settings(deadline=None, max_examples=40)
@given(rows, st.lists(st.integers(0, VOCABULARY - 1), max_size=3))
def test_trigram_chances_sum_to_one_over_the_vocabulary(train, context):
    """After any context, seen in training or not."""
    model = WittenBell(arrays(train), VOCABULARY)
    chances = [
        math.exp(-model.nats(np.array([*context, t]))[-1]) for t in range(VOCABULARY)
    ]
    assert sum(chances) == pytest.approx(1)


def test_trigrams_do_not_span_rows():
    apart = WittenBell(arrays([[0, 1], [2, 3]]), VOCABULARY).nats(np.array([1, 2]))
    joined = WittenBell(arrays([[0, 1, 2, 3]]), VOCABULARY).nats(np.array([1, 2]))
    assert apart[1] > joined[1]


def test_trigrams_know_the_rule_of_a_text_that_has_one():
    text = np.arange(3000) % VOCABULARY
    assert WittenBell([text], VOCABULARY).nats(text)[2:].mean() < 0.01


def test_a_vocabulary_whose_trigrams_do_not_fit_a_number_is_refused():
    with pytest.raises(UserError, match="64 bits"):
        WittenBell([np.array([1, 2])], 2**21)
    large = 2**21 - 1
    row = np.array([large - 1, large - 1, large - 1])
    assert np.isfinite(WittenBell([row], large).nats(row)).all()


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 4), min_size=1), st.lists(st.integers(0, 4), min_size=1))
def test_unigram_costs_are_add_one_frequencies(train, held_out):
    share = {t: (train.count(t) + 1) / (len(train) + VOCABULARY) for t in range(VOCABULARY)}
    expected = sum(-math.log(share[t]) for t in held_out) / len(held_out)
    found = unigram_nats(np.array(train), np.array(held_out), VOCABULARY)
    assert found == pytest.approx(expected)
    assert sum(share.values()) == pytest.approx(1)


def test_gzip_costs_log_256_a_byte_of_noise_and_nothing_of_repetition():
    noise = stream(0, "tests/gzip").bytes(50_000)
    assert gzip_nats_per_byte(noise) == pytest.approx(math.log(256), rel=2e-3)
    assert gzip_nats_per_byte(b"a" * 50_000) < 0.02
    assert gzip_nats_per_byte(noise) == gzip_nats_per_byte(noise)
