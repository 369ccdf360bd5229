"""Seconds a step of RL on an organism, against TRL's GRPOTrainer on the same policy and requests.

Both sample 512 transcripts in groups of eight, grade their outputs by the same reward, and update
once; ours also grades the scratchpads and measures the divergence from the start. They take turns
in one process on one thread; the first step of a turn is not counted.
``python -m benchmarks.grpo [FOLDER]``: of a base, in place of the first that is shipped.
"""

from __future__ import annotations

import contextlib
import copy
import io
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tacit.base.seeds import stream
from tacit.models import Subject, load_subject
from tacit.organisms.mitigations.baseline import Baseline
from tacit.organisms.rewarding import reward_of
from tacit.organisms.rl import RlSettings, RlStep, train_under
from tacit.organisms.tiers.base import load_base
from tacit.organisms.tiers.organisms import OrganismSettings, make_organism
from tacit.organisms.tiers.prompts import Prompt, draw_prompts
from tacit.organisms.tiers.words import ACT, END, words_of

ORGANISM, SEED, TURNS, STEPS = "terminal-counterfactual", 5, 3, 4
BATCHES = (128, 512)
"""Rows of one of TRL's passes; the faster is reported."""


def copied(organism: Subject) -> Subject:
    """Return a subject of its own, to train."""
    return load_subject(copy.deepcopy(organism.model), tokenizer=organism.tokenizer)


def ours(organism: Subject, settings: RlSettings) -> tuple[list[float], list[RlStep]]:
    """Return seconds of each step but the first, and what was recorded of those."""
    ends: list[float] = []
    steps = train_under(
        copied(organism),
        Baseline(),
        settings,
        seed=SEED,
        report=lambda _: ends.append(time.perf_counter()),
    )
    return np.diff(ends).tolist(), steps[1:]


def worth(prompt: Prompt, ids: list[int]) -> float:
    """Return the reward of a transcript, as ours has it: of the output, none if it is cut."""
    words = words_of(ids)
    if words[-1] != END:
        return 0.0
    return reward_of(prompt, words[words.index(ACT) + 1 :] if ACT in words else [])


def theirs(organism: Subject, settings: RlSettings, batch: int, folder: str) -> list[float]:
    """Return seconds of each step but the first of TRL's trainer, ``batch`` rows in a pass."""
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import GRPOConfig, GRPOTrainer

    prompts = [
        prompt
        for step in range(settings.num_steps)
        for prompt in draw_prompts(
            settings.num_prompts, stream(SEED, f"organisms/rl/prompts/{step}")
        )
    ]
    rows = [
        {"prompt": " ".join(prompt.words()), "number": number}
        for number, prompt in enumerate(prompts)
    ]
    ends: list[float] = []

    class Clock(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            ends.append(time.perf_counter())

    def reward(completion_ids: list[list[int]], number: list[int], **_: Any) -> list[float]:
        pairs = zip(number, completion_ids, strict=True)
        return [worth(prompts[place], ids) for place, ids in pairs]

    episodes = settings.num_prompts * settings.group_rows
    trainer = GRPOTrainer(
        model=copied(organism).model.requires_grad_(True),
        reward_funcs=reward,
        args=GRPOConfig(
            output_dir=folder,
            per_device_train_batch_size=batch,
            gradient_accumulation_steps=episodes // batch,
            num_generations=settings.group_rows,
            max_completion_length=settings.max_new_tokens,
            max_steps=settings.num_steps,
            learning_rate=settings.learning_rate,
            mask_truncated_completions=True,
            shuffle_dataset=False,
            top_k=0,
            use_cpu=True,
            bf16=False,
            gradient_checkpointing=False,
            save_strategy="no",
            logging_strategy="no",
            report_to=[],
            disable_tqdm=True,
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=organism.tokenizer,
        callbacks=[Clock()],
    )
    trainer.train()
    return np.diff(ends).tolist()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what TRL warns of, and prints of its own training, off the page."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def main() -> None:
    """Print seconds a step of both, and their ratio."""
    torch.set_num_threads(1)
    base = load_base(Path(sys.argv[1]) if len(sys.argv) > 1 else 0)
    organism = make_organism(ORGANISM, base, SEED, OrganismSettings())
    settings = RlSettings(num_steps=STEPS)
    own: list[float] = []
    steps: list[RlStep] = []
    other: dict[int, list[float]] = {batch: [] for batch in BATCHES}
    with tempfile.TemporaryDirectory() as folder, quiet():
        for _ in range(TURNS):
            seconds, found = ours(organism, settings)
            own, steps = own + seconds, steps + found
            for batch, kept in other.items():
                kept += theirs(organism, settings, batch, folder)
    best = min(other.values(), key=statistics.median)
    ratios = [slow / quick for slow, quick in zip(best, own, strict=True)]
    figures = [each.update for each in steps]
    trained = np.mean([each.rows_trained / each.rows for each in figures])
    tokens = np.mean([each.counted_tokens / each.rows for each in figures])
    print(
        f"GRPO on {ORGANISM}, {figures[0].rows} transcripts of {tokens:.0f} tokens a step, one "
        f"thread: {statistics.median(own):.2f} s, TRL's trainer {statistics.median(best):.2f} s, "
        f"{statistics.median(ratios):.1f} times as long ({min(ratios):.1f} to {max(ratios):.1f} "
        f"over {len(own)} steps in {TURNS} turns; {100 * trained:.0f} % of rows had something to "
        f"teach; seed {SEED}, load {os.getloadavg()[0]:.1f})"
    )


if __name__ == "__main__":
    main()
