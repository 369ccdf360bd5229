"""The subject: the model under study with its tokenizer, its sites, and one way to run it.

Axes: b batch, t position, d activation width, f directions, v vocabulary.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tacit.base.errors import UserError
from tacit.models.families import Family
from tacit.models.flows import (
    Batch,
    Flow,
    Tokens,
    batch_of,
    batch_of_ids,
    check_batch,
    promoted_logits,
    with_bos,
)
from tacit.models.hooks import Edit, hooked
from tacit.models.load_settings import LoadSettings
from tacit.models.sites import Sites, body_of

HEAD = "logits"
"""Stands among the refused sites for the final norm and the head."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """A network that can be read and edited at its sites. Made by ``load_subject``."""

    name: str
    model: nn.Module = field(repr=False)
    tokenizer: Any = field(repr=False)
    """A fast tokenizer of transformers; None for a module given without one."""
    family: Family | None = field(repr=False)
    """The row of ``FAMILIES`` that describes it, if one does."""
    site_map: Sites = field(repr=False)
    widths: Mapping[str, int] = field(repr=False)
    """Of the named sites, as measured on loading."""
    digest: str
    """SHA-256 of the weights as loaded, 16 bits widened to 32: one on every device."""
    load: LoadSettings = field(repr=False)
    """As asked."""
    device: torch.device  # of the embedding, where token ids go
    dtype: torch.dtype
    dtype_note: str | None
    """Why the checkpoint's own type was not kept; None where it was."""
    context_tokens: int | None
    """Most that it reads at once; None for a bare module."""
    vocab_size: int | None
    """None for a bare module."""
    is_causal: bool
    """Whether it has a head that predicts the next token."""
    bos_id: int | None
    """What opens a text: BOS, for an encoder CLS; None if it has none."""
    stop_ids: frozenset[int]
    """Tokens that end a text."""
    padding_id: int
    """Fills the end of short rows, masked."""
    one_pass: threading.RLock = field(default_factory=threading.RLock, repr=False)
    """Held during a pass: its hooks would see the values of another thread's."""

    def sites(self) -> tuple[str, ...]:
        """Return the sites' names, shallow to deep; for an unknown family its module paths."""
        return self.site_map.names()

    @property
    def reads_tokens(self) -> bool:
        """Whether its input is token ids, not any tensor."""
        return self.vocab_size is not None

    @property
    def special_ids(self) -> frozenset[int]:
        """Ids of tokens that are not text, such as BOS and padding."""
        return frozenset(getattr(self.tokenizer, "all_special_ids", ()))

    def width(self, site: str) -> int:
        """Return the size of a site's last axis; a bare module's is known of linear maps only."""
        place = self.site_map.find(site)
        if site in self.widths:
            return self.widths[site]
        if self.reads_tokens:
            flow = self.run(torch.zeros(1, 1, dtype=torch.long), sites=(site,))
            return flow.activations[site].shape[-1]
        if isinstance(place.module, nn.Linear):
            return place.module.out_features
        raise UserError(
            f"the width of {site!r} ({type(place.module).__name__}) is not known before "
            f"{self.name} has run; read it off a run, or name a linear map."
        )

    def tokenize(self, text: str) -> Tokens:
        """Return a text's token ids and character offsets; nothing is added or cut off."""
        if self.tokenizer is None:
            raise UserError(f"{self.name} has no tokenizer: give token ids, not text.")
        read = self.tokenizer(
            text,
            add_special_tokens=False,
            return_offsets_mapping=True,
            truncation=False,
            padding=False,
            verbose=False,
        )
        return Tokens(
            ids=list(read["input_ids"]), offsets=[(a, b) for a, b in read["offset_mapping"]]
        )

    def run(
        self,
        inputs: Sequence[str] | Tensor,
        *,
        sites: Sequence[str] = (),
        edits: Mapping[str, Edit] | None = None,
        logits: bool = False,
        gradients: bool = False,
        prepend_bos: bool = False,
    ) -> Flow:
        """Run once; return what flows at ``sites`` and, if asked for, the logits.

        ``inputs``: texts, or ids (b t) with negative ids as padding at a row's end; for a bare
        module any tensor. ``edits`` replace a site's value. The pass stops after the deepest
        site if no logits are asked for (a module path runs it all, as it may come twice).
        ``gradients`` keeps the graph: differentiate logits or deeper sites by the sites read.
        """
        sites = self.site_map.expand(sites)
        if logits:
            self._check_has_logits()
        given, out = self._given(inputs, prepend_bos=prepend_bos), None
        with (
            self.one_pass,
            torch.set_grad_enabled(gradients),
            hooked(
                self.site_map, sites, edits, stop=not logits, keep_graph=gradients
            ) as values,
        ):
            if logits or sites or edits:
                out = self._forward(given)
        for site in set(sites) - values.keys():
            raise UserError(
                f"site {site!r} of {self.name} does not run in a pass; name another."
            )
        return Flow(
            activations={site: values[site] for site in sites},
            logits=self._logits(out) if logits else None,
            mask=given.mask if isinstance(given, Batch) else None,
            ids=given.ids if isinstance(given, Batch) else None,
        )

    def batch(self, inputs: Sequence[str] | Tensor, *, prepend_bos: bool = False) -> Batch:
        """Return texts or ids as a batch on the subject's device, checked."""
        if isinstance(inputs, str):
            raise UserError(f"one text was given ({inputs[:40]!r}); give a list of texts.")
        if isinstance(inputs, Tensor):
            if inputs.ndim != 2 or inputs.is_floating_point():
                raise UserError(
                    f"{inputs.dtype} of shape {tuple(inputs.shape)} was given; {self.name} reads "
                    "texts, or integer ids of shape (batch, position)."
                )
            batch = batch_of_ids(inputs, padding_id=self.padding_id)
        else:
            batch = batch_of(
                [self.tokenize(text).ids for text in inputs], padding_id=self.padding_id
            )
        if prepend_bos:
            if self.bos_id is None:
                raise UserError(f"{self.name} has no BOS token; run without prepend_bos.")
            batch = with_bos(batch, self.bos_id)
        check_batch(
            batch,
            of=self.name,
            vocab_size=self.vocab_size,
            context_tokens=self.context_tokens,
        )
        return Batch(ids=batch.ids.to(self.device), mask=batch.mask.to(self.device))

    def promoted(self, directions: Float[Tensor, "f d"]) -> Float[Tensor, "f v"]:
        """Return how much each direction, added to the last residual stream, raises each logit.

        The direct effect through the final norm's own weights and the head, in logits per unit
        of direction at a norm's scale of 1: a LayerNorm centres the direction first; the
        division by the stream's size depends on the text and is left out, so compare tokens for
        one direction, not sizes between texts. The head's bias moves no direction: left out, as
        is a cap behind the head, which keeps the order of tokens.
        """
        self._check_has_logits()
        if HEAD in self.site_map.refused:
            reason = self.site_map.refused[HEAD]
            raise UserError(f"the head of {self.name} is refused: {reason}.")
        if not (self.family and self.family.final_norm and self.family.head):
            raise UserError(f"the final norm and head of {self.name} are not known.")
        norm: Any = body_of(self.model).get_submodule(self.family.final_norm)
        head: Any = self.model.get_submodule(self.family.head)
        with torch.no_grad():
            return promoted_logits(
                directions,
                norm.weight + self.family.norm_offset,
                head.weight,
                centred=isinstance(norm, nn.LayerNorm),
            )

    @property
    def knows_head(self) -> bool:
        """Whether the final norm and the head are known and proven."""
        known = self.family is not None and self.family.final_norm and self.family.head
        return bool(known) and HEAD not in self.site_map.refused

    def _check_has_logits(self) -> None:
        if self.reads_tokens and not self.is_causal:
            raise UserError(
                f"logits of {self.name} were asked for; it is an encoder and has no head that "
                "predicts the next token. Use a causal language model."
            )

    def _given(
        self, inputs: Sequence[str] | Tensor, *, prepend_bos: bool
    ) -> Batch | Tensor:
        if self.reads_tokens:
            return self.batch(inputs, prepend_bos=prepend_bos)
        if not isinstance(inputs, Tensor) or prepend_bos:
            raise UserError(
                f"text was given; {self.name} reads no tokens. Give it a tensor."
            )
        return inputs.to(self.device)

    def _forward(self, given: Batch | Tensor) -> Any:
        if isinstance(given, Batch):
            options = {"use_cache": False} if self.is_causal else {}
            return self.model(
                input_ids=given.ids, attention_mask=given.mask.long(), **options
            )
        return self.model(given)

    def _logits(self, out: Any) -> Tensor:
        found = out.logits if self.reads_tokens else out
        if not isinstance(found, Tensor):
            raise UserError(
                f"{self.name} gives a {type(found).__name__}, not a tensor of logits."
            )
        return found
