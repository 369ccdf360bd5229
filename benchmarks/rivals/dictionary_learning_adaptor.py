"""dictionary_learning's step: ``TopKTrainer.update``, with its default rate."""

import torch
from dictionary_learning.trainers.top_k import TopKTrainer
from worker import ATOMS, WIDTH, K, Rebuild, Step, serve

NUM_STEPS = 10_000


def build(variant: str, first: torch.Tensor) -> tuple[Step, Rebuild]:
    """Return the trainer's update; its first call also finds a geometric median."""
    assert variant == "top-k"
    trainer = TopKTrainer(
        steps=NUM_STEPS, activation_dim=WIDTH, dict_size=ATOMS, k=K, layer=0, lm_name="none",
        device="cpu", seed=0, warmup_steps=10, threshold_start_step=0,
    )  # fmt: skip
    taken = 0

    def step(rows: torch.Tensor) -> None:
        nonlocal taken
        trainer.update(taken, rows)
        taken += 1

    return step, trainer.ae


if __name__ == "__main__":
    serve(build)
