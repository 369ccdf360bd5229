"""Crosscoders and transcoders from stores: what is fitted, what is measured, what is refused."""

import json
from dataclasses import replace

import pytest
import torch

from tacit.activations.harvest import HarvestSettings, harvest
from tacit.base.errors import UserError
from tacit.base.records import Result, read_records
from tacit.data.text import load_text
from tacit.dictionaries import (
    Dictionary,
    RowBlocks,
    TopK,
    fit,
    load_dictionary,
    save_dictionary,
)
from tacit.dictionaries.crosscoders import kinds, latent_scaling, norms, parts_of
from tacit.dictionaries.dictionary import Target
from tacit.dictionaries.foreign import write_dictionary
from tacit.dictionaries.selections import TopKPositive
from tacit.dictionaries.site_pairs import Joined
from tacit.interventions.edits import check_feature
from tacit.models import load_subject
from tacit.verbs.fitting import fit_one
from tacit.verbs.quick import measure
from tacit.verbs.settings import FitSettings
from tacit.verbs.source import contract_of
from tacit.verbs.steps import index

WIDTH, SHARED, ALONE = 24, 12, 6
FAST = FitSettings(num_atoms=32, k=4, steps=20, batch=256)


def two_models(count, seed, *, stretch=1.0):
    """Rows of two models: some features in both, others in one; the right ones ``stretch``ed."""
    fixed = torch.Generator().manual_seed(5)
    number = SHARED + 2 * ALONE
    directions = torch.nn.functional.normalize(
        torch.randn(2, number, WIDTH, generator=fixed), dim=2
    )
    generator = torch.Generator().manual_seed(seed)
    code = torch.rand(count, number, generator=generator) + 0.5
    code *= torch.rand(count, number, generator=generator) < 0.06
    left, right = code.clone(), code.clone()
    left[:, SHARED + ALONE :] = 0
    right[:, SHARED : SHARED + ALONE] = 0
    return {
        "left": left @ directions[0],
        "right": stretch * right @ directions[1] + 1.0,
    }, directions


@pytest.fixture(scope="module")
def crosscoder():
    rows, directions = two_models(8192, 0, stretch=7.0)
    blocks = Joined(RowBlocks(rows=rows, block_rows=512, seed=0), ("left", "right"))
    (one,) = fit([TopK(num_atoms=24, k=3)], blocks, [0], steps=500)
    return one.dictionary, directions


def test_both_models_are_rebuilt_in_their_own_units(crosscoder):
    dictionary, _ = crosscoder
    rows, _ = two_models(2048, 1, stretch=7.0)
    assert dictionary.contract.site == "left+right"
    rebuilt = dictionary.rebuild(torch.cat([rows["left"], rows["right"]], dim=1))
    for side, columns in parts_of(dictionary).items():
        true = rows[side]
        error = (rebuilt[:, columns] - true).square().sum()
        assert error / (true - true.mean(dim=0)).square().sum() < 0.15, side


def test_shared_and_one_sided_features_are_told_apart(crosscoder):
    dictionary, directions = crosscoder
    told = kinds(dictionary)
    columns = parts_of(dictionary)
    truth = {"shared": range(SHARED), "left": range(SHARED, SHARED + ALONE)}
    truth["right"] = range(SHARED + ALONE, SHARED + 2 * ALONE)
    right = 0
    for kind, features in truth.items():
        side = "right" if kind == "right" else "left"
        own = dictionary.atoms[:, columns[side]]
        cosines = torch.nn.functional.normalize(own) @ directions[int(side == "right")].T
        for feature in features:
            right += told[int(cosines[:, feature].argmax())] == kind
    assert right >= 20  # of 24; by chance at most half would be
    lengths = norms(dictionary) / dictionary.scale
    both = lengths.square().sum(dim=1).sqrt() * dictionary.scale
    torch.testing.assert_close(both, torch.ones(24))


