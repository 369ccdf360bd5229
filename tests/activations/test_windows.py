"""Ways of making windows: packed ones keep documents and halves apart, whole ones come first."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from activations.test_contexts import BOS, by_character, corpus_of, texts
from tacit.activations.contexts import PADDING, cut
from tacit.activations.harvest import HarvestSettings, harvest
from tacit.activations.windows import Windows, windows_in
from tacit.data.documents import is_held_out
from tacit.data.text import load_text
from tacit.interventions.loss import losses_under, scored_tokens

END = 257


def packed(given_texts, **given_settings):
    return cut(
        by_character,
        corpus_of(given_texts),
        mode="packed",
        separator_id=END,
        **given_settings,
    )


many = st.lists(st.text(alphabet="abcdef", min_size=1, max_size=9), min_size=1, max_size=30)


@given(many, st.integers(2, 12), st.booleans())
def test_packed_windows_hold_every_token_in_order_and_are_full(given_texts, size, bos):
    found = packed(given_texts, context_tokens=size, bos_id=BOS if bos else None)
    body = found.ids[:, int(bos) :]
    document = found.document[:, int(bos) :]
    for number, text in enumerate(given_texts):
        assert body[document == number].tolist()[: len(text) + 1] == [*map(ord, text), END]
    assert found.num_dropped_tokens == 0
    short = (body == PADDING).any(axis=1).sum()
    assert short <= 2  # the last window of each half
    held_out = np.array([is_held_out(f"{n:03}") for n in range(len(given_texts))])
    of_window = held_out[found.document]
    assert (of_window == of_window[:, :1]).all()


@given(many, st.integers(6, 60))
def test_a_limit_on_packed_windows_is_counted_in_tokens_of_text(given_texts, max_tokens):
    found = packed(given_texts, context_tokens=5, bos_id=None, max_tokens=max_tokens)
    of_text = int((found.mask & (found.ids != END)).sum())
    assert of_text + found.num_dropped_tokens == sum(map(len, given_texts))


def test_a_limit_on_packed_windows_keeps_the_share_of_held_out_text():
    given_texts = ["a" * 20] * 400
    whole = packed(given_texts, context_tokens=21, bos_id=None)
    half = packed(given_texts, context_tokens=21, bos_id=None, max_tokens=21 * 200)
    held_out = np.array([is_held_out(f"{n:03}") for n in range(400)])
    share = [held_out[each.opens].mean() for each in (whole, half)]
    assert abs(share[0] - share[1]) < 0.01
    assert len(half.ids) == 200


@given(texts, st.integers(2, 12))
def test_documents_alone_give_one_window_each(given_texts, size):
    found = cut(
        by_character,
        corpus_of(given_texts),
        context_tokens=size,
        bos_id=None,
        mode="documents",
    )
    assert found.opens.tolist() == list(range(len(given_texts)))
    for row, text in zip(found.ids, given_texts, strict=True):
        assert row[row != PADDING].tolist() == by_character(text[:size])[0]
    assert found.num_dropped_tokens == sum(max(len(text) - size, 0) for text in given_texts)


def test_no_prediction_over_a_boundary_is_scored():
    windows = Windows(
        ids=np.array([[1, 2, 3, 4], [5, 6, PADDING, PADDING]]),
        usable=np.ones((2, 4), dtype=bool),
        document=np.array([[0, 0, 1, 1], [1, 1, 1, 1]]),
        num_left_out=0,
    )
    assert scored_tokens(windows).tolist() == [[True, False, True], [True, False, False]]


def test_the_loss_of_packed_windows_is_summed_by_document(tiny_subject, programs, tmp_path):
    store = harvest(
        tiny_subject,
        load_text(programs),
        ["resid.1"],
        tmp_path / "store",
        settings=HarvestSettings(context_tokens=16, windows="packed"),
    )
    windows = windows_in(store, "resid.1", held_out=False)
    found = losses_under(
        tiny_subject, windows, "resid.1", {"none": lambda _: lambda value: value}
    )
    assert np.allclose(found.clean, found.edited["none"])
    by_hand = np.zeros(len(found.documents))
    for row, document in zip(windows.ids, windows.document, strict=True):
        flow = tiny_subject.run(torch.from_numpy(row[None]), logits=True)
        scores = torch.log_softmax(flow.logits[0].double(), dim=-1)
        for place in range(1, len(row)):
            if row[place] != PADDING and document[place] == document[place - 1]:
                owner = int(np.flatnonzero(found.documents == document[place])[0])
                by_hand[owner] -= float(scores[place - 1, row[place]])
    np.testing.assert_allclose(found.clean, by_hand, rtol=1e-4)
