"""SAELens's step: ``SAETrainer.step``, after which ``fit`` counts it.

Variants: the default, and the sparse activations that it offers (they need the rescaling by
decoder norms off; with it on, their gradient fails on a CPU).
"""

import torch
from sae_lens import (
    BatchTopKTrainingSAE,
    BatchTopKTrainingSAEConfig,
    JumpReLUTrainingSAE,
    JumpReLUTrainingSAEConfig,
    SAETrainer,
    StandardTrainingSAE,
    StandardTrainingSAEConfig,
    TopKTrainingSAE,
    TopKTrainingSAEConfig,
)
from sae_lens.config import LoggingConfig, SAETrainerConfig
from worker import ATOMS, ROWS, WIDTH, Count, K, Rebuild, Step, active, serve

NUM_STEPS = 10_000
RATE = 4e-4
SPARSE = {"use_sparse_activations": True, "rescale_acts_by_decoder_norm": False}
KINDS = {
    "default": (TopKTrainingSAE, TopKTrainingSAEConfig, {"k": K}),
    "sparse": (TopKTrainingSAE, TopKTrainingSAEConfig, {"k": K, **SPARSE}),
    "batch-top-k": (BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig, {"k": K}),
    "relu-l1": (StandardTrainingSAE, StandardTrainingSAEConfig, {"l1_coefficient": 5.0}),
    "jump-relu": (JumpReLUTrainingSAE, JumpReLUTrainingSAEConfig, {"l0_coefficient": 1.0}),
}


def build(variant: str, first: torch.Tensor) -> tuple[Step, Rebuild, Count]:
    """Return the trainer's step."""
    coder_of, config_of, own = KINDS[variant]
    coder = coder_of(
        config_of(d_in=WIDTH, d_sae=ATOMS, device="cpu", dtype="float32", **own)
    )
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

    return step, coder, lambda rows: active(coder.encode(rows))


if __name__ == "__main__":
    serve(build)
