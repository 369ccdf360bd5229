"""The contract that every family keeps: its sites, read and edited, are what their names say."""

import copy

import pytest
import torch

from tacit.base.errors import UserError
from tacit.models import FAMILIES

TEXTS = ["def add(left, right):", "print(name)", "x = 0"]
LAYERS = 2

# Written out by hand from the modeling code, not from the table under test: the body, then
# block, attention's output, the MLP's last map; final norm; a norm after the MLP's last map.
BY_HAND = {
    "gpt_neox": (
        "gpt_neox",
        "layers",
        "attention.dense",
        "mlp.dense_4h_to_h",
        "final_layer_norm",
        None,
    ),
    "gpt2": ("transformer", "h", "attn.c_proj", "mlp.c_proj", "ln_f", None),
    "bert": ("", "encoder.layer", "attention.output.dense", "output.dense", None, None),
}
LIKE_LLAMA = ("model", "layers", "self_attn.o_proj", "mlp.down_proj", "norm", None)
GEMMA_PARTS = (
    "layers",
    "post_attention_layernorm",
    "mlp.down_proj",
    "norm",
    "post_feedforward_layernorm",
)
BY_HAND |= {
    "gemma2": ("model", *GEMMA_PARTS),
    "gemma3_text": ("model", *GEMMA_PARTS),
    "gemma3": ("model.language_model", *GEMMA_PARTS),
}


def by_hand(subject):
    return BY_HAND.get(subject.model.config.model_type, LIKE_LLAMA)


def hand_read(subject, ids, mask):
    """Every site by hooks placed by hand, and the model's output, in one plain pass."""
    prefix, stack, attention, last, _, norm = by_hand(subject)
    body = subject.model.get_submodule(prefix)
    found, handles = {}, []

    def keep(name):
        def hook(_module, given, *out):
            value = out[0] if out else given[0]
            found[name] = (value[0] if isinstance(value, tuple) else value).clone()

        return hook

    for n, block in enumerate(body.get_submodule(stack)):
        if n == 0:
            handles.append(block.register_forward_pre_hook(keep("embed")))
        handles.append(block.register_forward_hook(keep(f"resid.{n}")))
        handles.append(
            block.get_submodule(attention).register_forward_hook(keep(f"attn_out.{n}"))
        )
        handles.append(
            block.get_submodule(last).register_forward_pre_hook(keep(f"mlp.{n}"))
        )
        handles.append(
            block.get_submodule(norm or last).register_forward_hook(keep(f"mlp_out.{n}"))
        )
    with torch.no_grad():
        out = subject.model(input_ids=ids, attention_mask=mask.long())
    for handle in handles:
        handle.remove()
    return found, out


def hooks_left(model):
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


def test_every_site_equals_a_hook_placed_by_hand(subject):
    flow = subject.run(TEXTS, sites=subject.sites(), logits=subject.is_causal)
    expected, out = hand_read(subject, flow.ids, flow.mask)
    assert set(flow.activations) == set(expected)
    for site, value in expected.items():
        assert torch.equal(flow.activations[site], value), site
    if subject.is_causal:
        assert torch.equal(flow.logits, out.logits)
    else:
        assert torch.equal(flow.activations[f"resid.{LAYERS - 1}"], out.last_hidden_state)


def test_every_site_proves_itself(subject):
    assert subject.site_map.refused == {}
    assert len(subject.sites()) == 1 + 4 * LAYERS


def test_stopping_early_changes_no_value(kind):
    everything = kind.run(TEXTS, sites=kind.sites()).activations
    for site in kind.sites():
        assert torch.equal(
            kind.run(TEXTS, sites=(site,)).activations[site], everything[site]
        )


def test_a_text_reads_the_same_beside_longer_ones(kind):
    together = kind.run(TEXTS, sites=kind.sites())
    for row, text in enumerate(TEXTS):
        alone = kind.run([text], sites=kind.sites())
        length = int(together.mask[row].sum())
        assert alone.ids[0].tolist() == together.ids[row, :length].tolist()
        for site in kind.sites():
            # Different shapes may add up in another order.
            torch.testing.assert_close(
                alone.activations[site][0],
                together.activations[site][row, :length],
                atol=2e-5,
                rtol=1e-4,
            )


