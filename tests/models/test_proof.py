"""A family's row that is wrong is found out on loading, by what its sites fail to do."""

import dataclasses

import pytest
import torch

from tacit.base.errors import UserError
from tacit.models import FAMILIES, load_subject

NEOX = FAMILIES["gpt_neox"]
BERT = FAMILIES["bert"]


def load_with(folders, name, **changes):
    row = dataclasses.replace(FAMILIES[name], **changes)
    return load_subject(folders[name], families={name: row})


def refusal(subject, site):
    with pytest.raises(UserError) as caught:
        subject.run(["x = 0"], sites=(site,))
    return str(caught.value)


def test_attention_and_mlp_exchanged_are_refused_though_their_sum_is_right(folders):
    subject = load_with(
        folders, "gpt_neox", attention_out=NEOX.mlp_last, mlp_last=NEOX.attention_out
    )
    for n in range(2):
        for kind in ("attn_out", "mlp_out", "mlp"):
            told = refusal(subject, f"{kind}.{n}")
            assert f"'{kind}.{n}' of gpt_neox is refused" in told and "silenced" in told
    assert subject.sites() == ("embed", "resid.0", "resid.1")


@pytest.mark.parametrize(
    "wrong", ["layers.{n}.input_layernorm", "layers.{n}.mlp.dense_h_to_4h"]
)
@pytest.mark.parametrize("part", ["attention_out", "mlp_last"])
def test_a_wrong_part_is_refused(folders, part, wrong):
    subject = load_with(folders, "gpt_neox", **{part: wrong})
    assert "resid.1" not in subject.sites() and "mlp_out.1" not in subject.sites()
    assert "is not its input plus" in refusal(subject, "attn_out.1")


def test_a_block_that_is_only_a_part_of_it_is_refused(folders):
    subject = load_with(folders, "gpt_neox", block="layers.{n}.mlp")
    assert not any(site.startswith("resid") for site in subject.sites())


def test_a_missing_path_is_named(folders):
    subject = load_with(folders, "gpt_neox", mlp_last="layers.{n}.mlp.down")
    assert "no module at 'layers.1.mlp.down'" in refusal(subject, "mlp.1")


def test_a_wrong_final_norm_refuses_the_last_stream_and_what_is_promoted(folders):
    subject = load_with(folders, "gpt_neox", final_norm="layers.0.input_layernorm")
    assert "does not give the logits" in refusal(subject, "resid.1")
    assert "resid.0" in subject.sites()
    with pytest.raises(UserError, match="head of gpt_neox is refused"):
        subject.promoted(torch.ones(1, 32))


def test_norms_over_the_stream_exchanged_are_refused(folders):
    first, second = BERT.post_norms
    assert load_with(folders, "bert", post_norms=(second, first)).sites() == (
        "embed",
        "mlp.0",
        "mlp.1",
    )


def test_a_post_norm_family_taken_for_a_pre_norm_one_is_refused(folders):
    subject = load_with(folders, "bert", post_norms=None)
    assert "is not its input plus" in refusal(subject, "resid.0")


def test_module_paths_are_open_where_sites_are_refused(folders):
    subject = load_with(folders, "gpt_neox", attention_out="layers.{n}.input_layernorm")
    assert (
        "gpt_neox.layers.0"
        in subject.run(["x = 0"], sites=("gpt_neox.layers.0",)).activations
    )


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_sites_hold_in_every_number_type(folders, kind, dtype):
    assert load_subject(folders[kind.name], dtype=dtype).site_map.refused == {}


def test_weights_that_are_not_numbers_are_refused(folders):
    model = load_subject(folders["gpt2"]).model
    with torch.no_grad():
        model.transformer.h[1].mlp.c_proj.weight[0, 0] = torch.nan
    subject = load_subject(model)
    assert "not finite" in subject.site_map.refused["resid.1"]
    assert "resid.0" in subject.sites()
