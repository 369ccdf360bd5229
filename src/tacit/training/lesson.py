"""A text as micro subjects read it: its tokenizer, its windows, and what others make of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from transformers import PreTrainedTokenizerFast

from tacit.activations.contexts import PADDING, Contexts, cut
from tacit.base.errors import UserError
from tacit.data.documents import Corpus
from tacit.data.text import load_text
from tacit.training.baselines import WittenBell, gzip_nats_per_byte, unigram_nats
from tacit.training.recipes import Recipe
from tacit.training.tokenizer import END_OF_TEXT_ID, train_tokenizer

PARTS: tuple[Literal["train", "held-out"], ...] = ("train", "held-out")


def tokenise_with(
    tokenizer: PreTrainedTokenizerFast,
) -> Callable[[str], tuple[list[int], list[tuple[int, int]]]]:
    """Return the function from text to ids and character offsets, no token added."""

    def tokenise(text: str) -> tuple[list[int], list[tuple[int, int]]]:
        encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        return encoded["input_ids"], encoded["offset_mapping"]

    return tokenise


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A text as subjects of one vocabulary and context read it, and what others make of it."""

    corpus: Corpus
    tokenizer: PreTrainedTokenizerFast
    train: Contexts
    held_out: Contexts

    @cached_property
    def baselines(self) -> dict[str, float]:
        """Nats per held-out token of the frequencies and the 3-gram, and per byte of gzip."""
        rows = [row[1:][row[1:] != PADDING] for row in self.train.ids]
        held = [row[1:][row[1:] != PADDING] for row in self.held_out.ids]
        vocabulary = len(self.tokenizer)
        trigram = WittenBell(rows, vocabulary)
        return {
            "unigram": unigram_nats(np.concatenate(rows), np.concatenate(held), vocabulary),
            "trigram": float(np.concatenate([trigram.nats(row) for row in held]).mean()),
            "gzip": gzip_nats_per_byte(self.held_out_text),
        }

    @property
    def held_out_text(self) -> bytes:
        """The text of the held-out documents, one after another."""
        documents = self.corpus.split("held-out").documents
        return "".join(document.text for document in documents).encode()


def lesson_of(recipe: Recipe) -> Lesson:
    """Return the recipe's text, the tokenizer trained on it, and its windows.

    Raises:
        UserError: where the text has fewer training windows than one step takes.
    """
    corpus = load_text(recipe.source)
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
    found, needed = len(windows["train"].ids), recipe.schedule.batch_contexts
    if found < needed:
        raise UserError(
            f"{recipe.source} has {found} training windows of {recipe.context_tokens} tokens, and "
            f"one step takes {needed}; give more text, or smaller steps."
        )
    return Lesson(
        corpus=corpus,
        tokenizer=tokenizer,
        train=windows["train"],
        held_out=windows["held-out"],
    )
