"""One feature's case says what its site, the final norm and the head say by hand."""

import dataclasses
import json
import shutil
from dataclasses import asdict

import numpy as np
import pytest
import torch
from torch.nn.functional import layer_norm

from tacit.activations.harvest import HarvestSettings, harvest
from tacit.activations.windows import windows_in
from tacit.base.errors import UserError
from tacit.base.folders import read_manifest
from tacit.base.records import Gap, Result
from tacit.data.text import load_text
from tacit.dictionaries import Dictionary, TopK, save_dictionary
from tacit.dictionaries.selections import Largest, Relu
from tacit.features.index import open_index
from tacit.metrics.labels import f1
from tacit.models import load_subject
from tacit.verbs.effects_of_feature import effects_of_feature
from tacit.verbs.feature_rivals import OWN_TOKENS, own_tokens, sign_scores
from tacit.verbs.learn import learn
from tacit.verbs.settings import FitSettings, LearnSettings, TextSettings
from tacit.verbs.source import contract_of
from tacit.verbs.steps import index as run_index
from tacit.verbs.studied_feature import Studied, studied

SITE = "resid.1"  # the last one: after it come the final norm and the head alone
PLANTED, DEAD, IN_TRAINING = 0, 1, 2
NEURON, SCALE = 5, 2.0


@pytest.fixture(scope="module")
def store(tmp_path_factory, tiny_subject, programs):
    return harvest(
        tiny_subject,
        load_text(programs),
        [SITE],
        tmp_path_factory.mktemp("stores") / "store",
        settings=HarvestSettings(dtype="float32", batch_contexts=4),
    )


def only_in_training(store):
    """A unit direction and a threshold between the largest held-out and training projections."""
    held, usable = store.column("held_out"), store.usable(SITE)
    rows = store.vectors(SITE, np.arange(store.num_tokens))
    for direction in [*torch.eye(16), *-torch.eye(16)]:
        along = (rows @ direction).numpy()
        most = along[usable & ~held].max(), along[usable & held].max()
        if most[0] > most[1] > 0:
            return direction, float(sum(most)) / 2
    raise AssertionError("no coordinate is largest in training text")


@pytest.fixture(scope="module")
def planted(store):
    """Three features by hand: one of known direction, a dead one, one in training text alone."""
    direction = 0.6 * torch.eye(16)[2] - 0.8 * torch.eye(16)[NEURON]
    rows = store.vectors(SITE, np.flatnonzero(store.usable(SITE)))
    elsewhere, higher = only_in_training(store)
    atoms = torch.stack([direction, direction, elsewhere])
    threshold = (rows @ direction).quantile(0.9)
    return Dictionary(
        atoms=atoms,
        encoder=atoms.clone(),
        encoder_bias=-torch.tensor([threshold, 1e6, higher]) / SCALE,
        centre=torch.zeros(16),
        scale=SCALE,
        selection=Relu(),
        contract=contract_of(store, SITE),
        method="top-k",  # as which random weights are fitted
        settings=asdict(TopK(num_atoms=24, k=3)),
        seed=0,
    )


def parts_of(folder, dictionary, store, tiny):
    """An index made of a dictionary, with the settings of a quick fit beside it."""
    save_dictionary(dictionary, folder / "dictionary")
    fit = {"kind": "dictionary", "configuration": {"fit": {"steps": 30, "batch": 128}}}
    (folder / "dictionary" / "manifest.json").write_text(json.dumps(fit))
    run_index(folder / "dictionary", store.folder, folder / "index")
    found = studied(
        index=folder / "index",
        model=str(tiny),
        dictionary=folder / "dictionary",
        store=store.folder,
    )
    assert found.home == folder / "index-effects"
    return found


@pytest.fixture(scope="module")
def of_planted(tmp_path_factory, planted, store, tiny):
    return parts_of(tmp_path_factory.mktemp("planted"), planted, store, tiny)


@pytest.fixture(scope="module")
def case(of_planted):
    return effects_of_feature(of_planted, PLANTED)


