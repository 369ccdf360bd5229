"""From a subject and text to a store: any number of sites in one pass, resumable shard by shard.

Axes: b contexts, t positions, n rows, d width.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from tacit.activations.chats import Rendered, render
from tacit.activations.contexts import Contexts, Mode, cut
from tacit.activations.store import KIND, Store, open_store, shard_name
from tacit.activations.tokens import finish_store
from tacit.base.errors import UserError, look_up, unknown
from tacit.base.files import sha256_of, write_atomically, written_aside
from tacit.base.folders import whole_folder
from tacit.base.progress import Progress, Task, silent
from tacit.data.documents import Corpus
from tacit.models.subject import Subject

DTYPES: dict[str, torch.dtype] = {
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "float32": torch.float32,
}


@dataclass(frozen=True, kw_only=True)
class HarvestSettings:
    """What is read, and by which policy positions are left out of fit and measure."""

    context_tokens: int | None = None
    """Tokens a window holds, BOS included; None: the subject's own limit, at most 512."""
    prepend_bos: bool | None = None
    """Open every window with BOS (or CLS); None: when the tokenizer has one. Its row is kept in
    the store and marked special."""
    max_tokens: int | None = None
    windows: Mode = "split"
    """How documents become windows: split, packed or documents; see ``contexts.Mode``."""
    high_norm_factor: float | None = 10.0
    """A row whose norm is above this many medians of its site is marked; None marks none."""
    dtype: Literal["float16", "bfloat16", "float32"] = "float16"
    batch_contexts: int = 16
    contexts_per_shard: int = 256

    def __post_init__(self) -> None:
        look_up(DTYPES, self.dtype, "dtype")
        if self.windows not in get_args(Mode):
            raise unknown("way of making windows", self.windows, get_args(Mode))
        if self.batch_contexts < 1 or self.contexts_per_shard % self.batch_contexts:
            raise UserError(
                f"contexts_per_shard ({self.contexts_per_shard}) must be a multiple of "
                f"batch_contexts ({self.batch_contexts})."
            )
        if self.high_norm_factor is not None and self.high_norm_factor <= 1:
            raise UserError(
                f"high_norm_factor {self.high_norm_factor} would mark ordinary positions; use a "
                "number well above 1, or none."
            )


LONGEST_DEFAULT = 512
"""A longer window must be asked for: attention's memory grows with its square."""


def windows_of(
    subject: Subject, corpus: Corpus, settings: HarvestSettings
) -> tuple[Contexts, Rendered]:
    """Return the windows that a harvest with these settings reads, and the text as it is read."""
    if subject.context_tokens is None or subject.tokenizer is None:
        raise UserError(
            f"{subject.name} reads no text; harvest needs a model with a tokenizer. For any other "
            "module give your own activations to tacit.fit."
        )
    context_tokens = settings.context_tokens or min(subject.context_tokens, LONGEST_DEFAULT)
    if context_tokens > subject.context_tokens:
        raise UserError(
            f"windows of {context_tokens} tokens were asked for, and {subject.name} reads at most "
            f"{subject.context_tokens}; lower --context (in a run, text.context_tokens)."
        )
    prepend = (
        subject.bos_id is not None if settings.prepend_bos is None else settings.prepend_bos
    )
    if prepend and subject.bos_id is None:
        raise UserError(f"{subject.name} has no BOS token to prepend; use --no-bos.")

    opening = subject.tokenizer.decode([subject.bos_id]) if prepend else None
    rendered = render(corpus, subject.tokenizer, opening)

    def tokenise(text: str) -> tuple[list[int], list[tuple[int, int]]]:
        tokens = subject.tokenize(text)
        return tokens.ids, tokens.offsets

    contexts = cut(
        tokenise,
        rendered.corpus,
        context_tokens=context_tokens,
        bos_id=subject.bos_id if prepend else None,
        max_tokens=settings.max_tokens,
        mode=settings.windows,
        separator_id=subject.tokenizer.eos_token_id,
    )
    return contexts, rendered


def harvest(
    subject: Subject,
    corpus: Corpus,
    sites: Sequence[str],
    folder: Path,
    *,
    settings: HarvestSettings | None = None,
    replace: bool = False,
    progress: Progress = silent,
) -> Store:
    """Return the store in ``folder``, made by one pass of the subject over the corpus.

    Killed and called again with the same arguments, it goes on after the last whole shard; on
    CPU the result is the same to the byte. ``replace``: a store that is there gives way.
    """
    settings = settings or HarvestSettings()
    if not sites:
        raise UserError("no site was named; try `tacit list sites MODEL`.")
    sites = subject.site_map.expand(sites)
    widths = {site: subject.width(site) for site in sites}
    contexts, rendered = windows_of(subject, corpus, settings)
    manifest = {
        "kind": KIND,
        "configuration": {
            "subject": subject.name,
            "subject_digest": subject.digest,
            "subject_dtype": str(subject.dtype).removeprefix("torch."),
            "load": subject.load.model_dump(mode="json"),
            "text": corpus.name,
            "text_digest": rendered.corpus.digest(),
            "sites": list(sites),
            **asdict(settings),
            "context_tokens": contexts.ids.shape[1],
            "prepend_bos": contexts.bos,
        },
    }
    with whole_folder(folder, manifest, replace=replace) as partial:
        with progress("harvest", contexts.num_tokens, "tokens") as advance:
            rows = _write_shards(subject, contexts, widths, partial, settings, advance)
        finish_store(partial, manifest, subject, rendered, contexts, widths, rows)
    return open_store(folder)


def _write_shards(
    subject: Subject,
    contexts: Contexts,
    widths: Mapping[str, int],
    partial: Path,
    settings: HarvestSettings,
    advance: Task,
) -> list[dict[str, object]]:
    """Write every shard that is not there yet; return the note of each."""
    notes: list[dict[str, object]] = []
    for number, first in enumerate(
        range(0, len(contexts.ids), settings.contexts_per_shard)
    ):
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
        notes.append(json.loads(note_path.read_text()))
        advance(int(contexts.mask[span].sum()), earlier=earlier)
    return notes


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
