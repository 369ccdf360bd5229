"""Windows hold every token once, in order, one document each."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.activations.contexts import PADDING, cut
from tacit.base.errors import UserError
from tacit.data.documents import Corpus, Document

BOS = 256


def by_character(text: str) -> tuple[list[int], list[tuple[int, int]]]:
    return [ord(c) % 256 for c in text], [(place, place + 1) for place in range(len(text))]


def corpus_of(texts: list[str]) -> Corpus:
    documents = (Document(name=f"{n:03}", text=text) for n, text in enumerate(texts))
    return Corpus(name="trial", documents=tuple(documents))


texts = st.lists(
    st.text(alphabet="abcdef", min_size=1, max_size=40), min_size=1, max_size=6
)


@given(texts, st.integers(2, 12), st.booleans())
def test_no_token_is_lost_or_moved(given_texts, context_tokens, bos):
    found = cut(
        by_character,
        corpus_of(given_texts),
        context_tokens=context_tokens,
        bos_id=BOS if bos else None,
    )
    for number, text in enumerate(given_texts):
        rows = found.ids[found.opens == number]
        ids = rows[:, int(bos) :]
        assert ids[ids != PADDING].tolist() == by_character(text)[0]
        assert not bos or (rows[:, 0] == BOS).all()
    assert found.num_dropped_tokens == 0
    assert found.num_tokens == sum(map(len, given_texts)) + bos * len(found.ids)


@given(texts, st.integers(4, 60))
def test_what_a_limit_leaves_out_is_counted(given_texts, max_tokens):
    corpus = corpus_of(given_texts)
    found = cut(by_character, corpus, context_tokens=5, bos_id=None, max_tokens=max_tokens)
    assert found.num_tokens + found.num_dropped_tokens == sum(map(len, given_texts))
    assert found.num_tokens <= max(max_tokens, 5)


def test_a_limit_takes_the_first_window_of_every_document_before_any_second():
    found = cut(
        by_character,
        corpus_of(["a" * 20] * 4),
        context_tokens=5,
        bos_id=None,
        max_tokens=20,
    )
    assert found.opens.tolist() == [0, 1, 2, 3]


def test_text_without_tokens_is_refused():
    with pytest.raises(UserError, match="has no tokens"):
        cut(lambda _: ([], []), corpus_of(["x"]), context_tokens=4, bos_id=None)
    with pytest.raises(UserError, match="no room for text"):
        cut(by_character, corpus_of(["x"]), context_tokens=1, bos_id=BOS)


def test_offsets_point_at_the_text():
    text = "abcdefghij"
    found = cut(by_character, corpus_of([text]), context_tokens=4, bos_id=BOS)
    for row, offsets in zip(found.ids, found.offsets, strict=True):
        for token, (start, end) in zip(row[1:], offsets[1:], strict=True):
            if token != PADDING:
                assert by_character(text[start:end])[0] == [token]
    np.testing.assert_array_equal(found.offsets[:, 0], 0)
