"""Names of sites, and what is said of names that are none."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tacit.base.errors import UserError
from tacit.models import load_subject
from tacit.models.sites import listing


def message_for(subject, site):
    with pytest.raises(UserError) as caught:
        subject.site_map.find(site)
    return str(caught.value)


def test_a_layer_too_many_is_told_how_many_there_are(kind):
    told = message_for(kind, "resid.99")
    assert "2 layers" in told and "resid.0 to resid.1" in told


def test_a_misspelt_site_is_told_the_nearest_and_all(subjects):
    told = message_for(subjects["gpt2"], "residual.1")
    assert "Did you mean 'resid.1'?" in told
    for part in ("embed", "resid.0 to resid.1", "mlp_out.0 to mlp_out.1", "module path"):
        assert part in told


@pytest.mark.parametrize(
    "site", ["", "resid", "resid.", "resid.-1", "resid.1.5", "layers.0"]
)
def test_what_is_no_site_is_refused(subjects, site):
    assert "no site" in message_for(subjects["gpt2"], site)


def test_a_module_path_is_a_site(subjects):
    subject = subjects["gpt_neox"]
    flow = subject.run(["x = 0"], sites=("gpt_neox.final_layer_norm", "resid.1"))
    norm = subject.model.gpt_neox.final_layer_norm
    assert torch.equal(
        flow.activations["gpt_neox.final_layer_norm"], norm(flow.activations["resid.1"])
    )
    assert subject.width("gpt_neox.layers.0.mlp.dense_h_to_4h") == 48


def test_a_bare_module_has_its_module_paths_as_sites():
    subject = load_subject(nn.Sequential(nn.Linear(3, 5), nn.ReLU()))
    assert subject.sites() == ("0", "1") and subject.width("0") == 5
    with pytest.raises(UserError, match="width of '1' .ReLU. is not known"):
        subject.width("1")
    assert "Known: 0, 1." in message_for(subject, "resid.0")


def test_a_long_listing_is_cut_and_counted():
    assert listing(f"layer{n}" for n in range(30)).endswith("layer11 and 18 more")
    assert listing([]) == "none"
    assert listing(["a.1", "a.3", "b"]) == "a.1, a.3, b"


@given(st.integers(2, 40))
def test_a_run_of_layers_is_listed_by_its_ends(layers):
    names = ["embed", *(f"resid.{n}" for n in range(layers))]
    assert listing(names) == f"embed, resid.0 to resid.{layers - 1}"


def test_a_pattern_is_every_site_that_it_matches_once(kind):
    flow = kind.run(["x = 0"], sites=["resid.*", "embed", "resid.1"])
    assert list(flow.activations) == ["resid.0", "resid.1", "embed"]
    assert kind.site_map.expand(["mlp_out.[1-9]", "attn_out.0"]) == (
        "mlp_out.1",
        "attn_out.0",
    )
    assert kind.site_map.expand(["*"]) == kind.sites()


def test_a_pattern_that_matches_nothing_lists_the_sites(kind):
    with pytest.raises(
        UserError, match=r"matches the pattern 'residual\.\*'. Known: embed"
    ):
        kind.run(["x = 0"], sites=["residual.*"])


def test_a_pattern_where_one_site_is_needed_is_refused(kind):
    told = message_for(kind, "resid.*")
    assert "stands for 2 sites" in told and "resid.0 to resid.1" in told
