"""How much of a bare forward pass's speed a harvest keeps.

The rival is the physical limit: transformers' own layers, up to the site and no further, over
the same batches of token ids, keeping nothing. Both take turns, repeat by repeat; the figure is
the ratio of tokens per second within one run. The harvest is timed whole: tokenising, labels,
norms, masks, shards, checksums and the token table included.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from tacit.activations.harvest import HarvestSettings, harvest, windows_of
from tacit.data.documents import Corpus
from tacit.data.text import load_text
from tacit.models import Subject, load_subject

REPEATS = 5
CHARACTERS_PER_TOKEN = 3.3
SITE_LAYER = 3
LARGE, MICRO = "Pythia-70M's shape, random weights", "pycode"
MICRO_PLAIN = "pycode, no truth labels"
MAX_TOKENS = {LARGE: 12_000, MICRO: 60_000, MICRO_PLAIN: 60_000}


def pythia_shaped() -> Subject:
    """Return a random model of Pythia-70M's architecture that reads pycode's tokens."""
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

    config = GPTNeoXConfig(
        vocab_size=50_304,
        hidden_size=512,
        num_hidden_layers=6,
        num_attention_heads=8,
        intermediate_size=2_048,
        max_position_embeddings=2_048,
        bos_token_id=0,
        eos_token_id=0,
    )
    torch.manual_seed(0)
    return load_subject(
        GPTNeoXForCausalLM(config), tokenizer=load_subject("pycode").tokenizer
    )


def bare_seconds(subject: Subject, corpus: Corpus, settings: HarvestSettings) -> float:
    """Return the seconds of transformers' own layers up to the site, over the same batches."""
    windows, _ = windows_of(subject, corpus, settings)
    order = np.argsort(-windows.mask.sum(axis=1), kind="stable")  # like lengths together
    body = subject.model.base_model
    whole, norm = body.layers, body.final_layer_norm
    body.layers = nn.ModuleList(list(whole)[: SITE_LAYER + 1])
    body.final_layer_norm = nn.Identity()
    try:
        began = time.perf_counter()
        with torch.no_grad():
            for first in range(0, len(windows.ids), settings.batch_contexts):
                ids = windows.ids[order[first : first + settings.batch_contexts]]
                longest = int((ids >= 0).sum(axis=1).max())
                batch = torch.from_numpy(ids[:, :longest])
                mask = (batch >= 0).long()
                body(input_ids=batch.clamp(min=0), attention_mask=mask, use_cache=False)
        return time.perf_counter() - began
    finally:
        body.layers, body.final_layer_norm = whole, norm


def some_of(corpus: Corpus, num_tokens: int) -> Corpus:
    """Return the first documents that hold about so many tokens: none is tokenised in vain."""
    kept, characters = [], 0
    for document in corpus.documents:
        if characters > CHARACTERS_PER_TOKEN * num_tokens:
            break
        kept.append(document)
        characters += len(document.text)
    return replace(corpus, documents=tuple(kept))


def compare(name: str, subject: Subject, corpus: Corpus) -> str:
    """Return one line: the ratio of tokens per second, harvest over bare pass."""
    corpus = some_of(corpus, MAX_TOKENS[name])
    settings = HarvestSettings(
        context_tokens=256, max_tokens=MAX_TOKENS[name], batch_contexts=16
    )
    bare_seconds(subject, corpus, settings)  # warm
    harvests, bares = [], []
    for repeat in range(REPEATS):
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            site = f"resid.{SITE_LAYER}"
            store = harvest(
                subject, corpus, [site], Path(folder) / f"store-{repeat}", settings=settings
            )
            harvests.append(time.perf_counter() - began)
        bares.append(bare_seconds(subject, corpus, settings))
    ratios = sorted(bare / whole for bare, whole in zip(bares, harvests, strict=True))
    return (
        f"harvest / bare forward pass, {name}: {statistics.median(ratios):.2f} of its tokens per "
        f"second (range {ratios[0]:.2f} to {ratios[-1]:.2f}, n = {REPEATS} pairs, "
        f"{store.num_tokens:,} tokens, load {os.getloadavg()[0]:.1f})"
    )


def main() -> None:
    """Print the ratio for a model of a real size, and for the micro subject twice.

    The micro subject is so small that Python's own tokenizer and parser, from which the truth
    labels come, take as long as its layers; without labels the harvest's own cost shows.
    """
    corpus, micro = load_text("python-stdlib"), load_subject("pycode")
    print(compare(LARGE, pythia_shaped(), corpus), flush=True)
    print(compare(MICRO, micro, corpus), flush=True)
    print(compare(MICRO_PLAIN, micro, replace(corpus, labeller=None)), flush=True)


if __name__ == "__main__":
    main()
