"""From a recipe to a micro subject's folder: tokenizer, weights, card and curve."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import nn
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, PreTrainedTokenizerFast

from tacit.activations.contexts import PADDING, Contexts, cut
from tacit.base.files import write_atomically
from tacit.base.seeds import stream, torch_seed
from tacit.data.documents import Corpus
from tacit.data.text import load_text
from tacit.training.baselines import WittenBell, gzip_nats_per_byte, unigram_nats
from tacit.training.card import card_text
from tacit.training.pretrain import Report, next_token_losses, pretrain
from tacit.training.recipes import Recipe
from tacit.training.tokenizer import END_OF_TEXT_ID, train_tokenizer

PARTS: tuple[Literal["train", "held-out"], ...] = ("train", "held-out")
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
    with torch.random.fork_rng():
        torch.manual_seed(torch_seed(recipe.seed, "training/weights") % 2**32)
        return GPTNeoXForCausalLM(
            GPTNeoXConfig(
                vocab_size=recipe.vocabulary,
                hidden_size=recipe.width,
                num_hidden_layers=recipe.num_layers,
                num_attention_heads=recipe.num_heads,
                intermediate_size=4 * recipe.width,
                max_position_embeddings=recipe.context_tokens,
                bos_token_id=END_OF_TEXT_ID,
                eos_token_id=END_OF_TEXT_ID,
                use_cache=False,
            )
        )


def tokenise_with(
    tokenizer: PreTrainedTokenizerFast,
) -> Callable[[str], tuple[list[int], list[tuple[int, int]]]]:
    """Return the function from text to ids and character offsets, no token added."""

    def tokenise(text: str) -> tuple[list[int], list[tuple[int, int]]]:
        encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        return encoded["input_ids"], encoded["offset_mapping"]

    return tokenise


def train_subject(
    recipe: Recipe,
    folder: Path,
    *,
    work: Path | None = None,
    report: Report | None = None,
) -> HeldOut:
    """Train the recipe's subject into ``folder`` and return its held-out loss.

    ``work`` keeps what a killed run resumes from; ``report`` hears of every step. Files: the
    Hugging Face folder, ``training.json`` (all facts) and ``README.md`` (the card).
    """
    corpus = load_text(recipe.source)
    held_out = corpus.split("held-out")
    tokenizer = train_tokenizer(corpus.split("train"), vocabulary=recipe.vocabulary)
    windows = {
        part: cut(
            tokenise_with(tokenizer),
            corpus.split(part),
            context_tokens=recipe.context_tokens,
            bos_id=END_OF_TEXT_ID,
        )
        for part in PARTS
    }
    model = build(recipe)
    curve = pretrain(
        model,
        windows["train"].ids,
        recipe.schedule,
        padding=PADDING,
        seed=recipe.seed,
        folder=work,
        report=report,
    )
    model.half().float()  # what is shipped is what is scored
    found = evaluate(model, windows["train"], windows["held-out"], held_out, recipe)
    save(model, tokenizer, folder)
    facts = {
        **facts_of(recipe, corpus, model),
        "train_tokens": windows["train"].num_tokens,
        "held_out": asdict(found),
        "loss_curve_every_50": [round(loss, 4) for loss in curve[::50]],
    }
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
    model.half().save_pretrained(folder)  # type: ignore[attr-defined]
    tokenizer.save_pretrained(folder)
    # safetensors writes for its owner alone; an installed package is read by others too.
    mode = (folder / "config.json").stat().st_mode
    for weights in folder.glob("*.safetensors"):
        weights.chmod(mode)
    model.float()


@torch.no_grad()
def evaluate(
    model: nn.Module, train: Contexts, windows: Contexts, held_out: Corpus, recipe: Recipe
) -> HeldOut:
    """Return the held-out loss and its baselines, all over the same tokens."""
    nats = np.zeros(len(held_out.documents))
    counts = np.zeros(len(held_out.documents))
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
    rng = stream(recipe.seed, "training/held-out interval")
    draws = rng.integers(0, len(nats), size=(2_000, len(nats)))
    low, high = np.quantile(
        nats[draws].sum(axis=1) / counts[draws].sum(axis=1), [0.025, 0.975]
    )
    text = "".join(document.text for document in held_out.documents).encode()
    num = int(counts.sum())
    rows_of = [row[1:][row[1:] != PADDING] for row in train.ids]
    held_rows = [row[1:][row[1:] != PADDING] for row in windows.ids]
    unigram = unigram_nats(
        np.concatenate(rows_of), np.concatenate(held_rows), recipe.vocabulary
    )
    trigram = WittenBell(rows_of, recipe.vocabulary)
    trigram_nats = float(np.concatenate([trigram.nats(row) for row in held_rows]).mean())
    return HeldOut(
        nats_per_token=float(nats.sum() / num),
        interval=(float(low), float(high)),
        nats_per_byte=float(nats.sum() / len(text)),
        num_tokens=num,
        num_documents=len(nats),
        unigram_nats_per_token=unigram,
        unigram_nats_per_byte=unigram * num / len(text),
        trigram_nats_per_token=trigram_nats,
        trigram_nats_per_byte=trigram_nats * num / len(text),
        gzip_nats_per_byte=gzip_nats_per_byte(text),
    )
