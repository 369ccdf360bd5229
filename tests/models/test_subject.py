"""Texts and ids as a subject reads them."""

import dataclasses

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tacit.base.errors import UserError


@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_offsets_cover_the_text_in_order(subjects, text):
    ids, offsets = subjects["gpt_neox"].tokenize(text)
    assert len(ids) == len(offsets)
    assert all(0 <= start <= end <= len(text) for start, end in offsets)
    assert [start for start, _ in offsets] == sorted(start for start, _ in offsets)
    covered = {place for start, end in offsets for place in range(start, end)}
    assert "<end>" in text or covered == set(range(len(text)))


def test_no_special_token_is_added_and_nothing_is_cut_off(subjects):
    for subject in subjects.values():
        assert 0 not in subject.tokenize("x = 0\n" * 50).ids
        assert len(subject.tokenize("x = 0\n" * 50).ids) > subject.context_tokens


def test_bos_opens_every_row_when_asked_for(subjects):
    subject = subjects["gpt2"]
    plain = subject.run(["x = 0", "y"], sites=("embed",))
    opened = subject.run(["x = 0", "y"], sites=("embed",), prepend_bos=True)
    assert (opened.ids[:, 0] == 0).all() and torch.equal(opened.ids[:, 1:], plain.ids)
    assert opened.mask[:, 0].all() and torch.equal(opened.mask[:, 1:], plain.mask)


def test_negative_ids_at_the_end_are_padding(kind):
    ids = torch.tensor([[5, 6, 7], [8, -1, -1]])
    flow = kind.run(ids, sites=("resid.1",))
    assert flow.mask.tolist() == [[True, True, True], [True, False, False]]
    assert flow.ids[1].tolist() == [8, kind.padding_id, kind.padding_id]
    alone = kind.run(torch.tensor([[8]]), sites=("resid.1",)).activations["resid.1"]
    torch.testing.assert_close(
        flow.activations["resid.1"][1, :1], alone[0], atol=2e-5, rtol=1e-4
    )


def test_nothing_asked_for_runs_nothing(subjects):
    flow = subjects["gpt2"].run(["x = 0"])
    assert flow.activations == {} and flow.logits is None and flow.ids.shape[0] == 1


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([], "no text was given"),
        (["x", ""], r"text 1 .* has no tokens"),
        ("x = 0", "give a list"),
        (["x = 0\n" * 50], "reads at most 64 at once"),
        (torch.zeros(1, 65, dtype=torch.long), "65 tokens were given.*at most 64"),
        (torch.tensor([[319, 320]]), "token id 320.*320 tokens"),
        (torch.tensor([[-1, 3]]), "right only"),
        (torch.tensor([[3, -1, 3]]), "right only"),
        (torch.zeros(0, 3, dtype=torch.long), "hold no tokens"),
        (torch.tensor([1, 2]), r"shape \(2,\)"),
        (torch.zeros(1, 2), "torch.float32 of shape"),
    ],
)
def test_input_that_cannot_be_read_is_told_why(subjects, inputs, message):
    with pytest.raises(UserError, match=message):
        subjects["gpt_neox"].run(inputs, sites=("embed",))


def test_a_subject_without_bos_says_so(subjects):
    subject = dataclasses.replace(subjects["gpt2"], bos_id=None)
    with pytest.raises(UserError, match="gpt2 has no BOS token"):
        subject.run(["x = 0"], prepend_bos=True)
