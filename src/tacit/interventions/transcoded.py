"""A subject on one prompt with its MLPs' outputs given, and attention patterns and norms held.

What a transcoder reads, and the logits, are then affine in what is given: the embeddings and each
MLP's output without the part that a transcoder fixes.
Axes: b rows, t positions, d width, f atoms, e width that is rebuilt, v vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tacit.base.errors import UserError
from tacit.dictionaries.dictionary import Dictionary
from tacit.interventions.edits import Edit
from tacit.interventions.frozen import Frozen
from tacit.models.subject import Subject

EMBED, OUT, BEHIND = "embed", "mlp_out.", "mlp."


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Pass:
    """What one pass gives."""

    reads: Mapping[int, Float[Tensor, "b t d"]]
    """By layer: what its transcoder reads."""
    logits: Float[Tensor, "b v"]
    """After the last token, as the head gives them, before any cap."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Transcoded:
    """The subject on its prompt, ready for passes from what is given. Made by ``transcoded``."""

    subject: Subject
    ids: Int[Tensor, " t"]
    transcoders: Mapping[int, Dictionary]
    """By layer."""
    clean: Pass
    """The subject's own pass."""
    given: tuple[Float[Tensor, "t d"], ...] = field(repr=False)
    """Of that pass: embeddings, then each MLP's output without ``fixed_part``."""
    log_probabilities: Float[Tensor, " v"] = field(repr=False)
    """Of the token after the prompt."""
    frozen: Frozen = field(repr=False)

    def run(
        self, given: Sequence[Float[Tensor, "b t d"]], *, gradients: bool = False
    ) -> Pass:
        """Return what a pass makes of embeddings and of each MLP's output, in any rows."""
        seen: dict[str, Tensor] = {}
        sites = [EMBED, *(f"{OUT}{layer}" for layer in range(len(given) - 1))]

        def edit(site: str) -> Edit:
            def put(value: Tensor) -> Tensor:
                if site in sites:
                    number = sites.index(site)
                    fixed = self._fixed(number - 1, seen)
                    value = (given[number] + fixed).to(value)
                seen[site] = value
                return value

            return put

        head, rows = head_of(self.subject), len(given[0])
        asked = {str(one.contract.site) for one in self.transcoders.values()}
        with self.frozen, torch.set_grad_enabled(gradients):
            flow = self.subject.run(
                self.ids.expand(rows, -1),
                sites=[head],
                edits={site: edit(site) for site in dict.fromkeys([*sites, *asked])},
                gradients=gradients,
            )
            logits = flow.activations[head][:, -1]
        reads = {n: seen[str(one.contract.site)] for n, one in self.transcoders.items()}
        return Pass(reads=reads, logits=logits)

    def _fixed(self, layer: int, seen: Mapping[str, Tensor]) -> Tensor | float:
        """Return what the layer's transcoder fixes, from what it has read in this pass."""
        if layer not in self.transcoders:
            return 0.0
        dictionary = self.transcoders[layer]
        site = str(dictionary.contract.site)
        if site not in seen:
            raise UserError(
                f"the transcoder reads {site}, which {self.subject.name} has not computed when it "
                f"comes to {OUT}{layer}; give one that reads an earlier site."
            )
        return fixed_part(dictionary, seen[site].to(self.given[0]))


