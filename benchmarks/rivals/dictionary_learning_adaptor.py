"""dictionary_learning's step: each trainer's ``update``, with its default rate."""

import torch
from dictionary_learning.trainers.batch_top_k import BatchTopKTrainer
from dictionary_learning.trainers.gdm import GatedSAETrainer
from dictionary_learning.trainers.jumprelu import JumpReluTrainer
from dictionary_learning.trainers.matryoshka_batch_top_k import MatryoshkaBatchTopKTrainer
from dictionary_learning.trainers.standard import StandardTrainer
from dictionary_learning.trainers.top_k import TopKTrainer
from worker import ATOMS, WIDTH, Count, K, Rebuild, Step, active, serve

NUM_STEPS = 10_000
CHOSEN = {"k": K, "threshold_start_step": 0}
TRAINERS = {
    "top-k": (TopKTrainer, CHOSEN),
    "batch-top-k": (BatchTopKTrainer, CHOSEN),
    "matryoshka": (
        MatryoshkaBatchTopKTrainer,
        {**CHOSEN, "group_fractions": [1 / 8, 1 / 8, 1 / 4, 1 / 2]},
    ),
    "relu-l1": (StandardTrainer, {"sparsity_warmup_steps": 10, "l1_penalty": 0.1}),
    "jump-relu": (JumpReluTrainer, {"sparsity_warmup_steps": 10, "target_l0": K}),
    "gated": (GatedSAETrainer, {"sparsity_warmup_steps": 10, "l1_penalty": 0.1}),
}


def build(variant: str, first: torch.Tensor) -> tuple[Step, Rebuild, Count]:
    """Return the trainer's update; its first call also finds a geometric median."""
    kind, own = TRAINERS[variant]
    trainer = kind(
        steps=NUM_STEPS, activation_dim=WIDTH, dict_size=ATOMS, layer=0, lm_name="none",
        device="cpu", seed=0, warmup_steps=10, **own,
    )  # fmt: skip
    taken = 0

    def step(rows: torch.Tensor) -> None:
        nonlocal taken
        trainer.update(taken, rows)
        taken += 1

    return step, trainer.ae, lambda rows: active(trainer.ae.encode(rows))


if __name__ == "__main__":
    serve(build)
