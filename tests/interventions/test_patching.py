"""Patching against forward passes of a two-layer GPT-NeoX written out by hand."""

import math

import pytest
import torch
from torch.nn import functional

from tacit.base.errors import UserError
from tacit.data.pairs import Pair
from tacit.dictionaries.selections import Largest, TopKPositive
from tacit.interventions.differences import code_difference
from tacit.interventions.patching import (
    attributed_effects,
    check_matters,
    edit_magnitude,
    exact_effects,
    patching,
)
from tacit.metrics.loss import kl_divergence
from tacit.models.prompt_pairs import PADDING, last_logits, read_pairs

from .conftest import dictionary_of, directions

SITE = "resid.0"
PAIRS = tuple(
    Pair(
        task="by hand",
        clean=f"class Shape{number}:\n    sides =",
        counterfactual=f"class Shape{other}:\n    sides =",
        answer=f" {number}",
        other=f" {other}",
        roles={"class": (0, 5)},
    )
    for number, other in ((3, 4), (5, 7), (8, 2), (1, 6))
)


@pytest.fixture(scope="module")
def prompts(tiny_subject):
    return read_pairs(tiny_subject, PAIRS)


@pytest.fixture(scope="module", params=["signed", "top-k", "biased"])
def dictionary(request):
    atoms = directions(40, 16)
    if request.param == "signed":
        return dictionary_of(atoms[:16], Largest(k=9), contract=_contract(), scale=0.7)
    bias = torch.full((40,), -0.05 if request.param == "biased" else 0.0)
    return dictionary_of(
        atoms,
        TopKPositive(k=6),
        contract=_contract(),
        scale=1.6,
        encoder_bias=bias,
        centre=torch.linspace(-0.2, 0.2, 16),
    )


def _contract():
    from tacit.dictionaries import InputContract

    return InputContract(site=SITE)


def by_hand(subject, value, layer):
    """Log-probabilities behind a layer's residual stream (t d), layers after it by hand."""
    model = subject.model
    config = model.config
    heads, width = config.num_attention_heads, config.hidden_size
    size, length = width // heads, len(value)
    turning = model.gpt_neox.rotary_emb.inv_freq
    angles = torch.outer(torch.arange(length).float(), turning)
    cos, sin = angles.cos().repeat(1, 2), angles.sin().repeat(1, 2)

    def turned(x):
        part, rest = x[..., : cos.shape[1]], x[..., cos.shape[1] :]
        first, second = part.chunk(2, dim=-1)
        return torch.cat([part * cos + torch.cat([-second, first], -1) * sin, rest], -1)

    def norm(module, x):
        return functional.layer_norm(x, (width,), module.weight, module.bias, module.eps)

    x = value
    for block in model.gpt_neox.layers[layer + 1 :]:
        mixed = block.attention.query_key_value(norm(block.input_layernorm, x))
        query, key, content = (
            mixed.view(length, heads, 3 * size).transpose(0, 1).chunk(3, -1)
        )
        scores = turned(query) @ turned(key).transpose(1, 2) / math.sqrt(size)
        hidden = torch.ones(length, length).triu(1).bool()
        weights = scores.masked_fill(hidden, -torch.inf).softmax(-1)
        attended = (weights @ content).transpose(0, 1).reshape(length, width)
        attention = block.attention.dense(attended)
        inner = block.mlp.dense_h_to_4h(norm(block.post_attention_layernorm, x))
        x = x + attention + block.mlp.dense_4h_to_h(functional.gelu(inner))
    logits = model.lm_head(norm(model.gpt_neox.final_layer_norm, x[-1]))
    return logits.log_softmax(-1)


def stream_of(subject, ids):
    kept = ids[ids != PADDING][None]
    return subject.run(kept, sites=(SITE,)).activations[SITE][0]


def coded(dictionary, rows):
    return dictionary.encode(rows).dense()


@torch.no_grad()
def test_every_patch_is_what_a_pass_by_hand_gives(tiny_subject, prompts, dictionary):
    """Every feature of every prompt, alone, in the published direction."""
    runs = patching(tiny_subject, prompts)
    found = exact_effects(runs, code_difference(tiny_subject, prompts, SITE, dictionary))
    assert (found != 0).sum() > 20
    for row, (clean, other) in enumerate(
        zip(prompts.clean, prompts.counterfactual, strict=True)
    ):
        before, after = (stream_of(tiny_subject, ids) for ids in (clean, other))
        target = by_hand(tiny_subject, after, 0)
        start = kl_divergence(by_hand(tiny_subject, before, 0)[None], target[None])
        delta = coded(dictionary, after) - coded(dictionary, before)
        for feature in range(dictionary.num_atoms):
            part = torch.outer(delta[:, feature], dictionary.atoms[feature])
            patched = by_hand(tiny_subject, before + dictionary.scale * part, 0)
            effect = start - kl_divergence(patched[None], target[None])
            assert found[row, feature] == pytest.approx(effect.item(), abs=2e-5)