def test_latent_scaling_finds_one_sided_atoms_that_merely_shrank(crosscoder):
    dictionary, _ = crosscoder
    rows, _ = two_models(4096, 2, stretch=7.0)
    joined = torch.cat([rows["left"], rows["right"]], dim=1)
    told, scaling = kinds(dictionary), latent_scaling(dictionary, joined)
    alone = [
        abs(float(v))
        for v, kind in zip(scaling, told, strict=True)
        if kind in ("left", "right")
    ]
    assert sum(value < 0.2 for value in alone) > 0.8 * len(alone)
    # A shared feature in one direction, whose right half is taken away: its error is left behind.
    direction = torch.nn.functional.normalize(torch.randn(1, WIDTH), dim=1)
    code = torch.rand(4096, 1) + 0.5
    same = {"left": code @ direction, "right": code @ direction}
    blocks = Joined(RowBlocks(rows=same, block_rows=512, seed=0), ("left", "right"))
    (one,) = fit([TopK(num_atoms=1, k=1)], blocks, [0], steps=60)
    both = torch.cat([code @ direction] * 2, dim=1)
    shrunk = one.dictionary.atoms.clone()
    shrunk[:, WIDTH:] *= 0.05
    made = replace(one.dictionary, atoms=shrunk)
    assert kinds(made) == ["left"]
    assert float(latent_scaling(made, both)[0]) > 0.8


def faithful(tiny, folder, store):
    """Return the records of the two measures of fidelity."""
    only = {"measures": ("fidelity", "loss"), "baselines": (), "size": "quick"}
    out = folder.parent / f"measured {folder.name}"
    return measure(tiny, folder, store=store.folder, out=out, **only).records


def test_a_transcoder_is_fitted_measured_and_indexed(tmp_path, tiny, tiny_store):
    made = fit_one(
        tiny_store.folder, "resid.0", tmp_path / "d", target="mlp.1", settings=FAST
    )
    assert made.rebuilt_width == tiny_store.width("mlp.1")
    records = faithful(tiny, tmp_path / "d", tiny_store)
    fvu = next(each for each in records if each.name == "fvu")
    against = {each.of["against"] for each in records if each.name == "loss_recovered"}
    assert isinstance(fvu, Result)
    assert 0 < fvu.value < 1.5
    assert against == {"zero", "mean"}
    found = index(tmp_path / "d", tiny_store.folder, tmp_path / "index")
    assert found.num_atoms == 32
    with pytest.raises(UserError, match="is a transcoder"):
        check_feature(made, 0)
    with pytest.raises(UserError, match="not written as sae-lens"):
        write_dictionary(made, "sae-lens", tmp_path)


def test_a_transcoder_that_is_the_models_own_map_keeps_all_of_the_loss(
    tmp_path, tiny, tiny_subject, programs
):
    settings = HarvestSettings(batch_contexts=4, contexts_per_shard=16, dtype="float32")
    sites = ["mlp.0", "mlp_out.0"]
    text = load_text(programs)
    store = harvest(tiny_subject, text, sites, tmp_path / "s", settings=settings)
    map_out = tiny_subject.model.gpt_neox.layers[0].mlp.dense_4h_to_h
    width = store.width("mlp.0")
    exact = Dictionary(
        atoms=torch.zeros(1, store.width("mlp_out.0")),
        encoder=torch.zeros(1, width),
        encoder_bias=torch.zeros(1),
        centre=torch.zeros(width),
        scale=1.0,
        target=Target(
            centre=map_out.bias.detach(), scale=1.0, skip=map_out.weight.detach()
        ),
        selection=TopKPositive(k=1),
        contract=replace(contract_of(store, "mlp.0"), target="mlp_out.0"),
        method="top-k",
        seed=0,
    )
    save_dictionary(exact, tmp_path / "exact")
    records = faithful(tiny, tmp_path / "exact", store)
    found = {each.name: each for each in records if isinstance(each, Result)}
    assert found["fvu"].value < 1e-6
    kept = [
        each.value
        for each in records
        if isinstance(each, Result) and each.name == "loss_recovered"
    ]
    assert kept and kept == pytest.approx([1.0] * len(kept), abs=1e-3)


def test_an_earlier_site_cannot_be_rebuilt_from_a_later_one(tmp_path, tiny, tiny_store):
    fit_one(tiny_store.folder, "mlp.1", tmp_path / "d", target="resid.0", settings=FAST)
    (gap,) = (
        each
        for each in faithful(tiny, tmp_path / "d", tiny_store)
        if each.name == "loss_recovered"
    )
    assert "only a later site" in gap.reason


