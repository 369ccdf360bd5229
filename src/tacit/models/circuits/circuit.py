"""A subject whose circuit is known, with the truth of it: parts, and the directions they use.

Axes: d activation width, s directions of one space.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor

from tacit.base.errors import UserError, look_up
from tacit.models.load import load_subject
from tacit.models.subject import Subject

STAGES = {"attn_out": 1, "mlp_out": 2, "resid": 2}
"""How far into its layer a site stands."""


@final
@dataclass(frozen=True, kw_only=True)
class Part:
    """A head, an MLP, the embedding or the unembedding, and the spaces it goes by."""

    stage: int
    """0 the embedding; 2n + 1 and 2n + 2 attention and MLP of layer n; then the unembedding."""
    head: tuple[int, int] | None = None
    """Layer and number of an attention head; None for another part."""
    reads: frozenset[str]
    """Spaces that change what it does or writes."""
    writes: frozenset[str]
    """Spaces that it adds to."""


@final
@dataclass(frozen=True, kw_only=True)
class Circuit:
    """A subject with weights set by hand, and what is true of it.

    Values are carried by orthonormal directions of mean 0, in named spaces of one direction a
    label. Besides those of the circuit: ``position``, ``start`` (BOS stands here), ``idle``
    (heads outside the circuit write here what nothing reads) and ``unused`` (nothing, ever).
    """

    subject: Subject
    directions: Float[Tensor, "d d"] = field(repr=False)
    """All of them, one a row: an orthonormal basis, and the atoms of a perfect dictionary."""
    spaces: Mapping[str, Mapping[str, int]] = field(repr=False)
    """Space -> label -> row of ``directions``."""
    parts: Mapping[str, Part]
    """The circuit, by what each part does in it."""
    idle: tuple[Part, ...]
    """Heads outside the circuit: they write, and nothing reads it."""

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each row of ``directions``, as ``previous: a``."""
        rows = {
            row: f"{space}: {label}"
            for space, labels in self.spaces.items()
            for label, row in labels.items()
        }
        return tuple(rows[row] for row in range(len(rows)))

    def row(self, space: str, label: str) -> int:
        """Return the row of ``directions`` that carries a label in a space."""
        labels = look_up(self.spaces, space, "space of this circuit")
        return look_up(labels, label, f"label of the space {space}")

    def direction(self, space: str, label: str) -> Float[Tensor, " d"]:
        """Return the unit direction that carries a label in a space."""
        return self.directions[self.row(space, label)]

    def written(self, site: str) -> frozenset[str]:
        """Return the spaces in which the value of a site can differ from 0."""
        stage, parts = _stage(site), (*self.parts.values(), *self.idle)
        # The residual stream gathers; what a part adds is its own alone.
        first = stage if site.startswith(("attn_out", "mlp_out")) else 0
        return _union(part.writes for part in parts if first <= part.stage <= stage)

    def read(self, site: str) -> frozenset[str]:
        """Return the spaces along which an edit of a site can change the logits."""
        stage = _stage(site)
        return _union(part.reads for part in self.parts.values() if part.stage > stage)

    def used(self, site: str) -> frozenset[str]:
        """Return the spaces by which the circuit goes through a site: written, then read."""
        return self.written(site) & self.read(site)

    def without(self, layer: int, head: int) -> Subject:
        """Return the subject with one attention head silenced: it adds nothing."""
        model: Any = copy.deepcopy(self.subject.model)
        width = model.config.n_embd // model.config.n_head
        if not (0 <= layer < model.config.n_layer and 0 <= head < model.config.n_head):
            raise UserError(
                f"head {head} of layer {layer} was to be silenced; {self.subject.name} has layers "
                f"0 to {model.config.n_layer - 1} of heads 0 to {model.config.n_head - 1}."
            )
        with torch.no_grad():
            rows = slice(head * width, (head + 1) * width)
            model.transformer.h[layer].attn.c_proj.weight[rows] = 0
        silenced = load_subject(model, tokenizer=self.subject.tokenizer)
        return replace(silenced, name=f"{self.subject.name} without head {layer}.{head}")


def _stage(site: str) -> int:
    kind, _, layer = site.partition(".")
    if site == "embed":
        return 0
    if kind not in STAGES or not layer.isdigit():
        raise UserError(
            f"the spaces of {site!r} were asked for; they are directions of the residual stream: "
            "name embed, resid.N, attn_out.N or mlp_out.N."
        )
    return 2 * int(layer) + STAGES[kind]


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset[str]().union(*sets)
