"""How much of a subject's prediction a dictionary keeps: the loss with its reconstruction.

Axes: b windows, t positions, w documents.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tacit.activations.store import Store
from tacit.activations.windows import Windows, windows_in
from tacit.base.errors import UserError
from tacit.base.progress import Progress, silent
from tacit.dictionaries.dictionary import Dictionary
from tacit.interventions.edits import Edit, constant, substitute, transcode
from tacit.metrics.loss import token_losses
from tacit.models.subject import Subject

BATCH_WINDOWS = 16
"""Windows run at once."""
EditFor = Callable[[Bool[Tensor, "b t"]], Edit | Mapping[str, Edit]]
"""From the positions to edit to the edit, or to one for each of several sites."""


@dataclass(frozen=True, kw_only=True)
class Losses:
    """Next-token losses of whole documents, clean and under each edit."""

    documents: Int[np.ndarray, " w"]
    num_tokens: Int[np.ndarray, " w"]
    """Predicted tokens of each document."""
    clean: Float[np.ndarray, " w"]
    """Summed loss of each document in nats."""
    edited: Mapping[str, Float[np.ndarray, " w"]]
    """The same under each edit, by its name."""
    num_windows_left_out: int
    """Held-out windows that were not read, because of a limit."""

    def per_token(self, name: str | None = None) -> float:
        """Return the mean loss in nats per token, clean or under an edit."""
        sums = self.clean if name is None else self.edited[name]
        return float(sums.sum() / self.num_tokens.sum())


def next_token_losses(
    logits: Float[Tensor, "b t v"], ids: Int[Tensor, "b t"], mask: Bool[Tensor, "b t"]
) -> Float[Tensor, "b t"]:
    """Return each position's loss in nats for the token after it; 0 where there is none."""
    mask, ids = mask.to(logits.device), ids.to(logits.device)
    follows = mask[:, 1:]
    out = torch.zeros(mask.shape, device=logits.device)
    out[:, :-1][follows] = token_losses(
        logits[:, :-1][follows], ids[:, 1:][follows]
    ).float()
    return out


def scored_tokens(windows: Windows) -> Bool[np.ndarray, "n s"]:
    """Return which tokens after the first of each window (s = t - 1) are predictions to score.

    The first token of a document in a packed window is none: nothing before it speaks of it.
    """
    stands = windows.ids[:, 1:] >= 0
    return stands & (windows.document[:, 1:] == windows.document[:, :-1])


def losses_under(
    subject: Subject,
    windows: Windows,
    site: str,
    edits: Mapping[str, EditFor],
    *,
    progress: Progress = silent,
) -> Losses:
    """Return the losses of ``windows`` clean and under each edit of ``site``.

    Edits hold at the usable positions only; the loss counts every token that follows another
    of its document.
    """
    if not subject.is_causal:
        raise UserError(
            f"{subject.name} predicts no next token, so the loss under an edit is not defined."
        )
    names = [None, *edits]
    documents, owner = np.unique(windows.document, return_inverse=True)
    owner = owner.reshape(windows.document.shape)
    scored = scored_tokens(windows)
    sums = np.zeros((len(names), len(documents)))
    with progress("measure", len(windows.ids), "windows") as advance:
        for first in range(0, len(windows.ids), BATCH_WINDOWS):
            span = slice(first, first + BATCH_WINDOWS)
            ids = torch.from_numpy(windows.ids[span])
            where = torch.from_numpy(windows.usable[span])
            for place, name in enumerate(names):
                edit = {} if name is None else edits[name](where)
                by_site = edit if isinstance(edit, Mapping) else {site: edit}
                flow = subject.run(ids, edits=by_site, logits=True)
                assert (
                    flow.logits is not None
                    and flow.ids is not None
                    and flow.mask is not None
                )
                found = next_token_losses(flow.logits, flow.ids, flow.mask).cpu().numpy()
                counted = scored[span]
                sums[place] += np.bincount(
                    owner[span][:, 1:][counted],
                    weights=found[:, :-1][counted],
                    minlength=len(documents),
                )
            advance(len(ids))
    num_tokens = np.bincount(owner[:, 1:][scored], minlength=len(documents))
    return Losses(
        documents=documents,
        num_tokens=num_tokens.astype(np.int64),
        clean=sums[0],
        edited=dict(zip(edits, sums[1:], strict=True)),
        num_windows_left_out=windows.num_left_out,
    )


def substitution_losses(
    subject: Subject,
    store: Store,
    site: str,
    dictionaries: Mapping[str, Dictionary],
    mean: Float[Tensor, " d"],
    *,
    everywhere: bool = False,
    max_windows: int | None = None,
    progress: Progress = silent,
) -> Losses:
    """Return the losses with each dictionary's reconstruction, with zero and with ``mean``.

    ``site`` is where values are replaced: what a transcoder rebuilds. Held-out windows only. With
    ``everywhere`` the special and high-norm positions are
    replaced as well, which no dictionary was fitted on.
    """
    if subject.digest != store.manifest["configuration"]["subject_digest"]:
        raise UserError(
            f"{subject.name} is not the subject that {store.folder} was harvested from: its "
            "weights differ. Load that subject, or harvest this one."
        )
    windows = windows_in(store, site, held_out=True, max_windows=max_windows)
    if everywhere:
        windows = windows.with_all_usable()
    edits: dict[str, EditFor] = {
        "zero": lambda where: constant(torch.zeros_like(mean), where),
        "mean": lambda where: constant(mean, where),
    }
    for name, dictionary in dictionaries.items():
        put = substitute if dictionary.target is None else transcode
        edits[name] = lambda where, put=put, dictionary=dictionary: put(dictionary, where)
    return losses_under(subject, windows, site, edits, progress=progress)
