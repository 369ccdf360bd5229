"""The supervised loop by token and with replay: which tokens are learnt, and from which rows."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

from tacit.base.errors import UserError
from tacit.training.pretrain import PretrainSettings, pretrain

PADDING = -1
SETTINGS = PretrainSettings(
    num_steps=4, batch_contexts=3, warm_up_steps=0, learning_rate=1e-2
)
ROWS = np.random.default_rng(0).integers(11, size=(6, 7))
ROWS[1, 4:] = PADDING
REPLAY = np.random.default_rng(1).integers(11, size=(5, 9))
REPLAY[3, 6:] = PADDING


def model_of(seed=0):
    torch.manual_seed(seed)
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = GPTNeoXConfig(
        vocab_size=11, intermediate_size=16, max_position_embeddings=16, **sizes
    )
    return GPTNeoXForCausalLM(config)


def train(model, settings=SETTINGS, rows=ROWS, **others):
    return pretrain(model, rows, settings, padding=PADDING, seed=0, **others)


def same(one, other):
    return all(
        value.equal(other.state_dict()[name]) for name, value in one.state_dict().items()
    )


def losses_by_hand(row):
    """The loss of each token of a row that follows another."""
    ids = torch.from_numpy(row[row != PADDING])
    with torch.no_grad():
        logs = model_of()(input_ids=ids[None]).logits[0, :-1].log_softmax(dim=-1)
    return -logs.gather(1, ids[1:, None])[:, 0].numpy()


def test_the_loss_is_the_mean_over_the_tokens_counted():
    counted = np.random.default_rng(2).random(ROWS.shape) < 0.4
    counted &= ROWS != PADDING
    (found,) = train(
        model_of(), replace(SETTINGS, num_steps=1, batch_contexts=6), counted=counted
    )
    taken = [
        losses_by_hand(row)[own[row != PADDING][1:]]
        for row, own in zip(ROWS, counted, strict=True)
    ]
    assert found == pytest.approx(np.concatenate(taken).mean(), rel=1e-5)


def test_every_token_counted_is_the_training_without_a_choice():
    one, other = model_of(), model_of()
    assert train(one) == train(other, counted=ROWS != PADDING)
    assert same(one, other)


def test_tokens_that_are_not_counted_are_still_read():
    """The last token alone is learnt, of rows that differ before it."""
    counted = np.zeros(ROWS.shape, bool)
    counted[:, 3] = True
    changed = ROWS.copy()
    changed[:, 0] = (changed[:, 0] + 1) % 11
    one, other = (train(model_of(), rows=rows, counted=counted) for rows in (ROWS, changed))
    assert one != other


def test_replayed_rows_are_joined_into_one_mean():
    counted = np.zeros(ROWS.shape, bool)
    counted[:, 2] = True
    settings = replace(SETTINGS, num_steps=1, batch_contexts=6, replay_contexts=5)
    (found,) = train(model_of(), settings, counted=counted, replay=REPLAY)
    own = [losses_by_hand(row)[1] for row in ROWS]
    again = np.concatenate([losses_by_hand(row) for row in REPLAY])
    assert found == pytest.approx(np.concatenate([own, again]).mean(), rel=1e-5)


def test_replay_decides_the_training(tmp_path):
    settings = replace(SETTINGS, replay_contexts=2, checkpoint_seconds=0)
    whole, resumed = model_of(), model_of(seed=5)
    curve = train(whole, settings, replay=REPLAY)

    def stop(step, _loss):
        if step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(model_of(), settings, replay=REPLAY, folder=tmp_path, report=stop)
    assert train(resumed, settings, replay=REPLAY, folder=tmp_path) == curve
    assert same(whole, resumed) and curve != train(model_of())
    with pytest.raises(UserError, match="replay: "):
        train(model_of(), settings, replay=REPLAY[:-1], folder=tmp_path)
    with pytest.raises(UserError, match="counted"):
        train(
            model_of(),
            settings,
            replay=REPLAY,
            counted=np.ones(ROWS.shape, bool),
            folder=tmp_path,
        )


@pytest.mark.parametrize(
    ("contexts", "replay", "told"),
    [(2, None, "replay_contexts is 2 .* not given"), (0, REPLAY, "replay_contexts is 0")],
)
def test_replay_is_given_whole_or_not_at_all(contexts, replay, told):
    with pytest.raises(UserError, match=told):
        train(model_of(), replace(SETTINGS, replay_contexts=contexts), replay=replay)


def test_what_is_frozen_is_neither_moved_nor_kept(tmp_path):
    from safetensors import safe_open

    model = model_of()
    model.gpt_neox.embed_in.weight.requires_grad_(False)
    before = model.gpt_neox.embed_in.weight.clone()
    train(model, folder=tmp_path)
    assert model.gpt_neox.embed_in.weight.equal(before)
    with safe_open(tmp_path / "state-4.safetensors", "pt") as kept:
        assert "model.gpt_neox.embed_in.weight" not in kept.keys()  # noqa: SIM118
        assert "model.lm_head.weight" in kept.keys()  # noqa: SIM118