def transcoded(
    subject: Subject, ids: Int[Tensor, " t"], transcoders: Sequence[Dictionary]
) -> Transcoded:
    """Return the subject on a prompt, its attention patterns and norms held as they are there.

    Each transcoder reads a site that its MLP's input depends on in a straight line once norms are
    held: ``resid.N-1`` (``embed`` for layer 0), or the module path of the norm before the MLP.
    """
    by_layer = _by_layer(subject, transcoders)
    head, frozen = head_of(subject), Frozen()
    layers = sum(site.startswith(OUT) for site in subject.site_map.named)
    outs = [f"{OUT}{layer}" for layer in range(layers)]
    asked = [str(one.contract.site) for one in by_layer.values()]
    with frozen:
        sites = list(dict.fromkeys([EMBED, *outs, head, *asked]))
        flow = subject.run(ids[None], sites=sites, logits=True)
    assert flow.logits is not None, "logits were asked for"
    read = {
        layer: flow.activations[site] for layer, site in zip(by_layer, asked, strict=True)
    }
    given = [flow.activations[EMBED][0].float()]
    for layer, site in enumerate(outs):
        out = flow.activations[site][0].to(given[0])
        if layer in by_layer:
            out = out - fixed_part(by_layer[layer], read[layer][0].to(out))
        given.append(out)
    return Transcoded(
        subject=subject,
        ids=ids,
        transcoders=by_layer,
        clean=Pass(reads=read, logits=flow.activations[head][:, -1]),
        given=tuple(given),
        log_probabilities=flow.logits[0, -1].float().log_softmax(dim=-1).cpu(),
        frozen=frozen,
    )


def fixed_part(
    dictionary: Dictionary, rows: Float[Tensor, "*b d"]
) -> Float[Tensor, "*c e"]:
    """Return what a transcoder rebuilds of rows with all its features off.

    Its centre and, where it has a skip connection, what that makes of the rows.
    """
    target = dictionary.target
    assert target is not None, "a transcoder has a target"
    centre = target.centre.to(rows)
    if target.skip is None:
        return centre
    centred = (rows - dictionary.centre.to(rows)) / dictionary.scale
    return centre + target.scale * centred @ target.skip.to(rows).T


def head_of(subject: Subject) -> str:
    """Return the module path of the head, or say that it is not known."""
    if not subject.knows_head or subject.family is None or subject.family.head is None:
        raise UserError(
            f"the head of {subject.name} is not known or not proven, so its logits cannot be "
            "explained; use a causal language model of a family that Tacit knows."
        )
    return subject.family.head


def _by_layer(subject: Subject, transcoders: Sequence[Dictionary]) -> dict[int, Dictionary]:
    """Return the transcoders by the layer that they rebuild, checked."""
    found: dict[int, Dictionary] = {}
    for one in transcoders:
        reads, rebuilds = one.contract.site, one.contract.target
        if one.target is None or reads is None or rebuilds is None:
            raise UserError(
                f"a dictionary of {reads or 'no known site'} was given that rebuilds what it "
                "reads; give transcoders, fitted with a target such as mlp_out.0."
            )
        if not rebuilds.startswith(OUT) or rebuilds not in subject.sites():
            raise UserError(
                f"a transcoder onto {rebuilds} was given; a graph needs transcoders onto the "
                f"mlp_out sites of {subject.name}."
            )
        if one.rebuilt_width != subject.width(rebuilds):
            raise UserError(
                f"the transcoder onto {rebuilds} rebuilds rows of width {one.rebuilt_width}; that "
                f"of {subject.name} is {subject.width(rebuilds)} wide. Fit one on this subject."
            )
        layer = int(rebuilds.removeprefix(OUT))
        if reads.startswith(BEHIND) and reads in subject.site_map.named:
            earlier = f"resid.{layer - 1}" if layer else EMBED
            raise UserError(
                f"the transcoder onto {rebuilds} reads {reads}, which lies behind an MLP's "
                "nonlinearity, so what it reads is no sum of what came before. Fit one that reads "
                f"{earlier}, or the module path of the norm before the MLP."
            )
        if layer in found:
            raise UserError(
                f"two transcoders onto {rebuilds} were given; give one a layer."
            )
        if one.contract.subject_digest not in (None, subject.digest):
            raise UserError(
                f"the transcoder onto {rebuilds} was fitted on another subject than "
                f"{subject.name}: its weights differ. Load that subject, or fit on this one."
            )
        found[layer] = one
    if not found:
        raise UserError("no transcoder was given; give one for every MLP to be explained.")
    return dict(sorted(found.items()))
