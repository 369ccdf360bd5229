"""A fit straight from a model and text: activations live in a buffer in memory, nothing on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool

from tacit.activations.contexts import Contexts
from tacit.activations.harvest import HarvestSettings, windows_of
from tacit.activations.live import BUFFER_ROWS, Live
from tacit.activations.tokens import held_out_windows
from tacit.base.errors import UserError
from tacit.data.documents import Corpus
from tacit.dictionaries.blocks import Blocks
from tacit.dictionaries.dictionary import InputContract
from tacit.models.subject import Subject
from tacit.verbs.settings import PaceSettings
from tacit.verbs.source import as_asked


@dataclass(frozen=True, kw_only=True)
class LiveSource:
    """A model, text and sites that a dictionary is fitted to; see ``Source``.

    Held-out documents are those that a store of the same text holds out: harvest one, of as much
    text as the figures need, to measure the dictionary.
    """

    subject: Subject
    corpus: Corpus
    sites: Sequence[str]
    target: str | None = None
    reading: HarvestSettings
    buffer_rows: int = BUFFER_ROWS
    _reading: list[Live] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        if len(self.sites) > 1 and self.target is not None:
            raise UserError(
                f"a target, {self.target}, was given beside {len(self.sites)} sites; a transcoder "
                "reads one site."
            )

    @property
    def is_crosscoder(self) -> bool:
        """Whether several parts are read at once."""
        return len(self.sites) > 1

    @property
    def width(self) -> int:
        """Width of what is read; of a crosscoder, of its widest part."""
        return max(map(self.subject.width, self.sites))

    @property
    def extra(self) -> dict[str, Any]:
        """Settings that a method needs to read this."""
        return {} if self.target is None else {"reads": self.width}

    @cached_property
    def _windows(self) -> tuple[Contexts, Bool[np.ndarray, " w"]]:
        """The text's windows, and which of them are fitted to."""
        contexts, rendered = windows_of(self.subject, self.corpus, self.reading)
        return contexts, ~held_out_windows(rendered.corpus, contexts)[0]

    def identity(self) -> dict[str, Any]:
        """Return what tells this source from any other, as plain JSON."""
        return {
            "subject_digest": self.subject.digest,
            "text_digest": self.corpus.digest(),
            "reading": vars(self.reading),
            "sites": list(self.sites),
            "target": self.target,
            "buffer_rows": self.buffer_rows,
        }

    def num_rows(self) -> int:
        """Return the usable training rows of one reading."""
        return self._live(1, 0).num_rows

    def blocks(self, settings: PaceSettings, seed: int) -> Blocks:
        """Return the shuffled blocks of the training windows."""
        live = self._live(settings.batch, seed)
        self._reading.append(live)
        return as_asked(live, self.sites, self.target)

    def ended(self) -> dict[str, Any]:
        """Stop reading; return how many rows this call read, left out and gave twice."""
        for live in self._reading:
            live.close()
        return {
            "num_rows_read": sum(live.num_read for live in self._reading),
            "num_high_norm_rows": sum(live.num_high_norm for live in self._reading),
            "num_repeated_rows": sum(live.num_repeated for live in self._reading),
        }

    def _live(self, block_rows: int, seed: int) -> Live:
        contexts, windows = self._windows
        sites = (*self.sites, *(() if self.target is None else (self.target,)))
        return Live(
            self.subject,
            contexts,
            windows,
            sites,
            seed=seed,
            block_rows=block_rows,
            buffer_rows=self.buffer_rows,
            high_norm_factor=self.reading.high_norm_factor,
            batch_contexts=self.reading.batch_contexts,
        )

    def contract(self) -> InputContract:
        """Return what a dictionary fitted to this expects of its input; the fit adds the site."""
        contexts, _ = self._windows
        return InputContract(
            subject=self.subject.name,
            subject_digest=self.subject.digest,
            prepend_bos=contexts.bos,
            context_tokens=contexts.ids.shape[1],
            high_norm_factor=self.reading.high_norm_factor,
            dtype=str(self.subject.dtype).removeprefix("torch."),
        )
