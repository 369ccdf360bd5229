"""Losses under edits are those of the model's own loss with hooks placed by hand."""

import dataclasses

import numpy as np
import pytest
import torch

from tacit.activations.windows import windows_in
from tacit.base.errors import UserError
from tacit.interventions.edits import ablate_feature, constant, substitute
from tacit.interventions.loss import losses_under, substitution_losses

from .conftest import SITE, WIDTH

IGNORED = -100
"""Label that the loss of transformers leaves out."""


def own_losses(subject, windows, hook=None):
    """Each document's summed loss, window by window, from the model's own ``labels=`` loss.

    ``hook`` gets the value of ``mlp.1`` and the window's number, and gives another value.
    """
    sums: dict[int, float] = {}
    last = subject.model.gpt_neox.layers[1].mlp.dense_4h_to_h
    for number, row in enumerate(windows.ids):
        ids = torch.from_numpy(row[row >= 0])[None]
        handle = last.register_forward_pre_hook(
            lambda _module, given, number=number: (
                given if hook is None else (hook(given[0], number),)
            )
        )
        with torch.no_grad():
            labels = torch.cat([torch.tensor([[IGNORED]]), ids[:, 1:]], dim=1)
            loss = subject.model(input_ids=ids, labels=labels).loss
        handle.remove()
        document = int(windows.document[number, 0])
        sums[document] = sums.get(document, 0.0) + float(loss) * (ids.shape[1] - 1)
    return np.array([sums[document] for document in sorted(sums)])


def test_clean_losses_are_the_models_own_by_document(tiny_subject, held_out):
    found = losses_under(tiny_subject, held_out, SITE, {})
    np.testing.assert_allclose(found.clean, own_losses(tiny_subject, held_out), rtol=1e-5)
    assert found.documents.tolist() == np.unique(held_out.document).tolist()
    tokens = [
        int((held_out.ids[held_out.document[:, 0] == number] >= 0)[:, 1:].sum())
        for number in found.documents
    ]
    assert found.num_tokens.tolist() == tokens
    assert found.per_token() == pytest.approx(found.clean.sum() / sum(tokens))


def test_an_exact_dictionary_leaves_the_losses_unchanged(tiny_subject, tiny_store, exact):
    for everywhere in (False, True):
        found = substitution_losses(
            tiny_subject,
            tiny_store,
            SITE,
            {"exact": exact},
            torch.zeros(WIDTH),
            everywhere=everywhere,
        )
        np.testing.assert_allclose(found.edited["exact"], found.clean, rtol=1e-5)
        assert found.edited["zero"].tolist() == found.edited["mean"].tolist()
        assert np.abs(found.edited["zero"] - found.clean).min() > 1e-3


@pytest.mark.parametrize("everywhere", [False, True])
def test_zero_and_mean_ablation_are_hooks_placed_by_hand(
    tiny_subject, tiny_store, held_out, lossy, everywhere
):
    mean = torch.linspace(-0.5, 0.5, WIDTH)
    usable = held_out.ids >= 0 if everywhere else held_out.usable

    def put(vector):
        def hook(value, number):
            at = torch.from_numpy(usable[number, : value.shape[1]])
            return torch.where(at[None, :, None], vector, value)

        return hook

    def rebuilt(value, number):
        at = torch.from_numpy(usable[number, : value.shape[1]])
        return torch.where(at[None, :, None], lossy.rebuild(value[0])[None], value)

    found = substitution_losses(
        tiny_subject, tiny_store, SITE, {"lossy": lossy}, mean, everywhere=everywhere
    )
    hooks = {"zero": put(torch.zeros(WIDTH)), "mean": put(mean), "lossy": rebuilt}
    assert list(found.edited) == list(hooks)
    for name, hook in hooks.items():
        expected = own_losses(tiny_subject, held_out, hook)
        np.testing.assert_allclose(found.edited[name], expected, rtol=1e-4, err_msg=name)
        assert found.per_token(name) == pytest.approx(
            expected.sum() / found.num_tokens.sum(), rel=1e-4
        )


def test_bos_is_edited_only_when_every_position_is(tiny_subject, held_out):
    """The usable positions leave out the first of each window."""
    alone = dataclasses.replace(held_out, usable=np.zeros_like(held_out.usable))
    edits = {"ones": lambda where: constant(torch.ones(WIDTH), where)}
    nowhere = losses_under(tiny_subject, alone, SITE, edits)
    assert nowhere.edited["ones"].tolist() == nowhere.clean.tolist()
    everywhere = losses_under(tiny_subject, alone.with_all_usable(), SITE, edits)
    usable = losses_under(tiny_subject, held_out, SITE, edits)
    assert np.abs(everywhere.edited["ones"] - usable.edited["ones"]).min() > 1e-4


def test_each_edit_is_measured_by_itself(tiny_subject, held_out, lossy):
    edits = {
        "rebuilt": lambda where: substitute(lossy, where),
        "without 3": lambda where: ablate_feature(lossy, 3, where),
    }
    together = losses_under(tiny_subject, held_out, SITE, edits)
    for name, edit in edits.items():
        alone = losses_under(tiny_subject, held_out, SITE, {name: edit})
        assert alone.edited[name].tolist() == together.edited[name].tolist()


def test_windows_are_counted_up_to_a_limit(tiny_subject, tiny_store, exact):
    found = substitution_losses(
        tiny_subject, tiny_store, SITE, {"a": exact}, torch.zeros(WIDTH), max_windows=3
    )
    windows = windows_in(tiny_store, SITE, held_out=True, max_windows=3)
    assert found.num_tokens.sum() == (windows.ids >= 0).sum() - 3


def test_another_subject_than_the_stores_is_refused(tiny_subject, tiny_store, exact):
    other = dataclasses.replace(tiny_subject, digest="0" * 64)
    with pytest.raises(UserError, match="weights differ"):
        substitution_losses(other, tiny_store, SITE, {"a": exact}, torch.zeros(WIDTH))


def test_an_encoder_is_refused(encoder, held_out):
    with pytest.raises(UserError, match="predicts no next token"):
        losses_under(encoder, held_out, "mlp.0", {})
