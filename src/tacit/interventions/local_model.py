"""What on one prompt adds how much to what: every feature, embedding and error, exactly.

Each MLP's output is the features of its transcoder, what they miss, and a fixed rest. With
attention patterns and norms held, all that comes later is a sum of such sources and a constant.
Axes: t positions, d width, k active features, l layers, m effects asked for at once, s sources
(embeddings by position, errors by layer and position, active features), v vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tacit.dictionaries.dictionary import Dictionary
from tacit.interventions.transcoded import Pass, Transcoded


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ActiveFeatures:
    """The features that fire on the prompt, by layer and then by position."""

    layer: Int[Tensor, " k"]
    position: Int[Tensor, " k"]
    atom: Int[Tensor, " k"]
    """Row of the layer's dictionary."""
    activation: Float[Tensor, " k"]
    """The feature's pre-activation, as it is active."""
    part: Float[Tensor, "k d"]
    """What it adds to its MLP's output."""

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.layer)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class LocalModel:
    """The linear model of one prompt. Made by ``local_model``."""

    held: Transcoded
    features: ActiveFeatures
    errors: Float[Tensor, "l t d"] = field(repr=False)
    """What each layer's features miss; of a layer without transcoder all that its MLP gives."""
    constants: Float[Tensor, " k"]
    """Each feature's pre-activation with no source at all: what biases make of it."""
    logit_constants: Float[Tensor, " v"]
    """The same of the logits."""
    batch: int
    """Effects worked out in one backward pass."""

    @property
    def num_leaves(self) -> int:
        """Sources that nothing has an effect on: embeddings and errors."""
        layers, positions = self.errors.shape[:2]
        return (1 + layers) * positions

    def error_of_feature(self) -> Int[Tensor, " k"]:
        """Return, as a source, the error of the MLP whose output each feature is part of."""
        return (1 + self.features.layer) * self.errors.shape[1] + self.features.position

    def effects_on_features(self, which: Int[Tensor, " m"]) -> Float[Tensor, "m s"]:
        """Return every source's effect on the pre-activations of some of the active features."""
        found = torch.zeros(len(which), self.num_leaves + len(self.features))
        # By layer, so that a backward pass goes no deeper than it must.
        for some in self.features.layer[which].argsort().split(self.batch):
            layers = self.features.layer[which[some]]
            reads = {n: self._graph[1].reads[n] for n in layers.unique().tolist()}
            seeds = {n: torch.zeros_like(read) for n, read in reads.items()}
            for n, seed in seeds.items():
                rows = (layers == n).nonzero()[:, 0]
                own = which[some[rows]]
                along = _reading(self.held.transcoders[n], self.features.atom[own])
                seed[rows, self.features.position[own]] = along.to(seed)
            found[some] = self._effects([*reads.values()], [*seeds.values()], len(some))
        return found

    def effects_on_logits(self, directions: Float[Tensor, "m v"]) -> Float[Tensor, "m s"]:
        """Return every source's effect on some weighted sums of the last token's logits."""
        logits, found = self._graph[1].logits, []
        for some in directions.split(self.batch):
            seeds = torch.zeros_like(logits)
            seeds[: len(some)] = some.to(seeds)
            found.append(self._effects([logits], [seeds], len(some)))
        return torch.cat(found)

    @cached_property
    def _graph(self) -> tuple[list[Tensor], Pass]:
        """What is given to a pass of as many rows as a batch has, and what comes of it."""
        rows = [one.repeat(self.batch, 1, 1).requires_grad_() for one in self.held.given]
        return rows, self.held.run(rows, gradients=True)

    def _effects(
        self, outputs: list[Tensor], seeds: list[Tensor], rows: int
    ) -> Float[Tensor, "m s"]:
        """Return gradient times source for the first rows, each with a target of its own."""
        found = torch.autograd.grad(
            outputs, self._graph[0], seeds, retain_graph=True, materialize_grads=True
        )
        slopes = torch.stack(found, dim=1)[:rows]
        vectors = torch.cat([self.held.given[0][None], self.errors])
        whole = torch.einsum("mltd,ltd->mlt", slopes, vectors).flatten(1)
        own = slopes[:, self.features.layer + 1, self.features.position]
        parts = torch.einsum("mkd,kd->mk", own, self.features.part)
        return torch.cat([whole, parts], dim=1).cpu()


@torch.no_grad()
def local_model(held: Transcoded, *, batch: int) -> LocalModel:
    """Return the linear model of the subject on its prompt."""
    features = _active(held)
    errors = torch.stack(held.given[1:])
    places = (features.layer, features.position)
    errors.index_put_(places, -features.part, accumulate=True)
    without = held.run([torch.zeros_like(one)[None] for one in held.given])
    return LocalModel(
        held=held,
        features=features,
        errors=errors,
        constants=_pre_activations(held.transcoders, without, features),
        logit_constants=without.logits[0].float().cpu(),
        batch=batch,
    )


def _active(held: Transcoded) -> ActiveFeatures:
    found, like = [], held.given[0]
    for layer, dictionary in held.transcoders.items():
        code = dictionary.encode(held.clean.reads[layer][0])
        position, place = code.values.nonzero(as_tuple=True)
        atom, activation = code.indices[position, place], code.values[position, place]
        assert dictionary.target is not None, "checked"
        part = dictionary.target.scale * activation[:, None] * dictionary.atoms[atom]
        kinds = (torch.full_like(atom, layer), position, atom, activation, part)
        found.append([one.to(like.device) for one in kinds])
    layer, position, atom, activation, part = (
        torch.cat(kind) for kind in zip(*found, strict=True)
    )
    return ActiveFeatures(
        layer=layer.cpu(),
        position=position.cpu(),
        atom=atom.cpu(),
        activation=activation.float().cpu(),
        part=part.to(like),
    )


def _reading(dictionary: Dictionary, atom: Int[Tensor, " m"]) -> Float[Tensor, "m d"]:
    """Return the slopes of some atoms' pre-activations in the row that is read."""
    return dictionary.encoder[atom.to(dictionary.encoder.device)] / dictionary.scale


def _pre_activations(
    transcoders: Mapping[int, Dictionary], found: Pass, features: ActiveFeatures
) -> Float[Tensor, " k"]:
    """Return the active features' pre-activations in a pass."""
    values = torch.zeros_like(features.activation)
    for layer, dictionary in transcoders.items():
        mine = features.layer == layer
        atom = features.atom[mine].to(dictionary.atoms.device)
        rows = found.reads[layer][0, features.position[mine]].to(dictionary.atoms)
        projected = ((rows - dictionary.centre) * _reading(dictionary, atom)).sum(dim=1)
        values[mine] = (projected + dictionary.encoder_bias[atom]).to(values)
    return values
