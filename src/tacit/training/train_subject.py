"""From a recipe to a micro subject's folder: tokenizer, weights, card and curve.

Axes: k held-out documents.
"""

from __future__ import annotations

import json
import platform
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import nn
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, PreTrainedTokenizerFast

from tacit.activations.contexts import PADDING
from tacit.base.files import write_atomically
from tacit.base.seeds import stream, torch_seed
from tacit.data.documents import Corpus
from tacit.models.checkpoints import quiet
from tacit.training.card import card_text
from tacit.training.exam import FINAL, LearningCurve, as_facts, examined
from tacit.training.lesson import Lesson, lesson_of
from tacit.training.pretrain import Report, next_token_losses, pretrain
from tacit.training.recipes import Recipe
from tacit.training.tokenizer import END_OF_TEXT_ID

_BUILDING = threading.Lock()
"""Weights are drawn from PyTorch's one generator, which threads share."""
EVALUATION_ROWS = 16
"""Rows scored at once when the held-out loss is measured."""


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """How well a subject predicts documents that it never saw."""

    nats_per_token: float
    interval: tuple[float, float]
    """95 % bootstrap interval of nats per token over held-out documents."""
    nats_per_byte: float
    """The same sum of losses over the bytes of the text."""
    num_tokens: int
    """Tokens predicted: every one of the text, none of BOS."""
    num_documents: int
    unigram_nats_per_token: float
    """Of add-one token frequencies."""
    trigram_nats_per_token: float
    """Of a Witten-Bell 3-gram model trained on the same tokens."""
    trigram_nats_per_byte: float
    unigram_nats_per_byte: float
    gzip_nats_per_byte: float
    """Of all the held-out text compressed in one go."""


def build(recipe: Recipe) -> GPTNeoXForCausalLM:
    """Return the recipe's model with random weights drawn from its seed."""
    turning: dict[str, Any] = {
        "rotary_pct": recipe.rotary_share
    }  # no field, yet it is read
    with _BUILDING, torch.random.fork_rng():
        torch.manual_seed(torch_seed(recipe.seed, "training/weights") % 2**32)
        return GPTNeoXForCausalLM(
            GPTNeoXConfig(
                vocab_size=recipe.vocabulary,
                hidden_size=recipe.width,
                num_hidden_layers=recipe.num_layers,
                num_attention_heads=recipe.num_heads,
                intermediate_size=4 * recipe.width,
                max_position_embeddings=recipe.context_tokens,
                **turning,
                bos_token_id=END_OF_TEXT_ID,
                eos_token_id=END_OF_TEXT_ID,
                use_cache=False,
            )
        )


def train_subject(
    recipe: Recipe,
    folder: Path,
    *,
    lesson: Lesson | None = None,
    work: Path | None = None,
    report: Report | None = None,
) -> HeldOut:
    """Train the recipe's subject into ``folder`` and return its held-out loss.

    ``lesson``: the recipe's own, if it is there already. ``work`` keeps what a killed run resumes
    from; ``report`` hears of every step. Files: the Hugging Face folder, ``training.json`` (all
    facts) and ``README.md`` (the card).
    """
    lesson = lesson or lesson_of(recipe)
    model = build(recipe)
    learning = LearningCurve(work)

    def after_step(step: int, loss: float) -> None:
        learning.examine(step, model, lesson.tokenizer, recipe.source)
        if report is not None:
            report(step, loss)

    curve = pretrain(
        model,
        lesson.train.ids,
        recipe.schedule,
        padding=PADDING,
        seed=recipe.seed,
        folder=work,
        report=after_step,
    )
    model.half().float()  # what is shipped is what is scored
    found = evaluate(model, lesson, recipe)
    save(model, lesson.tokenizer, folder)
    facts = {
        **facts_of(recipe, lesson.corpus, model),
        "train_tokens": lesson.train.num_tokens,
        "held_out": asdict(found),
        "loss_curve_every_50": [round(loss, 4) for loss in curve[::50]],
    }
    marks = examined(model, lesson.tokenizer, recipe.source, FINAL)
    if marks:
        facts |= {"tasks": as_facts(marks), "task_curve": learning.accuracies}
    write_atomically(folder / "training.json", json.dumps(facts, indent=1) + "\n")
    write_atomically(folder / "README.md", card_text(facts))
    return found


def facts_of(recipe: Recipe, corpus: Corpus, model: nn.Module) -> dict[str, Any]:
    """Return what decided the training, as plain JSON."""
    schedule = recipe.schedule
    return {
        "recipe": asdict(recipe),
        "data_digest": corpus.digest(),
        "data_documents": len(corpus.documents),
        "data_skipped": dict(corpus.skipped),
        "tokens_seen_at_most": schedule.num_steps
        * schedule.batch_contexts
        * recipe.context_tokens,
        "parameters": sum(p.numel() for p in model.parameters()),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
    }


def save(model: nn.Module, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write the Hugging Face folder: fp16 safetensors, configuration, tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    with quiet():
        model.half().save_pretrained(folder)  # type: ignore[attr-defined]
        tokenizer.save_pretrained(folder)
    # safetensors writes for its owner alone; an installed package is read by others too.
    mode = (folder / "config.json").stat().st_mode
    for weights in folder.glob("*.safetensors"):
        weights.chmod(mode)
    model.float()


def evaluate(model: nn.Module, lesson: Lesson, recipe: Recipe) -> HeldOut:
    """Return the held-out loss and its baselines, all over the same tokens."""
    nats, counts = held_out_losses(model, lesson)
    rng = stream(recipe.seed, "training/held-out interval")
    draws = rng.integers(0, len(nats), size=(2_000, len(nats)))
    low, high = np.quantile(
        nats[draws].sum(axis=1) / counts[draws].sum(axis=1), [0.025, 0.975]
    )
    num, num_bytes = int(counts.sum()), len(lesson.held_out_text)
    others = lesson.baselines
    return HeldOut(
        nats_per_token=float(nats.sum() / num),
        interval=(float(low), float(high)),
        nats_per_byte=float(nats.sum() / num_bytes),
        num_tokens=num,
        num_documents=len(nats),
        unigram_nats_per_token=others["unigram"],
        unigram_nats_per_byte=others["unigram"] * num / num_bytes,
        trigram_nats_per_token=others["trigram"],
        trigram_nats_per_byte=others["trigram"] * num / num_bytes,
        gzip_nats_per_byte=others["gzip"],
    )


@torch.no_grad()
def held_out_losses(
    model: nn.Module, lesson: Lesson
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Return each held-out document's sum of losses in nats, and its tokens predicted."""
    windows, num = lesson.held_out, len(lesson.corpus.split("held-out").documents)
    nats, counts = np.zeros(num), np.zeros(num)
    for first in range(0, len(windows.ids), EVALUATION_ROWS):
        rows = slice(first, first + EVALUATION_ROWS)
        ids = torch.from_numpy(windows.ids[rows])
        mask = ids != PADDING
        shown = ids.masked_fill(~mask, 0)
        logits = model(input_ids=shown, attention_mask=mask.long()).logits
        losses = next_token_losses(logits, ids, PADDING).numpy()
        owner = windows.document[rows][:, 1:][mask[:, 1:].numpy()]
        np.add.at(nats, owner, losses)
        np.add.at(counts, owner, 1)
    return nats, counts
