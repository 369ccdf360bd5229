"""What it costs to patch every feature of a site exactly, and how near its gradient comes.

4,096 features in 50 prompts on ``stories``. The limit is as many bare forward passes of the same
prompts in batches of one size, nothing edited; the rival within Tacit is attribution, one forward
and one backward pass a prompt.
"""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch

from tacit.activations.harvest import harvest
from tacit.activations.streaming import Stream, rows_for
from tacit.data.stories.tasks import pairs_of
from tacit.data.text import load_text
from tacit.dictionaries import Dictionary, TopK, fit
from tacit.interventions.differences import code_difference
from tacit.interventions.patching import (
    BATCH,
    attributed_effects,
    exact_effects,
    patching,
)
from tacit.metrics import rank_correlation
from tacit.models import Subject, load_subject
from tacit.models.prompt_pairs import last_logits, read_pairs

SITE, ATOMS, PROMPTS, STEPS, REPEATS = "resid.2", 4_096, 50, 300, 5
SEED = 3


def fitted(subject: Subject, folder: Path) -> Dictionary:
    """Return a dictionary of the site, trained enough for its features to differ."""
    corpus = load_text("stories")
    corpus = replace(corpus, documents=corpus.documents[:2_000], labeller=None)
    store = harvest(subject, corpus, [SITE], folder / "store")
    blocks = Stream(
        store=store,
        sites=(SITE,),
        rows=rows_for(store, [SITE], held_out=False),
        seed=SEED,
        block_rows=1_024,
    )
    (member,) = fit([TopK(num_atoms=ATOMS, k=8)], blocks, [SEED], steps=STEPS)
    return member.dictionary


def main() -> None:
    """Print seconds of one run side by side, and the correlation of the two rankings."""
    subject = load_subject("stories")
    with tempfile.TemporaryDirectory() as folder:
        dictionary = fitted(subject, Path(folder))
    prompts = read_pairs(subject, pairs_of("ioi", PROMPTS, SEED))
    runs = patching(subject, prompts)
    difference = code_difference(subject, prompts, SITE, dictionary)
    stands = difference.candidates()
    began = time.perf_counter()
    exact = exact_effects(runs, difference)
    exact_seconds = time.perf_counter() - began
    began = time.perf_counter()
    for _ in range(REPEATS):
        fast = attributed_effects(runs, difference)
    fast_seconds = (time.perf_counter() - began) / REPEATS
    rows = stands.nonzero()[:, 0]
    began = time.perf_counter()
    with torch.no_grad():
        last_logits(subject, prompts.clean[rows], batch=BATCH)
    bare_seconds = time.perf_counter() - began
    found = rank_correlation(-fast[stands].numpy(), exact[stands].numpy())
    print(
        f"exact patching of {ATOMS:,} features x {PROMPTS} prompts: {exact_seconds:.1f} s for "
        f"{len(rows):,} passes ({stands.numel() - len(rows):,} features differ nowhere and need "
        f"none), {exact_seconds / bare_seconds:.2f} of as many bare passes; attribution "
        f"{exact_seconds / fast_seconds:.0f} times as fast, rank correlation {found:.3f} over "
        f"{len(rows):,} effects (seed {SEED}, load {os.getloadavg()[0]:.1f})"
    )


if __name__ == "__main__":
    main()
