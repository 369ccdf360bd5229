"""The loop resumes to the same weights, shows each row once an epoch, and skips padding."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

from tacit.base.errors import UserError
from tacit.training import kept_training
from tacit.training import pretrain as module
from tacit.training.pretrain import (
    PretrainSettings,
    batch_rows,
    next_token_losses,
    pretrain,
)

PADDING = -1
SETTINGS = PretrainSettings(
    num_steps=12,
    batch_contexts=3,
    warm_up_steps=4,
    learning_rate=1e-2,
    checkpoint_seconds=0,
)


def model_of(seed=0):
    torch.manual_seed(seed)
    return GPTNeoXForCausalLM(
        GPTNeoXConfig(
            vocab_size=11,
            hidden_size=8,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=16,
            max_position_embeddings=8,
        )
    )


@pytest.fixture(scope="module")
def rows():
    """Seven rows of eight tokens that repeat with a period of three; some are short."""
    tokens = (np.arange(8)[None, :] % 3) + np.arange(7)[:, None]
    tokens[2, 5:] = tokens[5, 3:] = PADDING
    return tokens


def weights_of(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def train(model, rows, settings=SETTINGS, **others):
    return pretrain(model, rows, settings, padding=PADDING, seed=0, **others)


@pytest.fixture(scope="module")
def straight(rows):
    """Weights and curve of a training that was never stopped."""
    model = model_of()
    curve = train(model, rows)
    return weights_of(model), curve


class Killed(Exception):
    pass


def test_the_loss_falls_and_the_model_is_left_ready(rows, straight):
    _, curve = straight
    assert len(curve) == SETTINGS.num_steps
    assert curve[0] == pytest.approx(math.log(11), rel=0.1)
    assert curve[-1] < curve[0] - 0.15
    model = model_of()
    train(model, rows, replace(SETTINGS, num_steps=1))
    assert not model.training


@pytest.mark.parametrize("stopped_at", [0, 6, 11])
def test_a_stopped_training_resumes_to_identical_weights(
    rows, straight, tmp_path, stopped_at
):
    def stop(step, _loss):
        if step == stopped_at:
            raise Killed

    with pytest.raises(Killed):
        train(model_of(), rows, folder=tmp_path, report=stop)
    seen = []
    other = model_of(seed=5)  # what is in the folder counts, once there is anything
    model = other if stopped_at else model_of()
    curve = train(
        model, rows, folder=tmp_path, report=lambda step, _loss: seen.append(step)
    )
    assert seen == list(range(stopped_at, SETTINGS.num_steps))
    assert curve == straight[1]
    for name, value in model.state_dict().items():
        assert value.equal(straight[0][name]), name


def test_a_kill_between_state_and_curve_resumes_from_the_state_before(
    rows, straight, tmp_path, monkeypatch
):
    written = kept_training.write_atomically

    def killed_at_five(path, content):
        if json.loads(content)["step"] == 5:
            raise Killed
        written(path, content)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(kept_training, "write_atomically", killed_at_five)
        train(model_of(), rows, folder=tmp_path)
    assert len(list(tmp_path.glob("state-*.safetensors"))) == 2
    model = model_of(seed=5)
    assert train(model, rows, folder=tmp_path) == straight[1]
    for name, value in model.state_dict().items():
        assert value.equal(straight[0][name]), name
    assert [path.name for path in tmp_path.glob("state-*")] == ["state-12.safetensors"]


def test_a_finished_training_is_only_read(rows, straight, tmp_path):
    train(model_of(), rows, folder=tmp_path)
    model = model_of(seed=5)
    assert train(model, rows, folder=tmp_path) == straight[1]
    for name, value in model.state_dict().items():
        assert value.equal(straight[0][name]), name


def test_states_are_kept_no_oftener_than_asked(rows, tmp_path, monkeypatch):
    kept = []
    monkeypatch.setattr(module, "keep", lambda _m, _o, curve, *_: kept.append(len(curve)))
    train(model_of(), rows, replace(SETTINGS, checkpoint_seconds=1e6), folder=tmp_path)
    assert kept == [SETTINGS.num_steps]


def test_a_folder_of_another_training_is_refused(rows, tmp_path):
    train(model_of(), rows, folder=tmp_path)
    for changed, told in (
        ({"settings": replace(SETTINGS, learning_rate=2e-2)}, "learning_rate: 0.01 there"),
        ({"rows": rows[:-1]}, "rows"),
    ):
        with pytest.raises(UserError, match=told):
            train(model_of(), **({"rows": rows, "folder": tmp_path} | changed))
    with pytest.raises(UserError, match="seed: 0 there, 1 asked"):
        pretrain(model_of(), rows, SETTINGS, padding=PADDING, seed=1, folder=tmp_path)
    often = replace(SETTINGS, checkpoint_seconds=9.0)
    assert len(train(model_of(), rows, often, folder=tmp_path)) == SETTINGS.num_steps


@pytest.mark.parametrize(("num_rows", "batch"), [(10, 4), (7, 7), (3, 8), (1, 2)])
def test_every_epoch_shows_every_row_once(num_rows, batch):
    steps = [batch_rows(num_rows, batch, 0, step) for step in range(4 * num_rows)]
    assert all(len(rows) == batch for rows in steps)
    epochs = np.concatenate(steps).reshape(-1, num_rows)
    assert (np.sort(epochs, axis=1) == np.arange(num_rows)).all()
    if num_rows == 10:
        assert len({tuple(epoch) for epoch in epochs.tolist()}) > 1


def test_the_order_is_the_seeds():
    assert batch_rows(50, 20, 0, 3).tolist() == batch_rows(50, 20, 0, 3).tolist()
    assert batch_rows(50, 20, 0, 3).tolist() != batch_rows(50, 20, 1, 3).tolist()


def test_the_rate_rises_to_its_peak_and_falls_to_a_tenth():
    settings = PretrainSettings(num_steps=1_000, learning_rate=3e-3, warm_up_steps=100)
    rates = [settings.rate_at(step) for step in range(1_000)]
    assert rates[0] == pytest.approx(3e-5)
    assert rates[49] == pytest.approx(1.5e-3, rel=0.01)
    assert max(rates) == rates[99] == pytest.approx(3e-3, rel=0.03)
    assert settings.rate_at(1_000) == pytest.approx(3e-4)
    assert rates[-1] == pytest.approx(3e-4, rel=1e-3)
    assert (np.diff(rates[:100]) > 0).all()
    assert (np.diff(rates[99:]) < 0).all()
    assert replace(settings, warm_up_steps=0).rate_at(0) == 3e-3


def test_the_loss_is_that_of_the_tokens_that_stand(rows):
    """As many as follow another, and as transformers says of each row alone."""
    model, ids = model_of(), torch.from_numpy(rows)
    mask = ids != PADDING
    with torch.no_grad():
        logits = model(input_ids=ids.clamp(min=0), attention_mask=mask.long()).logits
    found = next_token_losses(logits, ids, PADDING)
    alone = []
    for row in ids:
        short = row[row != PADDING][None]
        loss = model(input_ids=short, labels=short).loss
        alone.append(loss.item() * (short.numel() - 1))
    lengths = (mask.sum(dim=1) - 1).tolist()
    assert len(found) == sum(lengths)
    sums = [float(part.sum()) for part in found.split(lengths)]
    np.testing.assert_allclose(sums, alone, rtol=1e-5)
    garbage = logits.clone()
    garbage[2, 4:] = garbage[5, 2:] = math.nan
    assert next_token_losses(garbage, ids, PADDING).equal(found)


def test_what_stands_under_padding_does_not_move_the_weights(rows):
    """A row cut short trains as the same row of its own length."""
    short = np.where(np.arange(8) < 5, rows[:1], PADDING)
    one = replace(SETTINGS, num_steps=3, batch_contexts=1)
    padded, cut = model_of(), model_of()
    curve = train(padded, short, one)
    assert curve == pytest.approx(train(cut, short[:, :5], one), rel=1e-5)
    for name, value in padded.state_dict().items():
        torch.testing.assert_close(value, cut.state_dict()[name], rtol=1e-3, atol=1e-5)


def test_weight_decay_is_for_matrices_alone():
    optimiser = module._optimiser(model_of(), SETTINGS)
    matrices, others = optimiser.param_groups
    assert {p.ndim for p in matrices["params"]} == {2}
    assert {p.ndim for p in others["params"]} == {1}
    assert (matrices["weight_decay"], others["weight_decay"]) == (0.1, 0.0)


def test_a_training_that_diverges_says_so(rows):
    model = model_of()
    with torch.no_grad():
        next(model.parameters())[0, 0] = math.nan
    with pytest.raises(UserError, match="diverged at step 0 .*lower learning_rate"):
        train(model, rows, replace(SETTINGS, batch_contexts=7))


@pytest.mark.parametrize(
    "wrong",
    [
        {"num_steps": 0},
        {"batch_contexts": 0},
        {"learning_rate": 0.0},
        {"learning_rate": math.nan},
        {"max_gradient_norm": 0.0},
        {"warm_up_steps": -1},
        {"weight_decay": -0.1},
        {"checkpoint_seconds": -1.0},
    ],
)
def test_settings_that_cannot_train_are_refused(wrong):
    with pytest.raises(UserError, match=str(next(iter(wrong.values())))):
        PretrainSettings(**({"num_steps": 5} | wrong))
