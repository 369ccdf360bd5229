"""How a subject continues texts: any prefixes, one seed a row, edits at sites while it writes.

Axes: b batch, t position, d activation width, v vocabulary.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.models.hooks import Edit, hooked
from tacit.models.subject import Subject


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
    ``batch_rows`` at once, so nothing is padded.
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
            given = torch.tensor(
                [list(prefixes[row]) for row in rows], device=subject.device
            )
            new, logs = _continue(subject, given, np.stack(drawn), temperature, ends)
            for place, row in enumerate(rows):
                length = _length(new[place], ends)
                ids[row] = new[place, :length].tolist()
                log_probs[row] = logs[place, :length].tolist()
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
    prefix: Int[Tensor, "b t"],
    drawn: Float64[np.ndarray, "b n"],
    temperature: float | int,
    ends: Int[np.ndarray, " e"],
) -> tuple[Int[np.ndarray, "b m"], Float64[np.ndarray, "b m"]]:
    """Return new ids and their log-probabilities; a row's tail after its end is of no use."""
    from transformers import StaticCache

    model: Any = subject.model
    steps = drawn.shape[1]
    cache = StaticCache(config=model.config, max_cache_len=prefix.shape[1] + steps)
    takes_last = "logits_to_keep" in inspect.signature(model.forward).parameters
    options = {"logits_to_keep": 1} if takes_last else {}
    ids, logs, given = [], [], prefix
    is_done = np.zeros(len(prefix), dtype=bool)
    for step in range(steps):
        logits = model(
            input_ids=given, past_key_values=cache, use_cache=True, **options
        ).logits
        chosen, log_prob = _choose(
            logits[:, -1], torch.from_numpy(drawn[:, step]), temperature
        )
        ids.append(chosen.cpu().numpy())
        logs.append(log_prob.cpu().numpy())
        is_done |= np.isin(ids[-1], ends)
        if is_done.all():
            break
        given = chosen[:, None].to(prefix.device)
    return np.stack(ids, axis=1), np.stack(logs, axis=1)


def _choose(
    logits: Float[Tensor, "b v"], drawn: Float64[Tensor, " b"], temperature: float | int
) -> tuple[Int[Tensor, " b"], Float64[Tensor, " b"]]:
    """Return a token for each row, at its place in [0, 1), and its log-probability.

    In double precision, so that the tail of the distribution is not lost.
    """
    log_probs = logits.double().log_softmax(dim=-1)
    if not bool(log_probs.max(dim=-1).values.isfinite().all()):
        raise UserError(
            "the subject's logits are not finite; check its weights, its edits and its number type."
        )
    if temperature == 0:
        chosen = logits.argmax(dim=-1)
    else:
        sums = (log_probs / temperature).softmax(dim=-1).cumsum(dim=-1)
        # Scaled by the last sum, which rounding leaves beside 1: every draw finds a token.
        sought = drawn.to(sums.device)[:, None] * sums[:, -1:]
        chosen = torch.searchsorted(sums, sought, right=True)[:, 0].clamp(
            max=sums.shape[-1] - 1
        )
    return chosen, log_probs.gather(1, chosen[:, None])[:, 0]


def _length(ids: Int[np.ndarray, " m"], ends: Int[np.ndarray, " e"]) -> int:
    found = np.flatnonzero(np.isin(ids, ends))
    return int(found[0]) + 1 if len(found) else len(ids)
