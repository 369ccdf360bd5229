"""The oracle: TRL's GRPOTrainer scores our episodes, and its loss and gradient are ours."""

import warnings

import numpy as np
import pytest
import torch

from tacit.training.grpo import GrpoSettings, Role
from training.grpo.micro_policies import (
    VOCABULARY,
    episodes,
    graded,
    gradients_of,
    policy,
)

pytest.importorskip("trl", reason="the extra train is not installed")
# Of the libraries themselves, about their own future.
pytestmark = pytest.mark.filterwarnings("ignore")

REWARDS = np.array([1, 0, 0, 1, -1, 1, 0, 0.5, 1, 1, 1, 1, 1, 1, 1, 1])
"""The second group has nothing to tell its rows apart by."""


def rollout(given, roles):
    """TRL's three lists and its mask, from our episodes: whatever follows the prompt."""
    made = {"prompt_ids": [], "completion_ids": [], "logprobs": [], "env_mask": []}
    for ids, own in zip(given.ids, given.roles, strict=True):
        stands, prompt = own != Role.PADDING, own == Role.PROMPT
        made["prompt_ids"].append(ids[prompt].tolist())
        made["completion_ids"].append(ids[stands & ~prompt].tolist())
        made["env_mask"].append(torch.isin(own, roles)[stands & ~prompt].int().tolist())
        made["logprobs"].append([0.0] * len(made["env_mask"][-1]))
    return made


def trainer_of(model, given, roles, settings, folder):
    from datasets import Dataset
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast
    from trl import GRPOConfig, GRPOTrainer

    words = Tokenizer(models.WordLevel({f"w{n}": n for n in range(VOCABULARY)}, "w0"))
    rows = len(given.ids)
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=lambda prompts, **_: REWARDS.tolist(),
        args=GRPOConfig(
            output_dir=str(folder),
            per_device_train_batch_size=rows,
            num_generations=settings.group_rows,
            epsilon=settings.clip,
            beta=settings.kl_weight,
            scale_rewards="group" if settings.scale_by_deviation else "none",
            use_cpu=True,
            bf16=False,
            gradient_checkpointing=False,
            report_to=[],
        ),
        train_dataset=Dataset.from_list([{"prompt": "w3"}] * rows),
        processing_class=PreTrainedTokenizerFast(
            tokenizer_object=words, bos_token="w0", eos_token="w1", pad_token="w1"
        ),
        rollout_func=lambda prompts, _: rollout(given, roles),
    )
    assert trainer.loss_type == "dapo"  # its default, which is ours
    trainer.current_gradient_accumulation_steps = 1
    return trainer


@pytest.mark.parametrize("scale_by_deviation", [True, False])
@pytest.mark.parametrize("kl_weight", [0.0, 0.3])
@pytest.mark.parametrize("roles", [("scratchpad", "output"), ("output", "answer")])
def test_loss_and_gradient_are_those_of_trl(
    scale_by_deviation, kl_weight, roles, tmp_path, monkeypatch
):
    monkeypatch.setenv("TRL_EXPERIMENTAL_SILENCE", "1")
    ours, theirs, reference = policy(), policy().model, policy(seed=1)
    given = episodes()
    settings = GrpoSettings(
        scale_by_deviation=scale_by_deviation,
        kl_weight=kl_weight,
        trained_roles=roles,
        rows_at_once=5,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference.model.save_pretrained(tmp_path / "reference")
        theirs.config._name_or_path = str(tmp_path / "reference")  # where TRL takes it from
        trainer = trainer_of(
            theirs, given, torch.tensor(sorted(settings.roles)), settings, tmp_path
        )
        trainer.model.train()
        inputs = trainer._generate_and_score_completions([{"prompt": "w3"}] * len(REWARDS))
        loss = trainer._compute_loss(trainer.model, inputs)
        loss.backward()
    figures, (gradient,) = gradients_of(ours, graded(given, REWARDS), settings, reference)
    assert figures.loss == pytest.approx(loss.item(), rel=1e-5, abs=1e-7)
    assert figures.rows_trained == (16 if kl_weight else 8)
    for name, value in theirs.named_parameters():
        # Summation order alone: float32, rows in passes of five here, in one pass there.
        torch.testing.assert_close(gradient[name], value.grad, rtol=1e-3, atol=2e-6)
    if kl_weight:
        (kl,) = trainer._metrics["train"]["kl"]
        assert figures.kl == pytest.approx(kl, rel=1e-5)