def test_width_is_the_last_axis(kind):
    flow = kind.run(TEXTS, sites=kind.sites())
    for site, value in flow.activations.items():
        assert kind.width(site) == value.shape[-1]
    assert kind.width("mlp.0") != kind.width("mlp_out.0")


def test_replacing_sites_by_themselves_changes_nothing(kind):
    plain = kind.run(TEXTS, sites=kind.sites(), logits=kind.is_causal)
    edits = {site: torch.clone for site in kind.sites()}
    edited = kind.run(TEXTS, sites=kind.sites(), edits=edits, logits=kind.is_causal)
    for site in kind.sites():
        assert torch.equal(plain.activations[site], edited.activations[site])
    if kind.is_causal:
        assert torch.equal(plain.logits, edited.logits)
    assert hooks_left(kind.model) == 0


@pytest.mark.parametrize("site", ["embed", "attn_out.1", "mlp.1", "mlp_out.1", "resid.1"])
def test_zeros_at_a_site_equal_a_hook_made_by_hand(kind, site):
    prefix, stack, attention, last, _, norm = by_hand(kind)
    number = 0 if site == "embed" else 1
    block = kind.model.get_submodule(f"{prefix}.{stack}.{number}".lstrip("."))
    parts = {"attn_out": attention, "mlp": last, "mlp_out": norm or last}
    part = parts.get(site.split(".")[0], "")
    module = block.get_submodule(part)
    if site in ("embed", "mlp.1"):
        handle = module.register_forward_pre_hook(
            lambda _module, given: (torch.zeros_like(given[0]), *given[1:])
        )
    else:
        handle = module.register_forward_hook(
            lambda _module, _given, out: torch.zeros_like(out)
        )
    try:
        expected = kind.run(TEXTS, sites=("resid.1",)).activations["resid.1"]
    finally:
        handle.remove()
    flow = kind.run(TEXTS, sites=(site, "resid.1"), edits={site: torch.zeros_like})
    assert torch.equal(flow.activations["resid.1"], expected)
    assert flow.activations[site].count_nonzero() == 0
    plain = kind.run(TEXTS, sites=("resid.1",)).activations["resid.1"]
    assert not torch.allclose(plain, expected)


def test_promoted_is_the_gradient_of_the_logits_at_a_fixed_scale(causal):
    """With the norm's division held fixed, logits are linear in the direction added."""
    flow = causal.run(["x = 0"], sites=("resid.1",), logits=True)
    stream = flow.activations["resid.1"][0, -1].double()
    prefix, *_, norm_path, _ = by_hand(causal)
    norm = copy.deepcopy(causal.model.get_submodule(f"{prefix}.{norm_path}")).double()
    centres = isinstance(norm, torch.nn.LayerNorm)
    centred = stream - stream.mean() if centres else stream
    size = centred.square().mean().sqrt()
    directions = torch.randn(5, 32, dtype=torch.float64)
    # Orthogonal to the stream (and to the mean), a small step leaves the scale unchanged.
    directions -= (directions @ centred)[:, None] * centred / centred.square().sum()
    step = 1e-3 * directions
    moved = norm(torch.cat([stream + step, stream[None]]))
    weight = causal.model.get_output_embeddings().weight.double()
    expected = ((moved[:-1] - moved[-1:]) @ weight.T) * size / 1e-3
    promoted = causal.promoted(directions.float())
    torch.testing.assert_close(promoted.double(), expected, atol=2e-2, rtol=2e-3)


def test_an_encoder_promotes_nothing(subjects):
    for ask in (
        lambda: subjects["bert"].promoted(torch.ones(1, 32)),
        lambda: subjects["bert"].run(TEXTS, logits=True),
    ):
        with pytest.raises(UserError, match="encoder"):
            ask()


def test_every_family_is_tested(subjects):
    assert set(FAMILIES) <= set(subjects)
