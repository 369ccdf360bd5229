"""How a subject continues texts: any prefixes, one seed a row, edits at sites while it writes.

Axes: b batch, t position, d activation width, v vocabulary.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.models.decoding import cache_for, takes
from tacit.models.hooks import Edit, hooked
from tacit.models.subject import Subject

FINISHED_SHARE = 0.25
"""Of a batch's rows: so many that have ended are worth the copy that leaves them out."""


@final
@dataclass(frozen=True, kw_only=True)
class Samples:
    """Continuations, one for each prefix, in the order given."""

    ids: list[list[int]]
    """The new tokens only; a token that ends the text is the last of its row."""
    log_probs: list[list[float]]
    """Of each new token under the (edited) subject at temperature 1, in nats."""


def sample(
    subject: Subject,
    prefixes: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    seeds: Sequence[int],
    temperature: float | int = 1.0,
    edits: Mapping[str, Edit] | None = None,
    stop_ids: Collection[int] | None = None,
    batch_rows: int = 64,
) -> Samples:
    """Return a continuation of each prefix.

    A row's text depends on its prefix and seed, not on the rows beside it (up to rounding: a
    draw within the last bits of a boundary). ``temperature`` 0 takes the likeliest token.
    ``edits`` see only the positions of the step at hand: the prefix first, then one a step.
    ``stop_ids`` end a row; by default the subject's own. Rows of one length run together,
    ``batch_rows`` at once, so nothing is padded; rows that have ended leave the batch, and
    prefixes that are alike are read once, unless edited.
    """
    _check(subject, prefixes, max_new_tokens, seeds, temperature, batch_rows)
    ends = np.array(
        sorted(subject.stop_ids if stop_ids is None else stop_ids), dtype=np.int64
    )
    ids: list[list[int]] = [[] for _ in prefixes]
    log_probs: list[list[float]] = [[] for _ in prefixes]
    with subject.one_pass, torch.no_grad(), hooked(subject.site_map, edits=edits):
        for rows in _batches([len(prefix) for prefix in prefixes], batch_rows):
            drawn = [
                stream(seeds[row], "models/sample").random(max_new_tokens) for row in rows
            ]
            written = _continue(
                subject,
                [prefixes[row] for row in rows],
                np.stack(drawn),
                temperature,
                ends,
                shares=not edits,
            )
            for row, new, logs in zip(rows, *written, strict=True):
                ids[row], log_probs[row] = new, logs
    return Samples(ids=ids, log_probs=log_probs)


def _check(
    subject: Subject,
    prefixes: Sequence[Sequence[int]],
    max_new_tokens: int,
    seeds: Sequence[int],
    temperature: float | int,
    batch_rows: int,
) -> None:
    if not subject.is_causal:
        raise UserError(
            f"{subject.name} was asked to continue a text; it has no head that predicts the next "
            "token. Use a causal language model."
        )
    if len(seeds) != len(prefixes):
        raise UserError(
            f"{len(prefixes)} prefixes and {len(seeds)} seeds were given; give a seed for each."
        )
    if max_new_tokens < 1 or batch_rows < 1 or not temperature >= 0:
        raise UserError(
            f"max_new_tokens {max_new_tokens}, batch_rows {batch_rows}, temperature {temperature} "
            "were asked for; the first two must be 1 or more, the last 0 or more."
        )
    for number, prefix in enumerate(prefixes):
        _check_prefix(subject, number, prefix, max_new_tokens)


def _check_prefix(
    subject: Subject, number: int, prefix: Sequence[int], max_new_tokens: int
) -> None:
    length = len(prefix)
    if not length:
        raise UserError(
            f"prefix {number} (counting from 0) is empty; open it with the BOS token"
            f"{'' if subject.bos_id is None else f', {subject.bos_id}'}."
        )
    limit = subject.context_tokens
    if limit is not None and length + max_new_tokens > limit:
        raise UserError(
            f"prefix {number} has {length} tokens and {max_new_tokens} more were asked for; "
            f"{subject.name} reads at most {limit}. Ask for at most {max(0, limit - length)}."
        )
    worst = min(prefix) if min(prefix) < 0 else max(prefix)
    if not 0 <= worst < (subject.vocab_size or 0):
        raise UserError(
            f"prefix {number} holds token id {worst}; {subject.name} has "
            f"{subject.vocab_size} tokens, counted from 0."
        )


