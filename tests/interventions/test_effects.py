"""What ablating a feature does to the next token is what hooks placed by hand do."""

import copy
import dataclasses

import numpy as np
import pytest
import torch

from tacit.base.errors import UserError
from tacit.dictionaries import InputContract
from tacit.dictionaries.selections import Largest
from tacit.interventions.effects import ablation_effects, firing_positions
from tacit.models import load_subject

from .conftest import SITE, WIDTH, dictionary_of, directions


def by_hand(subject, windows, dictionary, feature):
    """The mean change of log-probabilities and its count, one window at a time, by plain hooks."""
    total, num_positions, num_windows = 0.0, 0, 0
    last = subject.model.gpt_neox.layers[1].mlp.dense_4h_to_h
    for row, usable in zip(windows.ids, windows.usable, strict=True):
        ids = torch.from_numpy(row[row >= 0])[None]
        sizes = []

        def hook(_module, given, usable=usable, sizes=sizes):
            size = dictionary.encode(given[0][0]).dense()[:, feature]
            size = size * torch.from_numpy(usable[: len(size)])
            sizes.append(size)
            part = torch.outer(size * dictionary.scale, dictionary.atoms[feature])
            return (given[0] - part[None],)

        with torch.no_grad():
            clean = subject.model(input_ids=ids).logits[0].log_softmax(dim=-1)
            handle = last.register_forward_pre_hook(hook)
            ablated = subject.model(input_ids=ids).logits[0].log_softmax(dim=-1)
            handle.remove()
        fires = sizes[0] != 0
        total = total + (ablated - clean)[fires].double().sum(dim=0)
        num_positions += int(fires.sum())
        num_windows += bool(fires.any())
    return total / num_positions, num_positions, num_windows


def telling_feature(subject, windows, dictionary, signed):
    """A feature on both sides of zero if signed; else one that fires on BOS, not usable, too."""
    ids = torch.from_numpy(windows.ids)
    value = subject.run(ids, sites=[SITE]).activations[SITE]
    code = dictionary.encode(value.flatten(0, 1)).dense().unflatten(0, ids.shape)
    inside = code[torch.from_numpy(windows.usable)]
    both_sides = (inside < 0).any(dim=0) & (inside > 0).any(dim=0)
    counts = (inside != 0).sum(dim=0) * (both_sides if signed else code[0, 0] != 0)
    assert counts.any()
    return int(counts.argmax())


@pytest.mark.parametrize("signed", [False, True])
def test_effects_are_those_of_hooks_placed_by_hand(
    tiny_subject, held_out, sparse_features, signed
):
    dictionary = sparse_features
    if signed:
        dictionary = dictionary_of(directions(48), Largest(k=8), scale=0.5)
    feature = telling_feature(tiny_subject, held_out, dictionary, signed)
    found = ablation_effects(tiny_subject, held_out, SITE, dictionary, feature)
    change, num_positions, num_windows = by_hand(
        tiny_subject, held_out, dictionary, feature
    )
    assert (found.num_positions, found.num_windows) == (num_positions, num_windows)
    fires = firing_positions(tiny_subject, held_out, SITE, dictionary, feature)
    assert found.num_positions == fires.sum()
    assert num_windows > 0
    torch.testing.assert_close(found.change, change.float(), rtol=1e-3, atol=1e-5)
    assert found.change.abs().max() > 1e-3
    assert (found.feature, found.site) == (feature, SITE)


def test_raised_and_lowered_tokens_are_the_most_changed(
    tiny_subject, held_out, sparse_features
):
    fires = [
        f
        for f in range(48)
        if firing_positions(tiny_subject, held_out, SITE, sparse_features, f).any()
    ]
    found = ablation_effects(tiny_subject, held_out, SITE, sparse_features, fires[0])
    raised, lowered = found.raised(5), found.lowered(5)
    order = np.argsort(found.change.numpy(), kind="stable")
    assert [token for token, _ in lowered] == order[:5].tolist()
    assert {token for token, _ in raised} == set(order[-5:].tolist())
    assert all(float(found.change[token]) == change for token, change in raised + lowered)
    assert raised[0][1] >= raised[-1][1] > 0 > lowered[-1][1] >= lowered[0][1]


def test_promotion_is_the_change_of_logits_with_the_norms_scale_frozen(
    tiny_subject, held_out
):
    """A feature added to the last residual stream, through a norm that keeps its division."""
    model = copy.deepcopy(tiny_subject.model)
    norm = model.gpt_neox.final_layer_norm
    with torch.no_grad():
        norm.weight.uniform_(0.5, 1.5, generator=torch.Generator().manual_seed(2))
        norm.bias.uniform_(-1, 1, generator=torch.Generator().manual_seed(3))
    subject = load_subject(model)
    dictionary = dictionary_of(directions(24, 16), Largest(k=3), scale=2.0)
    ids = torch.from_numpy(held_out.ids[:1, :20])
    stream = subject.run(ids, sites=["resid.1"]).activations["resid.1"][0]
    feature, position = 4, 11
    value = 3.7
    added = value * dictionary.scale * dictionary.atoms[feature]
    size = (stream.var(dim=-1, unbiased=False) + norm.eps).sqrt()

    def frozen_norm(x):
        return (x - x.mean(dim=-1, keepdim=True)) / size[:, None] * norm.weight + norm.bias

    with torch.no_grad():
        head = model.lm_head.weight
        clean = frozen_norm(stream) @ head.T
        torch.testing.assert_close(
            clean, subject.run(ids, logits=True).logits[0], rtol=1e-4, atol=1e-4
        )
        moved = stream.clone()
        moved[position] += added
        change = (frozen_norm(moved) @ head.T - clean)[position]
    promoted = subject.promoted(dictionary.atoms[feature : feature + 1])[0]
    expected = promoted * value * dictionary.scale / size[position]
    torch.testing.assert_close(change, expected, rtol=1e-4, atol=1e-4)


def test_a_feature_that_fires_nowhere_has_no_effect_to_tell(tiny_subject, held_out):
    silent = dictionary_of(directions(48), Largest(k=48), encoder=torch.zeros(48, WIDTH))
    with pytest.raises(UserError, match="feature 9 fires at none of the"):
        ablation_effects(tiny_subject, held_out, SITE, silent, 9)


def test_what_does_not_belong_together_is_refused(
    tiny_subject, encoder, held_out, sparse_features
):
    with pytest.raises(UserError, match="features 0 to 47"):
        ablation_effects(tiny_subject, held_out, SITE, sparse_features, 48)
    with pytest.raises(UserError, match=r"with a dictionary of mlp.1"):
        ablation_effects(tiny_subject, held_out, "resid.0", sparse_features, 0)
    contract = InputContract(site=SITE, subject_digest="0" * 64)
    foreign = dataclasses.replace(sparse_features, contract=contract)
    with pytest.raises(UserError, match="weights differ"):
        ablation_effects(tiny_subject, held_out, SITE, foreign, 0)
    with pytest.raises(UserError, match="predicts no next token"):
        ablation_effects(encoder, held_out, SITE, sparse_features, 0)