@pytest.fixture(scope="module")
def by_hand(tiny_subject, store, planted):
    """Of each held-out usable position: activation, token, next one, document, rise, change."""
    windows = windows_in(store, SITE, held_out=True)
    model, columns = tiny_subject.model, []
    norm = model.gpt_neox.final_layer_norm

    def predicted(stream):
        with torch.no_grad():
            normed = layer_norm(stream, (16,), norm.weight, norm.bias, norm.eps)
            return (normed @ model.lm_head.weight.T).log_softmax(dim=-1)

    rows = store.vectors(SITE, np.arange(store.num_tokens))
    contexts = store.column("context")
    for number in np.unique(contexts[store.column("held_out")]):
        own = contexts == number
        stream, ids = rows[own], torch.from_numpy(store.column("token")[own])
        value = (
            stream / SCALE @ planted.encoder[PLANTED] + planted.encoder_bias[PLANTED]
        ).relu()
        value = value * torch.from_numpy(store.usable(SITE)[own])
        before = predicted(stream)
        after = predicted(stream - SCALE * value[:, None] * planted.atoms[PLANTED])
        change = after - before
        rise, following = torch.full((len(ids),), torch.nan), torch.full((len(ids),), -1)
        rise[:-1] = -change[:-1].gather(1, ids[1:, None].long())[:, 0]
        following[:-1] = ids[1:]
        usable = torch.from_numpy(store.usable(SITE)[own])
        document = torch.from_numpy(store.column("document")[own])
        every = (value, ids, following, document, rise, change)
        columns.append([each[usable] for each in every])
    assert len(columns) == len(windows.ids)
    return [torch.cat(column).double().numpy() for column in zip(*columns, strict=True)]


def arm_of(case, name):
    return next(arm for arm in case.arms if arm.name == name)


def found(arm, name):
    return next(record for record in arm.records if record.name == name)


def test_changes_are_those_of_the_final_norm_and_the_head_by_hand(
    case, by_hand, of_planted
):
    value, _, _, document, _, change = by_hand
    active = value > 0
    mean = change[active].mean(axis=0)
    arm = case.arms[0]
    assert arm.positions == active.sum() > 20
    names = {}
    for token, text in enumerate(of_planted.index.vocabulary):
        names.setdefault(text.replace(" ", "␣").replace("\n", "↵"), []).append(token)
    rows = arm.tables["changes"]
    order = np.argsort(mean)
    told = [row["change"] for row in rows]
    expected = [*mean[order[:6]], *mean[order[::-1][:6]]]
    np.testing.assert_allclose(told, expected, rtol=1e-3, atol=1e-6)
    for row in rows:
        assert row["positions"] == active.sum()
        assert row["documents"] == len(np.unique(document[active]))
        assert row["low"] < row["change"] < row["high"]
        if row["token"] in names and len(names[row["token"]]) == 1:
            (token,) = names[row["token"]]
            assert row["change"] == pytest.approx(mean[token], rel=1e-3)
    assert [row["side"] for row in rows] == ["less likely"] * 6 + ["likelier"] * 6


def test_figures_are_those_counted_by_hand(case, by_hand, of_planted):
    value, tokens, following, document, rise, _ = by_hand
    own, active = own_tokens(of_planted.index, PLANTED), value > 0
    is_own = np.isin(tokens, own)
    high = value > 0.6 * value.max()
    scored = active & is_own & ~np.isnan(rise)
    expected = {
        "density": active.mean(),
        "f1": f1(value, is_own, 0.0),
        "token_purity": is_own[high].mean(),
        "ablation_rise": rise[scored].mean(),
    }
    arm = case.arms[0]
    for name, figure in expected.items():
        result = found(arm, name)
        assert isinstance(result, Result)
        assert result.value == pytest.approx(figure, rel=1e-3), name
    assert found(arm, "density").n == len(np.unique(document))
    strong = active & (np.nan_to_num(rise, nan=-1) >= 0.1)
    lost = [
        (rise[strong & (following == token)].sum(), active & (following == token))
        for token in np.unique(following[strong])
    ]
    most = sorted(lost, key=lambda pair: -pair[0])[:6]
    rows = arm.tables["follows"]
    assert [row["positions"] for row in rows] == [where.sum() for _, where in most]
    assert [row["strong"] for row in rows] == [(where & strong).sum() for _, where in most]
    told, expected = (
        [row["rise"] for row in rows],
        [rise[where].mean() for _, where in most],
    )
    np.testing.assert_allclose(told, expected, rtol=1e-3)


def test_own_tokens_are_the_commonest_of_the_strong_training_positions(of_planted, store):
    along = of_planted.dictionary.encode(
        store.vectors(SITE, np.arange(store.num_tokens))
    ).dense()[:, PLANTED]
    along = along.numpy() * store.usable(SITE) * ~store.column("held_out")
    strong = store.column("token")[along > 0.6 * along.max()]
    kinds, counts = np.unique(strong, return_counts=True)
    own = own_tokens(of_planted.index, PLANTED)
    assert 0 < len(own) <= OWN_TOKENS
    assert sum(counts[kinds == token].sum() for token in own) == sum(
        sorted(counts)[::-1][:OWN_TOKENS]
    )
    assert own_tokens(of_planted.index, DEAD) == []