def test_all_features_and_the_error_are_the_counterfactual_run(
    tiny_subject, prompts, dictionary
):
    difference = code_difference(tiny_subject, prompts, SITE, dictionary)
    whole = difference.clean + difference.change() + difference.error
    flow = tiny_subject.run(
        prompts.clean, edits={SITE: lambda _: whole}, sites=(SITE,), logits=True
    )
    straight = tiny_subject.run(prompts.counterfactual, sites=(SITE,), logits=True)
    mask = prompts.mask
    torch.testing.assert_close(
        flow.activations[SITE][mask], straight.activations[SITE][mask], atol=1e-5, rtol=0
    )
    torch.testing.assert_close(flow.logits[mask], straight.logits[mask], atol=1e-5, rtol=0)
    runs = patching(tiny_subject, prompts)
    assert runs.distances(SITE, whole).abs().max() < 1e-5


@pytest.mark.parametrize("direction", ["to", "from"])
def test_attribution_is_the_slope_of_a_small_patch(
    tiny_subject, prompts, dictionary, direction
):
    """Central differences of the distance along each feature's change, at the clean value."""
    runs = patching(tiny_subject, prompts, direction=direction)
    difference = code_difference(tiny_subject, prompts, SITE, dictionary)
    found = attributed_effects(runs, difference)
    rows, features = difference.candidates().nonzero().unbind(1)
    change = difference.change_of(rows, features)
    step = 1e-2
    ahead, behind = (
        runs.distances(SITE, difference.clean[rows] + sign * step * change, rows)
        for sign in (1, -1)
    )
    slopes = (behind - ahead) / (2 * step)
    torch.testing.assert_close(found[rows, features], slopes, atol=2e-3, rtol=2e-2)
    assert found[~difference.candidates()].eq(0).all()


def test_both_directions_are_kl_divergences(tiny_subject, prompts):
    p, q = (
        last_logits(tiny_subject, ids).softmax(-1)
        for ids in (prompts.clean, prompts.counterfactual)
    )
    to = (p * (p / q).log()).sum(-1)
    back = (q * (q / p).log()).sum(-1)
    torch.testing.assert_close(patching(tiny_subject, prompts).distance, to)
    torch.testing.assert_close(
        patching(tiny_subject, prompts, direction="from").distance, back
    )


def test_a_role_limits_where_features_change(tiny_subject, prompts, dictionary):
    difference = code_difference(tiny_subject, prompts, SITE, dictionary, role="last")
    assert (difference.position == prompts.last[difference.prompt]).all()
    assert set(difference.position.tolist()) <= set(prompts.last.tolist())
    elsewhere = ~prompts.at("last")
    assert (difference.change() + difference.error)[elsewhere].eq(0).all()
    with pytest.raises(UserError, match=r"role.*'nowhere'.*class"):
        code_difference(tiny_subject, prompts, SITE, dictionary, role="nowhere")


def test_where_nothing_differs_nothing_can_be_patched(tiny_subject, prompts, dictionary):
    runs = patching(tiny_subject, prompts)
    same = code_difference(tiny_subject, prompts, SITE, dictionary, role="class")
    with pytest.raises(UserError, match="same in both runs"):
        check_matters(runs, same)
    check_matters(runs, code_difference(tiny_subject, prompts, SITE, dictionary))


def test_a_site_that_the_next_token_does_not_depend_on_is_refused(tiny_subject, prompts):
    """What the last layer writes at earlier positions is never read."""
    atoms = directions(16, 16)
    site = "resid.1"
    from tacit.dictionaries import InputContract

    last = dictionary_of(atoms, TopKPositive(k=3), contract=InputContract(site=site))
    earlier = prompts.mask & ~prompts.at("last")
    positions = {**prompts.positions, "earlier": earlier}
    told = prompts.some(slice(None))
    object.__setattr__(told, "positions", positions)
    with pytest.raises(UserError, match="does not depend on resid.1"):
        check_matters(
            patching(tiny_subject, told),
            code_difference(tiny_subject, told, site, last, role="earlier"),
        )


def test_dictionaries_of_another_site_or_subject_are_refused(tiny_subject, prompts):
    from tacit.dictionaries import InputContract

    atoms = directions(16, 16)
    for contract, said in (
        (InputContract(site="resid.1"), "dictionary of resid.1"),
        (InputContract(site=SITE, subject_digest="0" * 64), "weights differ"),
        (InputContract(site=SITE, target="resid.1"), "resid.1"),
    ):
        odd = dictionary_of(atoms, TopKPositive(k=3), contract=contract)
        if contract.target:
            from tacit.dictionaries.dictionary import Target

            odd = dictionary_of(
                atoms,
                TopKPositive(k=3),
                contract=contract,
                target=Target(centre=torch.zeros(16), scale=1.0),
            )
        with pytest.raises(UserError, match=said):
            code_difference(tiny_subject, prompts, SITE, odd)


def test_the_length_of_an_edit_is_its_mean_over_positions():
    change = torch.zeros(1, 3, 2)
    change[0, 0] = torch.tensor([3.0, 4.0])
    mask = torch.tensor([[True, True, False]])
    assert edit_magnitude(change, mask).tolist() == [2.5]
