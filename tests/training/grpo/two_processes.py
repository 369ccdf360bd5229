"""Run by torchrun: two processes that learn a bandit together, three prompts and one."""

import sys
from functools import partial
from pathlib import Path

import torch
from accelerate import Accelerator

from tacit.models import load_subject
from tacit.training.grpo import GrpoSettings, adapters, grpo
from training.grpo.micro_policies import bandit, llama, weights_of


def main(folder: Path) -> None:
    accelerator = Accelerator(cpu=True)
    subject = adapters.with_lora(load_subject(llama()), rank=4, alpha=8)
    prompts = [(2, 3, 4), (5,)][accelerator.process_index]
    figures = grpo(
        subject,
        partial(bandit, prompts=prompts),
        GrpoSettings(num_steps=3, learning_rate=2e-2, rows_at_once=5),
        seed=0,
        folder=folder / "kept",
        accelerator=accelerator,
    )
    if accelerator.is_main_process:
        torch.save(weights_of(subject.model), folder / "weights.pt")
        last = figures[-1]
        (folder / "figures.txt").write_text(
            str((last.rows, last.rows_trained, last.counted_tokens))
        )
    accelerator.end_training()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