def test_the_nearest_neuron_is_the_largest_coordinate_on_the_side_of_its_sign(case, store):
    arm = arm_of(case, "its nearest neuron")
    assert arm.which == f"neuron {NEURON}, below its mean"
    assert "0.80 of its length" in arm.chosen
    held, usable = store.column("held_out"), store.usable(SITE)
    along = store.vectors(SITE, np.arange(store.num_tokens))[:, NEURON].numpy()
    below = along < along[usable & ~held].mean()
    assert arm.positions == pytest.approx((below & usable & held).sum(), rel=0.02)


def test_histograms_sum_to_the_active_positions(case):
    for arm in case.arms:
        rows = arm.tables["tokens"]
        assert sum(row["count"] for row in rows) == arm.positions > 0
        assert len(rows) % 10 == 0
        assert all(0 <= row["share"] <= 1 for row in arm.tables["tenths"])


def test_promoted_logits_are_the_direction_through_norm_and_head(
    case, planted, tiny_subject
):
    model = tiny_subject.model
    centred = planted.atoms[PLANTED] - planted.atoms[PLANTED].mean()
    logits = model.lm_head.weight @ (centred * model.gpt_neox.final_layer_norm.weight)
    ordered = logits.detach().sort(descending=True).values
    told = [row["logit"] for row in case.arms[0].tables["promoted"]]
    np.testing.assert_allclose(told, [*ordered[:6], *ordered[-6:]], rtol=1e-4)


def test_random_weights_are_matched_by_f1_and_the_same_each_time(
    case, of_planted, tmp_path
):
    arm = arm_of(case, "random weights")
    assert "24 atoms, k 3" in arm.chosen
    assert "30 steps of 128" in arm.chosen
    assert isinstance(found(arm, "f1"), Result)
    again = effects_of_feature(of_planted, PLANTED, out=tmp_path / "again")
    assert again.arms == case.arms
    without = effects_of_feature(of_planted, PLANTED, out=tmp_path / "b", control=False)
    assert without.arms == case.arms[:2]


def test_scores_of_signs_are_f1_of_being_active(planted):
    rng = torch.Generator().manual_seed(3)
    rows = torch.randn(200, 16, generator=rng) * 3
    truth = torch.rand(200, generator=rng) < 0.3
    scores = sign_scores(planted, rows, truth)
    values = planted.encode(rows).dense().double().numpy()
    for atom in range(3):
        assert scores[atom] == pytest.approx(f1(values[:, atom], truth.numpy(), 0.0))


def test_the_report_draws_every_arm_and_says_how_it_was_chosen(case):
    page = case.report.read_text()
    for words in (
        "Feature 0 of tiny",
        "below its mean",
        "with random weights",
        "own tokens",
    ):
        assert words in page
    assert page.count("<svg") >= 7
    assert read_manifest(case.folder)["kind"] == "feature"


def test_a_finished_case_comes_back_without_the_model(case, of_planted, monkeypatch):
    def gone(_):
        raise AssertionError("the model was loaded")

    monkeypatch.setattr(Studied, "subject", gone)
    assert effects_of_feature(of_planted, PLANTED) == case
    case.report.unlink()
    assert effects_of_feature(of_planted, PLANTED).report.exists()
    with pytest.raises(UserError, match="windows: 100 there, 2 asked"):
        effects_of_feature(of_planted, PLANTED, windows=2)


def test_windows_that_are_left_out_are_counted(of_planted, store, tmp_path):
    few = effects_of_feature(
        of_planted, PLANTED, out=tmp_path / "x", windows=2, control=False
    )
    left_out = windows_in(store, SITE, held_out=True, max_windows=2).num_left_out
    assert left_out > 0
    assert f"{left_out} held-out windows were left out" in few.report.read_text()


def test_a_feature_never_active_in_held_out_text_leaves_gaps(of_planted, tmp_path):
    quiet = effects_of_feature(of_planted, IN_TRAINING, out=tmp_path / "quiet")
    first, _, control = quiet.arms
    assert first.positions == 0
    assert all(isinstance(found(first, name), Gap) for name in ("density", "f1"))
    assert "active at none of the" in first.reason("token_purity")
    assert first.tables["tokens"] == first.tables["changes"] == []
    assert len(first.tables["promoted"]) == 12  # a direction promotes wherever it fires
    assert "F1" in control.chosen
    dead = effects_of_feature(of_planted, DEAD, out=tmp_path / "dead")
    neuron, control = dead.arms[1:]
    assert isinstance(found(neuron, "density"), Result)
    assert "no token is its own" in neuron.reason("f1")
    assert "no token is its own" in control.chosen
    assert control.which == "none"
    assert "active at none of the" in dead.report.read_text()


