"""How weights are set by hand: a blank GPT-2, whose parts are wired between named directions.

Every direction has mean 0, so that norms pass it on unchanged (``blank``). Attention is as good
as hard: a score that is half of ``SHARPNESS`` below another gets less than a rounding's weight.
Axes: d activation width, s directions read or written, r directions matched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tacit.base.seeds import stream
from tacit.models.circuits.blank import BOS, CONTEXT, HEADS, blank_model, word_tokenizer
from tacit.models.circuits.circuit import Circuit, Part
from tacit.models.load import load_subject

NUM_UNUSED = 8
"""Directions, at least, that carry nothing."""
SHARPNESS = 40.0
"""Score of a match."""
REST = 0.5
"""Share of that which BOS scores: where a head that finds nothing looks."""
GAIN = 6.0
"""Logit of a word that is predicted, the others being at 0: its probability is then about .97."""
TOUCHED = 1e-3
"""Product with a direction from which on a part goes by it; rounding is 1e-6 or less."""


@final
class Wiring:
    """A model being wired; ``circuit`` ends it."""

    def __init__(
        self,
        name: str,
        *,
        words: Mapping[str, Sequence[str]],
        inner: Mapping[str, Sequence[str]],
        layers: int,
        neurons: int = 1,
        seed: int,
    ) -> None:
        """Lay out the spaces: ``words`` are embedded, ``inner`` ones written by parts.

        ``seed`` draws the directions; the circuit is the same for every one.
        """
        self.name = name
        self.words = [word for space in words.values() for word in space]
        given: dict[str, Sequence[str]] = {
            "start": [BOS],
            **words,
            "position": [str(place) for place in range(CONTEXT)],
            **inner,
            "idle": self.words,
        }
        size = sum(len(labels) for labels in given.values()) + NUM_UNUSED
        self.width = -(-size // HEADS) * HEADS
        self.directions = _basis(self.width, seed)
        labels = [(space, label) for space, held in given.items() for label in held]
        labels += [("unused", str(number)) for number in range(self.width - len(labels))]
        self.spaces: dict[str, dict[str, int]] = {}
        for row, (space, label) in enumerate(labels):
            self.spaces.setdefault(space, {})[label] = row
        self.model = blank_model(len(self.words) + 1, self.width, layers, neurons)
        self.parts: dict[str, Part] = {}
        self._embed()

    def of(self, *spaces: str) -> Float[Tensor, "s d"]:
        """Return the directions of some spaces, one after the other."""
        return torch.cat(
            [self.directions[[*self.spaces[name].values()]] for name in spaces]
        )

    @torch.no_grad()
    def head(
        self,
        role: str,
        at: tuple[int, int],
        *,
        query: Float[Tensor, "r d"] | None = None,
        key: Float[Tensor, "r d"] | None = None,
        always: Float[Tensor, " d"] | None = None,
        value: Float[Tensor, "s d"],
        output: Float[Tensor, "s d"],
    ) -> None:
        """Wire the head ``at`` a layer and number.

        It looks where ``key`` stands for what ``query`` finds at its own position, direction by
        direction, and where ``always`` stands; evenly, if nothing is asked for. What it finds
        there along ``value`` it writes along ``output``.
        """
        layer, number = at
        nothing = torch.zeros(0, self.width)
        query, key = (nothing if found is None else found for found in (query, key))
        always = torch.zeros(self.width) if always is None else always
        rank, first = len(query), number * (self.width // HEADS)
        assert max(rank + 1, len(value)) <= self.width // HEADS, "a head has so many places"
        attention = self.model.transformer.h[layer].attn
        by_query, by_key, by_value = attention.c_attn.weight.split(self.width, dim=1)
        by_query[:, first : first + rank] = SHARPNESS * query.T
        by_key[:, first : first + rank] = key.T
        # One more place, where the query is the same everywhere.
        attention.c_attn.bias[first + rank] = SHARPNESS
        by_key[:, first + rank] = always
        by_value[:, first : first + len(value)] = value.T
        attention.c_proj.weight[first : first + len(output)] = output
        self.parts[role] = Part(
            stage=2 * layer + 1,
            head=at,
            reads=self._touched(torch.cat([query, key, always[None], value])),
            writes=self._touched(output),
        )

    @torch.no_grad()
    def mlp(
        self,
        role: str,
        layer: int,
        *,
        inputs: Float[Tensor, "s d"],
        bias: Float[Tensor, " s"],
        outputs: Float[Tensor, "s d"],
        constant: Float[Tensor, " d"],
    ) -> None:
        """Wire a layer's neurons, relu(inputs x + bias), and what is added everywhere."""
        mlp = self.model.transformer.h[layer].mlp
        mlp.c_fc.weight[:] = inputs.T
        mlp.c_fc.bias[:] = bias
        mlp.c_proj.weight[:] = outputs
        mlp.c_proj.bias[:] = constant
        self.parts[role] = Part(
            stage=2 * layer + 2,
            reads=self._touched(inputs),
            writes=self._touched(torch.cat([outputs, constant[None]])),
        )

    @torch.no_grad()
    def circuit(self, predicts: Mapping[str, Float[Tensor, " d"]]) -> Circuit:
        """Wire each word's logit to a direction and all heads left as idle; return the whole."""
        for word, direction in predicts.items():
            self.model.lm_head.weight[1 + self.words.index(word)] = GAIN * direction
        layers = self.model.config.n_layer
        self.parts["unembedding"] = Part(
            stage=2 * layers + 1,
            reads=self._touched(torch.stack([*predicts.values()])),
            writes=frozenset(),
        )
        wired = {part.head for part in self.parts.values()}
        everywhere = [(layer, number) for layer in range(layers) for number in range(HEADS)]
        idle = [f"idle {at}" for at in everywhere if at not in wired]
        words = torch.stack([self._embedding(word) for word in self.words])
        for role, at in zip(
            idle, (at for at in everywhere if at not in wired), strict=True
        ):
            self.head(role, at, value=words, output=self.of("idle"))
        subject = load_subject(self.model, tokenizer=word_tokenizer([BOS, *self.words]))
        return Circuit(
            subject=replace(subject, name=self.name),
            directions=self.directions,
            spaces=self.spaces,
            idle=tuple(self.parts.pop(role) for role in idle),
            parts=self.parts,
        )

    @torch.no_grad()
    def _embed(self) -> None:
        words = torch.stack([self._embedding(word) for word in (BOS, *self.words)])
        self.model.transformer.wte.weight[:] = words
        self.model.transformer.wpe.weight[:] = self.of("position")
        self.parts["embedding"] = Part(
            stage=0,
            reads=frozenset(),
            writes=self._touched(torch.cat([words, self.of("position")])),
        )

    def _embedding(self, word: str) -> Float[Tensor, " d"]:
        """Return a word's direction: that of the first space that has it."""
        rows = [labels[word] for labels in self.spaces.values() if word in labels]
        return self.directions[rows[0]]

    def _touched(self, vectors: Float[Tensor, "s d"]) -> frozenset[str]:
        """Return the spaces that some vectors have a part in."""
        return frozenset(
            name
            for name in self.spaces
            if bool(((vectors @ self.of(name).T).abs() > TOUCHED).any())
        )


def _basis(width: int, seed: int) -> Float[Tensor, "d d"]:
    """Return an orthonormal basis, one a row: all of mean 0 but the last, which is constant."""
    drawn = stream(seed, "models/circuits").standard_normal((width, width))
    drawn[:, 0] = 1.0
    found = np.linalg.qr(drawn).Q.T
    return torch.from_numpy(np.roll(found, -1, axis=0).copy()).float()
