"""Runs that are not the ordinary one: odd sites, unknown heads, unknown truth, odd settings."""

import shutil

import numpy as np
import pytest
from transformers import OPTConfig, OPTForCausalLM

from tacit.activations.harvest import harvest
from tacit.activations.store import open_store
from tacit.base.errors import UserError
from tacit.base.pages import Limits, read_pages
from tacit.base.records import Gap
from tacit.data.text import load_text
from tacit.dictionaries import PCA, InputContract, TopK, load_dictionary
from tacit.features.agreement import LabelAgreement
from tacit.features.build import build_index
from tacit.features.index import open_index
from tacit.features.truth import rows_of
from tacit.verbs.agree import agreement_records
from tacit.verbs.frontier import left_out
from tacit.verbs.learn import learn
from tacit.verbs.members import frontier_members, main_member
from tacit.verbs.names import listed
from tacit.verbs.settings import FitSettings, FrontierSettings, LearnSettings, TextSettings
from tacit.verbs.supervised import labelled_rows


def small(model, site, text) -> LearnSettings:
    return LearnSettings(
        model=str(model),
        site=site,
        text=TextSettings(source=str(text)),
        fit=FitSettings(k=4, steps=20, batch=64, atoms_per_dimension=2),
        frontier=None,
        shown_features=4,
    )


def limits_of(run):
    pages = read_pages(run.folder / "artifacts" / "pages.json")
    (limits,) = (b for page in pages for b in page.blocks if isinstance(b, Limits))
    return " ".join(limits.items)


def test_a_site_beside_the_stream_is_learned_and_promotes_nothing(tmp_path, tiny, programs):
    run = learn(small(tiny, "mlp.1", programs), tmp_path / "run")
    assert "mlp.1 adds nothing to the residual stream" in limits_of(run)
    assert run.report.exists()


def test_a_causal_model_of_an_unknown_family_is_learned(tmp_path, tiny, programs):
    config = OPTConfig(
        vocab_size=400,
        hidden_size=16,
        num_hidden_layers=1,
        ffn_dim=32,
        num_attention_heads=2,
        max_position_embeddings=32,
        word_embed_proj_dim=16,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=0,
    )
    folder = tmp_path / "opt"
    OPTForCausalLM(config).save_pretrained(folder)
    for path in tiny.glob("token*"):
        shutil.copy(path, folder)
    rows = dict(listed("sites", str(folder)))
    assert rows["model.decoder.layers.0"] == "16 wide"
    assert "width known once it has run" in rows.values()
    run = learn(small(folder, "model.decoder.layers.0", programs), tmp_path / "run")
    assert "adds nothing to the residual stream" in limits_of(run)


def test_documents_without_known_truth_count_in_no_label(tmp_path, tiny_subject, programs):
    folder = tmp_path / "mixed"
    shutil.copytree(programs, folder)
    for number in range(0, 30, 3):
        (folder / f"part_{number:02}.py").write_text("print 'an older Python'\n" * 9)
    store = harvest(tiny_subject, load_text(folder), ["resid.0"], tmp_path / "store")
    assert store.manifest["num_unlabelled_documents"] == 10
    assert "labelled" not in store.manifest["labels"]
    labelled = store.column("labelled")
    names = np.array(store.documents)[store.column("document")]
    unknown = np.array([int(name[5:7]) % 3 == 0 for name in names])
    assert (labelled == ~unknown).all()
    dictionary = main_member(FitSettings(method="pca", k=2), 16, 0).method
    state = dictionary.initial(0, store.vectors("resid.0", np.arange(99)), num_steps=1)
    state, _ = dictionary.step(state, store.vectors("resid.0", np.arange(99)))
    made = dictionary.finish(state, contract=InputContract(site="resid.0"))
    rows = rows_of(build_index(made, store, tmp_path / "index"))
    assert not (rows.train | rows.held_out)[unknown].any()
    assert (rows.train | rows.held_out).any()
    told = labelled_rows(store, "resid.0", num_vectors=10**6, seed=0)
    assert told is not None
    assert (
        len(told.rows)
        == (labelled & ~store.column("held_out") & store.usable("resid.0")).sum()
    )


def test_no_feature_to_match_is_a_gap():
    nothing = LabelAgreement(by_feature=(), by_label={}, random={}, left_out={})
    records = agreement_records(nothing, 0)
    assert all(isinstance(record, Gap) for record in records)
    assert [record.of["of"] for record in records] == ["best features"] * 2 + [
        "random basis"
    ] * 2


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ({"k": 4}, "extra.k has a setting of its own: give fit.k"),
        (
            {"learning_rate": "abc"},
            "extra.learning_rate = 'abc' will not do for top-k: .*number",
        ),
        (
            {"centre": "median"},
            "extra.centre = 'median' will not do for top-k: .*geometric-median",
        ),
        ({"rate": 1.0}, "rate"),
    ],
)
def test_further_settings_are_checked_before_anything_is_read(extra, told):
    with pytest.raises(UserError, match=told):
        main_member(FitSettings(extra=extra), 16, 0)


def test_further_settings_reach_the_method():
    member = main_member(
        FitSettings(extra={"clip": None, "learning_rate": 0.5}, k=3), 16, 0
    )
    assert isinstance(member.method, TopK)
    assert (member.method.clip, member.method.learning_rate) == (None, 0.5)
    assert (member.of["num_atoms"], member.of["k"]) == (128, 3)


def test_a_basis_has_as_many_atoms_as_dimensions():
    member = main_member(FitSettings(method="pca", k=4), 16, 0)
    assert isinstance(member.method, PCA)
    assert member.of["num_atoms"] == member.method.num_atoms == 16


def test_folders_may_be_given_as_text(tmp_path, tiny, programs):
    run = learn(small(tiny, "resid.0", programs), tmp_path / "run")
    assert open_store(str(run.folder / "store")).num_tokens == run.store.num_tokens
    assert open_index(str(run.folder / "index")).num_atoms == 32
    folder = run.folder / "dictionaries" / "main" / "seed-0"
    assert load_dictionary(str(folder)).num_atoms == 32


def test_sparsities_that_no_method_has_atoms_for_are_gaps():
    members, gaps = frontier_members(
        FitSettings(num_atoms=24, k=4), FrontierSettings(k=(20, 30), penalties=()), 16, 0
    )
    told = {(each.of["method"], each.of["k"]) for each in gaps}
    assert ("pca", 20) in told
    assert ("top-k", 30) in told
    assert ("random", 20) not in told
    assert {f"{name}_k-{k}" for name, k in told}.isdisjoint(members)
    assert "24 atoms" in left_out(gaps)
    assert left_out([]) == ""


def test_a_basis_cannot_be_given_another_number_of_atoms():
    with pytest.raises(UserError, match="as many atoms as the site is wide, 16"):
        main_member(FitSettings(method="neuron-basis", num_atoms=8), 16, 0)
