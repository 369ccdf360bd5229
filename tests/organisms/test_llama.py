"""The Llama architecture through the code of the 7B recipe: adapters, accelerate, the same loop."""

import copy

import numpy as np
import pytest
import torch
from accelerate import Accelerator

from tacit.base.seeds import stream
from tacit.models import load_subject
from tacit.organisms.rewarding import output_rewards, reward_of
from tacit.organisms.rl_settings import RlSettings
from tacit.organisms.tiers.base import (
    BaseSettings,
    load_base,
    new_model,
    tokenizer,
    train_base,
)
from tacit.organisms.tiers.evaluating import evaluate
from tacit.organisms.tiers.organisms import OrganismSettings, make_organism
from tacit.organisms.tiers.played import episodes_of
from tacit.organisms.tiers.playing import play
from tacit.organisms.tiers.prompts import draw_prompts
from tacit.training.grpo import Graded, GrpoSettings, grpo
from tacit.training.grpo.adapters import with_lora, without_adapters

GROUP = 8
BASE = BaseSettings(architecture="llama", num_steps=2_000)
EVALUATED = 1_000
"""Prompts a tier: an interval of 4.5 points to either side at most."""


def by_output(played):
    return output_rewards(played, reward_of, RlSettings())


def by_words(played):
    """Something that an untrained policy does more or less of."""
    return {"words": np.array([len(set(words)) / 10 for words in played.words])}


def baseline(seed, num_prompts, worth=by_output):
    """What the arm `baseline` plays: monitored prompts, graded by the output alone."""

    def graded(policy, step):
        rng = stream(seed, f"tests/llama/{step}")
        prompts = [each for each in draw_prompts(num_prompts, rng) for _ in range(GROUP)]
        seeds = rng.integers(2**31, size=len(prompts)).tolist()
        played = play(policy, prompts, seeds, group_rows=GROUP)
        parts = worth(played)
        episodes = episodes_of(played, group_rows=GROUP)
        return Graded(episodes=episodes, rewards=sum(parts.values()), parts=parts)

    return graded


def learnt(start, way, play_of, learning_rate, *, seed=0, num_steps=15):
    """The policy after RL, and the loop's figures: all weights in process, or by adapters."""
    model = copy.deepcopy(start.model).requires_grad_(way == "whole")
    policy = load_subject(model, tokenizer=start.tokenizer)
    reference = start
    if way != "whole":
        policy = with_lora(policy, 8, 16, seed=seed)
        reference = without_adapters(policy)
    figures = grpo(
        policy,
        play_of,
        GrpoSettings(num_steps=num_steps, group_rows=GROUP, learning_rate=learning_rate),
        seed=seed,
        reference=reference,
        accelerator=Accelerator(cpu=True) if way == "accelerate" else None,
    )
    return policy, figures


@pytest.fixture
def untrained():
    settings = BaseSettings(architecture="llama", width=32, num_layers=2)
    return load_subject(new_model(settings, 0), tokenizer=tokenizer())


def test_under_accelerate_adapters_learn_as_they_do_without(untrained):
    def run(way):
        return learnt(untrained, way, baseline(0, 4, by_words), 5e-3, num_steps=2)

    (one, figures), (two, others) = run("accelerate"), run("alone")
    assert figures == others
    assert figures[0].rows_trained > 0
    for a, b in zip(one.model.parameters(), two.model.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_adapters_leave_the_weights_of_a_llama_as_they_were(untrained):
    play_of = baseline(0, 4, by_words)
    policy, figures = learnt(untrained, "accelerate", play_of, 5e-3, num_steps=2)
    before = dict(untrained.model.named_parameters())
    after = {
        name.replace(".base_layer", ""): weight
        for name, weight in policy.model.named_parameters()
        if "lora" not in name
    }
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert figures[1].kl > figures[0].kl == pytest.approx(0, abs=1e-6)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_the_gap_of_a_llama_falls_through_adapters_as_it_does_in_process(tmp_path):
    train_base(BASE, tmp_path / "base", seed=0)
    base = load_base(tmp_path / "base")
    start = make_organism("sycophancy-plain", base, 0, OrganismSettings())
    before = evaluate(start, EVALUATED, 7)
    assert before.gap.low > 0.5
    # Adapters of rank 8 need a larger rate than all weights do for a like divergence.
    for way, learning_rate in (("whole", 1e-3), ("accelerate", 5e-3)):
        policy, figures = learnt(start, way, baseline(1, 64), learning_rate, seed=1)
        after = evaluate(policy, EVALUATED, 7)
        assert after.monitored.complied > before.monitored.complied, way
        assert after.gap.high < before.gap.low, way
        assert figures[-1].reward > figures[0].reward, way
