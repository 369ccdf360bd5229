"""The loop: a bandit is learnt, a stopped run goes on to the same weights, mistakes are told."""

import copy

import numpy as np
import pytest
import torch

from tacit.base.errors import UserError
from tacit.models import load_subject
from tacit.training.grpo import GrpoSettings, grpo
from training.grpo.micro_policies import bandit, policy, weights_of

SETTINGS = GrpoSettings(num_steps=6, learning_rate=1e-2, checkpoint_seconds=0)


class Killed(Exception):
    pass


@pytest.fixture(scope="module")
def straight():
    """The weights and figures of a run that was never stopped, in two minibatches a step."""
    subject = policy()
    settings = SETTINGS.model_copy(update={"minibatches": 2})
    return settings, grpo(subject, bandit, settings, seed=3), weights_of(subject.model)


def test_the_reward_of_a_bandit_rises():
    figures = grpo(policy(), bandit, GrpoSettings(num_steps=16, learning_rate=2e-2), seed=0)
    assert [each.step for each in figures] == list(range(16))
    assert figures[0].reward < 0.2 and figures[-1].reward > 0.9
    assert figures[0].parts == {"output": figures[0].reward}
    assert figures[-1].entropy < figures[0].entropy - 1


def test_a_policy_learns_in_its_own_number_type():
    subject = load_subject(policy().model.to(torch.bfloat16))
    figures = grpo(subject, bandit, SETTINGS, seed=0, reference=policy())
    assert {weight.dtype for weight in subject.model.parameters()} == {torch.bfloat16}
    assert figures[-1].reward > figures[0].reward + 0.05 and figures[-1].kl > 0


def test_a_policy_held_to_its_reference_moves_less():
    def run(weight):
        settings = SETTINGS.model_copy(update={"kl_weight": weight})
        return grpo(policy(), bandit, settings, seed=0, reference=policy())[-1]

    free, held = run(0.0), run(1.0)
    assert 0 <= held.kl < 0.5 * free.kl and held.reward < free.reward


@pytest.mark.parametrize("stopped_at", [0, 3, 5])
def test_a_stopped_run_goes_on_to_the_same_weights(straight, stopped_at, tmp_path):
    settings, figures, weights = straight

    def stop(found):
        if found.step == stopped_at:
            raise Killed

    with pytest.raises(Killed):
        grpo(policy(), bandit, settings, seed=3, folder=tmp_path, report=stop)
    seen, subject = [], policy()
    again = grpo(subject, bandit, settings, seed=3, folder=tmp_path, report=seen.append)
    assert again == figures and [each.step for each in seen] == list(range(stopped_at, 6))
    for name, value in subject.model.named_parameters():
        assert value.equal(weights[name]), name
    finished = policy()
    assert grpo(finished, bandit, settings, seed=3, folder=tmp_path) == figures
    assert weights_of(finished.model).keys() == weights.keys()


def test_a_folder_of_another_run_is_refused(tmp_path):
    short = SETTINGS.model_copy(update={"num_steps": 1})
    grpo(policy(), bandit, short, seed=0, folder=tmp_path)
    for changed, told in (
        (
            {"settings": short.model_copy(update={"clip": 0.1})},
            "clip: 0.2 there, 0.1 asked",
        ),
        ({"seed": 1}, "seed: 0 there, 1 asked"),
        ({"policy": policy(1)}, "policy: "),
    ):
        with pytest.raises(UserError, match=told):
            grpo(
                **{"policy": policy(), "play": bandit, "settings": short, "seed": 0}
                | changed,
                folder=tmp_path,
            )


def test_weights_are_kept_no_oftener_than_asked(tmp_path, monkeypatch):
    from tacit.training.grpo import loop

    kept = []
    monkeypatch.setattr(loop, "keep_steps", lambda _m, _o, all_, *_: kept.append(len(all_)))
    rarely = SETTINGS.model_copy(update={"checkpoint_seconds": 1e6})
    grpo(policy(), bandit, rarely, seed=0, folder=tmp_path)
    assert kept == [6]


def test_another_seed_orders_minibatches_otherwise(straight):
    settings, _, weights = straight
    subject = policy()
    grpo(subject, bandit, settings, seed=4)
    assert any(
        not value.equal(weights[name]) for name, value in subject.model.named_parameters()
    )


def test_dropout_is_off_while_a_policy_learns(subject_with_dropout):
    """So that the policy that is trained is the one that wrote: the first losses are 0."""
    play = lambda subject, step: bandit(subject, step)  # noqa: E731
    figures = grpo(subject_with_dropout, play, SETTINGS, seed=0)
    assert np.abs(figures[0].loss) < 1e-6
    assert not subject_with_dropout.model.training


@pytest.fixture
def subject_with_dropout():
    model = policy().model
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.5
    return load_subject(model)


def test_what_cannot_learn_is_told_why():
    frozen = load_subject(copy.deepcopy(policy().model).requires_grad_(False))
    with pytest.raises(UserError, match="no weight of GPTNeoXForCausalLM can learn"):
        grpo(frozen, bandit, SETTINGS, seed=0)
    held = SETTINGS.model_copy(update={"kl_weight": 0.1})
    with pytest.raises(UserError, match=r"kl_weight is 0.1 and no reference was given"):
        grpo(policy(), bandit, held, seed=0)
    subject = policy()
    with pytest.raises(UserError, match="the reference is the model of .* itself"):
        grpo(subject, bandit, SETTINGS, seed=0, reference=load_subject(subject.model))


def test_an_encoder_writes_nothing():
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    encoder = BertModel(BertConfig(vocab_size=20, intermediate_size=16, **sizes))
    with pytest.raises(UserError, match="no head that predicts the next token"):
        grpo(load_subject(encoder), bandit, SETTINGS, seed=0)
