"""``make hub-check``: does Tacit measure on a published model what was published of it?

For a machine with a network: Pythia-70M-deduped on pile-10k, its perplexity beside the published
one, then ``tacit learn`` on it. Exits with 1 when the perplexity is off, 2 when it cannot be had.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

import tacit
from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.cli.printing import line
from tacit.data import load_text
from tacit.interventions.loss import next_token_losses
from tacit.metrics import bootstrap_ratio
from tacit.models import Subject, load_subject

MODEL, TEXT = "EleutherAI/pythia-70m-deduped", "hub:NeelNanda/pile-10k?documents=3000"
PUBLISHED = 27.52
SOURCE = "the perplexity notebook of Cunningham et al. 2023, arXiv:2309.08600"
DOCUMENTS, TOKENS = 100, 256
TOLERANCE_NATS = 0.15
"""Which hundred documents were read is not published. Mean losses of documents of the Pile spread
by about .7 nats, so those of two sets of a hundred differ by .1 (one deviation)."""
LEARN: dict[str, Any] = {
    "text.max_tokens": 1_000_000,
    "text.context_tokens": TOKENS,
    "fit.batch": 4_096,
    "fit.steps": 2_000,
}
SITE = "resid.2"
BATCH_ROWS, SEED = 10, 0


@dataclass(frozen=True, kw_only=True)
class Perplexity:
    """The exponential of the mean loss a token, over the first tokens of documents."""

    value: float
    interval: tuple[float, float] | None
    """95 %, over documents; None for one document."""
    num_documents: int
    num_passed_over: int
    """Documents before the last that were too short."""


def perplexity(
    subject: Subject, texts: Sequence[str], *, num_documents: int, num_tokens: int
) -> Perplexity:
    """Return the perplexity over the first documents that hold ``num_tokens``, each cut there.

    No BOS is put before them, so the first token is not predicted.
    """
    rows: list[list[int]] = []
    passed_over = 0
    for text in texts:
        if len(rows) == num_documents:
            break
        ids = subject.tokenize(text).ids[:num_tokens]
        if len(ids) == num_tokens:
            rows.append(ids)
        else:
            passed_over += 1
    if len(rows) < num_documents:
        raise UserError(
            f"{num_documents} documents of {num_tokens} tokens were asked for, and {len(rows)} "
            f"of {len(texts)} are as long; give more text."
        )
    sums: list[float] = []
    for first in range(0, len(rows), BATCH_ROWS):
        flow = subject.run(torch.tensor(rows[first : first + BATCH_ROWS]), logits=True)
        assert flow.logits is not None and flow.ids is not None and flow.mask is not None
        losses = next_token_losses(flow.logits, flow.ids, flow.mask)
        sums += losses.double().sum(dim=1).tolist()
    counts = np.full(len(rows), num_tokens - 1.0)
    found = bootstrap_ratio(np.array(sums), counts, stream(SEED, "hub check/perplexity"))
    ends = found.ends
    return Perplexity(
        value=math.exp(found.value),
        interval=None if ends is None else (math.exp(ends[0]), math.exp(ends[1])),
        num_documents=len(rows),
        num_passed_over=passed_over,
    )


def is_near(found: Perplexity, published: float) -> bool:
    """Whether a perplexity is within the tolerance of the published one, in nats a token."""
    return abs(math.log(found.value / published)) <= TOLERANCE_NATS


def told(found: Perplexity, published: float) -> str:
    """Return the measured beside the published perplexity, and the verdict with its rule."""
    ends = (
        ""
        if found.interval is None
        else " (95 %: {:.2f} to {:.2f})".format(*found.interval)
    )
    low, high = (published * math.exp(sign * TOLERANCE_NATS) for sign in (-1, 1))
    verdict = "reproduced" if is_near(found, published) else "NOT reproduced"
    return (
        f"perplexity: measured {found.value:.2f}{ends}, n = {found.num_documents} documents "
        f"({found.num_passed_over} shorter ones passed over), seed {SEED}; published "
        f"{published:.2f} ({SOURCE}). {verdict}: {low:.2f} to {high:.2f} counts as the same "
        f"({TOLERANCE_NATS} nats a token)."
    )


def main(
    words: Sequence[str] | None = None,
    *,
    model: str = MODEL,
    text: str = TEXT,
    published: float = PUBLISHED,
    sizes: tuple[int, int] = (DOCUMENTS, TOKENS),
    site: str = SITE,
    learned: Mapping[str, Any] = LEARN,
) -> int:
    """Print the figures; return 0, 1 when the perplexity is off, 2 when there is none."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/hub-check"))
    out = parser.parse_args(words).out
    try:
        subject = load_subject(model)
        texts = [document.text for document in load_text(text).documents]
        found = perplexity(subject, texts, num_documents=sizes[0], num_tokens=sizes[1])
        print(told(found, published), flush=True)
        run = tacit.learn(
            model,
            site=site,
            out=out,
            text=text,
            settings=learned,
            progress=tacit.for_terminal(),
        )
    except UserError as error:
        sys.stderr.write(f"hub-check: {error}\n")
        return 2
    print(f"report: {run.report}")
    for record in run.headlines:
        print("  " + line(record))
    return 0 if is_near(found, published) else 1


if __name__ == "__main__":
    sys.exit(main())