def test_a_crosscoder_of_two_sites_says_what_it_keeps_of_each(tmp_path, tiny_store):
    made = fit_one(tiny_store.folder, ["resid.0", "mlp.1"], tmp_path / "d", settings=FAST)
    assert sum(made.outcome["kinds"].values()) == 32
    assert "absent_of_one_sided" not in made.outcome
    records = read_records(tmp_path / "d" / "results.json")
    parts = {each.of["part"] for each in records if each.name == "fvu"}
    assert parts == {"resid.0", "mlp.1"}
    assert load_dictionary(tmp_path / "d").contract.site == "resid.0+mlp.1"


@pytest.fixture(scope="module")
def tuned_store(tmp_path_factory, tiny_subject, programs):
    """The tiny model with other weights in its last block, over the same programs."""
    import copy

    model = copy.deepcopy(tiny_subject.model)
    with torch.no_grad():
        for parameter in model.gpt_neox.layers[0].parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    subject = load_subject(model, tokenizer=tiny_subject.tokenizer)
    settings = HarvestSettings(batch_contexts=4, contexts_per_shard=16)
    folder = tmp_path_factory.mktemp("tuned") / "store"
    return harvest(subject, load_text(programs), ["resid.0"], folder, settings=settings)


def test_a_crosscoder_of_two_models_counts_what_is_shared(
    tmp_path, tiny_store, tuned_store
):
    stores = [tiny_store.folder, tuned_store.folder]
    made = fit_one(stores, "resid.0", tmp_path / "d", settings=FAST)
    assert made.contract.site == "left:resid.0+right:resid.0"
    assert " and " in (made.contract.subject or "")
    counts = made.outcome["kinds"]
    for side, (absent, of) in made.outcome["absent_of_one_sided"].items():
        assert 0 <= absent <= of <= counts[side]
    again = fit_one(stores, "resid.0", tmp_path / "e", settings=FAST)
    assert torch.equal(again.atoms, made.atoms)


def test_stores_that_read_other_text_are_no_pair(
    tmp_path, tiny_store, tiny_subject, programs
):
    settings = HarvestSettings(batch_contexts=4, contexts_per_shard=16, max_tokens=900)
    other = harvest(
        tiny_subject, load_text(programs), ["resid.0"], tmp_path / "o", settings=settings
    )
    with pytest.raises(UserError, match="differ in their tokens"):
        fit_one([tiny_store.folder, other.folder], "resid.0", tmp_path / "d", settings=FAST)
    assert not (tmp_path / "d").exists()


def test_what_is_neither_is_told(tmp_path, tiny_store, tuned_store):
    stores = [tiny_store.folder, tuned_store.folder]
    with pytest.raises(UserError, match="2 stores and 2 sites"):
        fit_one(stores, ["resid.0", "mlp.1"], tmp_path / "d", settings=FAST)
    with pytest.raises(UserError, match="a transcoder reads one site"):
        fit_one(stores, "resid.0", tmp_path / "d", target="mlp.1", settings=FAST)
    with pytest.raises(UserError, match="itself"):
        fit_one(tiny_store.folder, "mlp.1", tmp_path / "d", target="mlp.1", settings=FAST)
    with pytest.raises(UserError, match="no crosscoder"):
        plain = fit_one(tiny_store.folder, "mlp.1", tmp_path / "p", settings=FAST)
        parts_of(plain)


def test_the_command_takes_several_stores_and_sites(tmp_path, tiny_store, tuned_store):
    from typer.testing import CliRunner

    from tacit.cli.commands import app

    words = ["fit", "--store", str(tiny_store.folder), "--store", str(tuned_store.folder)]
    words += ["--site", "resid.0", "--atoms", "16", "--k", "2", "--steps", "5", "--quiet"]
    words += ["--batch", "256", "--out", str(tmp_path / "d")]
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 0, told.output
    assert "shared" in told.stdout
    facts = json.loads((tmp_path / "d" / "dictionary.json").read_text())
    assert facts["outcome"]["parts"] == {"left:resid.0": 16, "right:resid.0": 16}
