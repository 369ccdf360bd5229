"""SAELens's step: ``SAETrainer.step``, after which ``fit`` counts it.

Variants: the default, and the sparse activations that it offers (they need the rescaling by
decoder norms off; with it on, their gradient fails on a CPU).
"""

import torch
from sae_lens import SAETrainer, TopKTrainingSAE, TopKTrainingSAEConfig
from sae_lens.config import LoggingConfig, SAETrainerConfig
from worker import ATOMS, ROWS, WIDTH, K, Rebuild, Step, serve

NUM_STEPS = 10_000
RATE = 4e-4


def build(variant: str, first: torch.Tensor) -> tuple[Step, Rebuild]:
    """Return the trainer's step."""
    own = {"use_sparse_activations": True, "rescale_acts_by_decoder_norm": False}
    config = TopKTrainingSAEConfig(
        d_in=WIDTH, d_sae=ATOMS, k=K, device="cpu", dtype="float32",
        **(own if variant == "sparse" else {}),
    )  # fmt: skip
    coder = TopKTrainingSAE(config)
    settings = SAETrainerConfig(
        total_training_samples=ROWS * NUM_STEPS,
        train_batch_size_samples=ROWS,
        lr=RATE,
        lr_end=RATE,
        device="cpu",
        logger=LoggingConfig(log_to_wandb=False),
    )
    trainer = SAETrainer(cfg=settings, sae=coder, data_provider=iter([]), evaluator=None)

    def step(rows: torch.Tensor) -> None:
        trainer.step(rows)
        trainer.n_training_steps += 1

    return step, coder


if __name__ == "__main__":
    serve(build)