def _batches(lengths: Sequence[int], batch_rows: int) -> list[list[int]]:
    """Return row numbers, those of one length together, ``batch_rows`` at most."""
    groups: dict[int, list[int]] = {}
    for row, length in enumerate(lengths):
        groups.setdefault(length, []).append(row)
    return [
        group[start : start + batch_rows]
        for _, group in sorted(groups.items())
        for start in range(0, len(group), batch_rows)
    ]


def _continue(
    subject: Subject,
    prefixes: Sequence[Sequence[int]],
    drawn: Float64[np.ndarray, "b n"],
    temperature: float | int,
    ends: Int[np.ndarray, " e"],
    *,
    shares: bool,
) -> tuple[list[list[int]], list[list[float]]]:
    """Return new ids and their log-probabilities; ``shares`` reads prefixes that are alike once."""
    model: Any = subject.model
    last = {"logits_to_keep": 1} if takes(model, "logits_to_keep") else {}
    cache = cache_for(model, len(prefixes[0]) + drawn.shape[1])

    def next_logits(given: Int[Tensor, "b t"]) -> Float[Tensor, "b v"]:
        out = model(input_ids=given, past_key_values=cache, use_cache=True, **last)
        return out.logits[:, -1]

    which = _first_alike(prefixes) if shares else np.arange(len(prefixes))
    read, place = np.unique(which, return_inverse=True)
    given = torch.tensor([list(prefixes[row]) for row in read], device=subject.device)
    logits = next_logits(given)
    if len(read) < len(prefixes):
        spread = torch.from_numpy(place).to(logits.device)
        cache.reorder_cache(spread)
        logits = logits[spread]
    ids, logs = np.zeros(drawn.shape, np.int64), np.zeros(drawn.shape)
    rows, lengths = np.arange(len(prefixes)), np.full(len(prefixes), drawn.shape[1])
    for step in range(drawn.shape[1]):
        chosen, log_prob = _choose(logits, torch.from_numpy(drawn[rows, step]), temperature)
        ids[rows, step], logs[rows, step] = chosen.cpu().numpy(), log_prob.cpu().numpy()
        ended = rows[np.isin(ids[rows, step], ends)]
        lengths[ended] = np.minimum(lengths[ended], step + 1)
        goes_on = lengths[rows] > step + 1
        if not goes_on.any():
            break
        if goes_on.mean() <= 1 - FINISHED_SHARE:
            stay = torch.from_numpy(np.flatnonzero(goes_on)).to(chosen.device)
            cache.reorder_cache(stay)
            rows, chosen = rows[goes_on], chosen[stay]
        logits = next_logits(chosen[:, None].to(subject.device))
    return (
        [row[:length].tolist() for row, length in zip(ids, lengths, strict=True)],
        [row[:length].tolist() for row, length in zip(logs, lengths, strict=True)],
    )


def _first_alike(prefixes: Sequence[Sequence[int]]) -> Int[np.ndarray, " b"]:
    """Return for each prefix the first that is the same."""
    first: dict[tuple[int, ...], int] = {}
    return np.array(
        [first.setdefault(tuple(each), row) for row, each in enumerate(prefixes)]
    )


def _choose(
    logits: Float[Tensor, "b v"], drawn: Float64[Tensor, " b"], temperature: float | int
) -> tuple[Int[Tensor, " b"], Float64[Tensor, " b"]]:
    """Return a token for each row, at its place in [0, 1), and its log-probability.

    In double precision, so that the tail of the distribution is not lost.
    """
    log_probs = logits.double().log_softmax(dim=-1)
    if temperature == 0:
        chosen = logits.argmax(dim=-1)
    else:
        weights = log_probs if temperature == 1 else log_probs / temperature
        sums = weights.softmax(dim=-1).cumsum(dim=-1)
        # Scaled by the last sum, which rounding leaves beside 1: every draw finds a token.
        sought = drawn.to(sums.device)[:, None] * sums[:, -1:]
        chosen = torch.searchsorted(sums, sought, right=True)[:, 0].clamp(
            max=sums.shape[-1] - 1
        )
    taken = log_probs.gather(1, chosen[:, None])[:, 0]
    # A row of logits that is not finite has no finite log probability at all.
    if not bool(taken.isfinite().all()):
        raise UserError(
            "the subject's logits are not finite; check its weights, its edits and its number type."
        )
    return chosen, taken