def test_values_below_zero_are_counted(planted, store, tiny, tmp_path):
    signed = dataclasses.replace(
        planted, selection=Largest(k=3), encoder_bias=torch.zeros(3), method="by hand"
    )
    of_signed = parts_of(tmp_path, signed, store, tiny)
    first, _, control = effects_of_feature(of_signed, PLANTED).arms
    along = signed.encode(store.vectors(SITE, np.arange(store.num_tokens))).dense()[:, 0]
    kept = torch.from_numpy(store.usable(SITE) & store.column("held_out"))
    assert first.below_zero == int((along[kept] < 0).sum()) > 0
    assert "by hand cannot be fitted again" in control.chosen


def test_an_encoder_has_a_histogram_and_gaps(tmp_path, tiny, programs):
    from transformers import AutoTokenizer, BertConfig, BertModel

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=400,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(tmp_path / "bert")
    AutoTokenizer.from_pretrained(tiny).save_pretrained(tmp_path / "bert")
    settings = HarvestSettings(dtype="float32", batch_contexts=4)
    store = harvest(
        load_subject(tmp_path / "bert"),
        load_text(programs),
        ["resid.0"],
        tmp_path / "store",
        settings=settings,
    )
    atoms = torch.eye(16)
    dictionary = Dictionary(
        atoms=atoms,
        encoder=atoms.clone(),
        encoder_bias=torch.zeros(16),
        centre=torch.zeros(16),
        scale=1.0,
        selection=Relu(),
        contract=contract_of(store, "resid.0"),
        method="top-k",
        settings=asdict(TopK(num_atoms=8, k=2)),
        seed=0,
    )
    parts = parts_of(tmp_path, dictionary, store, tmp_path / "bert")
    for arm in effects_of_feature(parts, 3).arms:
        assert sum(row["count"] for row in arm.tables["tokens"]) == arm.positions > 0
        assert arm.tables["changes"] == arm.tables["promoted"] == []
        for name in ("ablation_rise", "log_probability_changes", "promoted_tokens"):
            assert "encoder and predicts no next token" in arm.reason(name)


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny, programs):
    """A run of a model that has moved since."""
    folder = tmp_path_factory.mktemp("runs")
    shutil.copytree(tiny, folder / "model")
    settings = LearnSettings(
        model=str(folder / "model"),
        site="mlp.1",
        text=TextSettings(source=str(programs)),
        fit=FitSettings(k=4, steps=20, batch=256),
        frontier=None,
        shown_features=2,
    )
    learn(settings, folder / "run")
    return folder / "run", settings


def test_a_run_holds_all_that_is_needed_and_stays_finished(run, tiny):
    folder, settings = run
    feature = int(open_index(folder / "index").features.column("count").to_numpy().argmax())
    found_in = studied(folder)
    case = effects_of_feature(found_in, feature)
    assert case.folder == folder / "effects" / f"feature-{feature}"
    assert "20 steps of 256" in case.arms[2].chosen
    for arm in case.arms:  # mlp.1 is no place that the logits are read from
        assert "adds nothing to the residual stream" in arm.reason("promoted_tokens")
        assert arm.tables["changes"]
    before = (folder / "report.html").read_bytes()
    learn(settings, folder)
    assert (folder / "report.html").read_bytes() == before
    gone = folder.parent / "model"
    gone.rename(folder.parent / "elsewhere")
    with pytest.raises(UserError, match="no such folder"):
        effects_of_feature(found_in, 1)
    moved = studied(folder, model=str(folder.parent / "elsewhere"))
    assert effects_of_feature(moved, 1, windows=2, control=False).report.exists()
    (folder.parent / "elsewhere").rename(gone)


def test_what_does_not_belong_together_is_refused(of_planted, run, tiny, store, tmp_path):
    with pytest.raises(UserError, match="features 0 to 2"):
        effects_of_feature(of_planted, 3)
    with pytest.raises(UserError, match="0 windows"):
        effects_of_feature(of_planted, 0, windows=0)
    with pytest.raises(UserError, match="holds a store"):
        studied(store.folder)
    with pytest.raises(UserError, match="which has its own"):
        studied(run[0], store=store.folder)
    with pytest.raises(UserError, match="without MODEL, --store"):
        studied(index=of_planted.index.folder, dictionary="d")
    other = dataclasses.replace(of_planted.dictionary, scale=3.0)
    with pytest.raises(UserError, match="index of another dictionary"):
        dataclasses.replace(of_planted, dictionary=other)
    shutil.copytree(tiny, tmp_path / "changed")
    model = load_subject(tmp_path / "changed").model
    with torch.no_grad():
        model.gpt_neox.embed_in.weight.add_(0.1)
    model.save_pretrained(tmp_path / "changed")
    changed = dataclasses.replace(of_planted, model=str(tmp_path / "changed"))
    with pytest.raises(UserError, match="its weights differ"):
        effects_of_feature(changed, DEAD)
    assert not (of_planted.home / "feature-1").exists()
