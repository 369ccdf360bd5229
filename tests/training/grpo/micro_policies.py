"""Micro policies, and episodes made up for them, for the tests of GRPO."""

import numpy as np
import torch
from transformers import (
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
)

from tacit.models import load_subject, sample
from tacit.training.grpo import Episodes, Graded, Role
from tacit.training.grpo.processes import Processes
from tacit.training.grpo.update import Learner

VOCABULARY = 20
LEARNT = 5
"""The token that the bandits pay for."""
SIZES = {
    "vocab_size": VOCABULARY,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 32,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": 1,
}


def gpt_neox(seed=0):
    torch.manual_seed(seed)
    config = GPTNeoXConfig(hidden_size=16, initializer_range=0.3, **SIZES)
    return GPTNeoXForCausalLM(config)


def llama(seed=0):
    torch.manual_seed(seed)
    config = LlamaConfig(hidden_size=64, initializer_range=0.2, **SIZES)
    return LlamaForCausalLM(config)


def policy(seed=0):
    return load_subject(gpt_neox(seed))


def episodes(rows=16, group_rows=8, excluded=(), seed=0):
    """Rows of 2 to 4 prompt tokens, a scratchpad, an output, a question and an answer."""
    rng = np.random.default_rng(seed)
    spans = [rng.integers(1, 5, size=5) for _ in range(rows)]
    roles = [np.repeat(np.arange(5), np.maximum(each, [2, 1, 1, 1, 1])) for each in spans]
    width = max(map(len, roles))
    table = np.full((rows, width), Role.PADDING)
    for row, own in zip(table, roles, strict=True):
        row[: len(own)] = own
    return Episodes(
        ids=torch.from_numpy(rng.integers(2, VOCABULARY, size=table.shape)),
        roles=torch.from_numpy(table),
        log_probs=torch.full(table.shape, -0.5),
        groups=np.arange(rows) // group_rows,
        is_excluded=np.isin(np.arange(rows), excluded),
    )


def graded(given, rewards):
    rewards = np.asarray(rewards, dtype=np.float64)
    return Graded(episodes=given, rewards=rewards, parts={"output": rewards})


def bandit(policy, step, *, prompts=range(2, 6), group_rows=8, tokens=4):
    """Episodes that are worth the share of their tokens that is ``LEARNT``."""
    given = [[0, prompt] for prompt in prompts for _ in range(group_rows)]
    seeds = [
        1_000 * step + 100 * prompt + row for prompt in prompts for row in range(group_rows)
    ]
    written = sample(policy, given, max_new_tokens=tokens, seeds=seeds, stop_ids=())
    ids = torch.tensor([a + b for a, b in zip(given, written.ids, strict=True)])
    roles, log_probs = torch.zeros_like(ids), torch.zeros(ids.shape)
    roles[:, 2:] = Role.OUTPUT
    log_probs[:, 2:] = torch.tensor(written.log_probs)
    made = Episodes(
        ids=ids,
        roles=roles,
        log_probs=log_probs,
        groups=np.arange(len(given)) // group_rows,
        is_excluded=np.zeros(len(given), bool),
    )
    return graded(made, (ids[:, 2:] == LEARNT).double().mean(dim=1).numpy())


def weights_of(model):
    return {name: value.detach().clone() for name, value in model.named_parameters()}


class Recorder:
    """In the optimiser's place: keeps the gradients, and moves nothing."""

    def __init__(self, model):
        self.model, self.gradients = model, []

    def step(self):
        self.gradients.append(
            {name: value.grad.clone() for name, value in self.model.named_parameters()}
        )

    def zero_grad(self, *, set_to_none):
        self.model.zero_grad(set_to_none=set_to_none)


def gradients_of(policy, given, settings, reference=None):
    """Return the figures and each update's gradient, not shortened, of one step."""
    recorder = Recorder(policy.model)
    learner = Learner(
        policy=policy,
        run=policy.model,
        optimiser=recorder,
        weights=list(policy.model.parameters()),
        reference=reference,
        settings=settings.model_copy(update={"max_gradient_norm": 1e9}),
        processes=Processes(None, policy.device),
    )
    return learner.step(0, given, np.random.default_rng(0)), recorder.gradients
