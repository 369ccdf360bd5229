"""The shards of a harvest: what a subject computes on some windows, written once and noted.

Axes: b contexts, t positions, n rows, d width.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from tacit.activations.contexts import Contexts
from tacit.activations.crew import Crew
from tacit.activations.harvest_settings import DTYPES, HarvestSettings
from tacit.activations.store import shard_name
from tacit.base.errors import UserError
from tacit.base.files import sha256_of, write_atomically, written_aside
from tacit.base.progress import Task
from tacit.models.subject import Subject


def write_shards(
    subject: Subject,
    contexts: Contexts,
    widths: Mapping[str, int],
    partial: Path,
    settings: HarvestSettings,
    crew: Crew,
    advance: Task,
) -> None:
    """Write every shard of this process's that is not there yet, with its note."""
    for number, first in enumerate(_starts(contexts, settings)):
        if not crew.has(number):
            continue
        span = slice(first, first + settings.contexts_per_shard)
        path = partial / shard_name(number)
        note_path = path.with_suffix(".json")
        earlier = note_path.exists() and _is_whole(path, note_path)
        if not earlier:
            tensors = _read_span(subject, contexts, span, tuple(widths), settings, number)
            with written_aside(path) as aside:
                save_file(tensors, aside)
            rows = int(contexts.mask[span].sum())
            note = {"rows": rows, "bytes": path.stat().st_size, "sha256": sha256_of(path)}
            write_atomically(note_path, json.dumps(note))
        advance(int(contexts.mask[span].sum()), earlier=earlier)


def _starts(contexts: Contexts, settings: HarvestSettings) -> range:
    """Return the first window of each shard."""
    return range(0, len(contexts.ids), settings.contexts_per_shard)


def notes_of(
    partial: Path, contexts: Contexts, settings: HarvestSettings
) -> list[dict[str, object]]:
    """Return what was noted of every shard, whoever wrote it."""
    paths = (partial / shard_name(n) for n in range(len(_starts(contexts, settings))))
    return [json.loads(path.with_suffix(".json").read_text()) for path in paths]


def _is_whole(path: Path, note_path: Path) -> bool:
    """Return whether a shard from before a kill is the one its note speaks of."""
    note = json.loads(note_path.read_text())
    if not path.exists() or path.stat().st_size != note["bytes"]:
        return False
    return sha256_of(path) == note["sha256"]


def _read_span(
    subject: Subject,
    contexts: Contexts,
    span: slice,
    sites: tuple[str, ...],
    settings: HarvestSettings,
    shard: int,
) -> dict[str, Tensor]:
    """Return the vectors and norms of one shard's windows, only where tokens stand.

    Windows of like length run together, as a short one beside a long one is mostly padding.
    """
    ids, mask = contexts.ids[span], contexts.mask[span]
    lengths = mask.sum(axis=1)
    ends, order = np.cumsum(lengths), np.argsort(-lengths, kind="stable")
    dtype, num_rows = DTYPES[settings.dtype], int(ends[-1])
    out = {site: torch.empty(num_rows, subject.width(site), dtype=dtype) for site in sites}
    norms = {f"norm.{site}": torch.empty(num_rows) for site in sites}
    for start in range(0, len(ids), settings.batch_contexts):
        batch = order[start : start + settings.batch_contexts]
        longest = int(lengths[batch[0]])
        standing = torch.from_numpy(mask[batch, :longest])
        flow = subject.run(torch.from_numpy(ids[batch, :longest]), sites=sites)
        spans = [slice(ends[each] - lengths[each], ends[each]) for each in batch]
        rows = torch.from_numpy(np.r_[tuple(spans)])
        for site in sites:
            value = flow.activations[site].cpu()
            stored = (value if bool(standing.all()) else value[standing]).reshape(
                -1, value.shape[-1]
            )
            kept = stored.to(dtype)
            norm = kept.float().norm(dim=1)
            if not bool(torch.isfinite(norm).all()):
                raise _not_finite(
                    stored, site, shard, start // settings.batch_contexts, settings
                )
            out[site][rows] = kept
            norms[f"norm.{site}"][rows] = norm
    return out | norms


def _not_finite(
    value: Tensor, site: str, shard: int, batch: int, settings: HarvestSettings
) -> UserError:
    where = f"site {site}, batch {batch} of shard {shard}"
    num_bad = int((~torch.isfinite(value)).sum())
    if num_bad:
        return UserError(
            f"{where}: {num_bad} activations are NaN or infinite. The model overflows on this "
            "text; load it in another dtype, or leave this text out."
        )
    return UserError(
        f"{where}: the largest activation, {float(value.abs().max()):.3g}, does not fit "
        f"{settings.dtype}; store with --dtype bfloat16 or float32."
    )
