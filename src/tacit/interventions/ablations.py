"""A feature in its contexts, and what becomes of it when features of a shallower site are ablated.

A feature's part is taken out at every usable position of a context, and what the dictionary misses
stays. Drop: by how much the target's activation falls at the position where it is read.
Axes: b windows, n contexts, t positions, d width, f features of the shallower site, m ablations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tacit.activations.contexts import PADDING
from tacit.activations.windows import Windows
from tacit.base.progress import Progress, silent
from tacit.dictionaries.dictionary import Dictionary
from tacit.interventions.cases import NeverActive
from tacit.interventions.differences import CodeDifference
from tacit.interventions.features import activations_of
from tacit.models.subject import Subject

BATCH_TOKENS = 16_384
"""Tokens of ablated contexts run at once."""


@final
@dataclass(frozen=True, kw_only=True)
class Target:
    """A feature whose causes are looked for."""

    site: str
    dictionary: Dictionary
    feature: int

    def activation(self, rows: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """Return its activation in rows of its site."""
        return activations_of(
            self.dictionary, rows.to(self.dictionary.atoms), [self.feature]
        )[:, 0]

    def before_selection(self, rows: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """Return its pre-activation, which is its activation where active; it has a gradient."""
        own, number = self.dictionary, self.feature
        centred = (rows.to(own.atoms) - own.centre) / own.scale
        return centred @ own.encoder[number] + own.encoder_bias[number]


@final
@dataclass(frozen=True, kw_only=True)
class Contexts:
    """Where a target is looked at: its activation there is at least half its largest."""

    window: Int[np.ndarray, " n"]
    position: Int[np.ndarray, " n"]
    """Where in its window the target is read; ascending."""
    document: Int[np.ndarray, " n"]
    largest: float
    """The largest activation in all the windows."""
    num_eligible: int
    """Positions of at least half of it, which the contexts were drawn from."""


def contexts_of(
    windows: Windows,
    values: Float[np.ndarray, "b t"],
    feature: int,
    count: int,
    rng: np.random.Generator,
) -> Contexts:
    """Return ``count`` positions, or all there are, of at least half the largest of ``values``.

    Raises:
        NeverActive: where no value is above 0.
    """
    largest = float(values.max())
    if largest <= 0:
        raise NeverActive(
            f"feature {feature} is active at none of the {int(windows.usable.sum()):,} usable "
            "positions of these windows; give windows in which it is active."
        )
    eligible = np.argwhere(values >= largest / 2)
    drawn = eligible[np.sort(rng.permutation(len(eligible))[:count])]
    # Contexts of one length stand together, so that a batch holds little padding.
    window, position = drawn[np.argsort(drawn[:, 1], kind="stable")].T
    return Contexts(
        window=window,
        position=position,
        document=windows.document[window, position],
        largest=largest,
        num_eligible=len(eligible),
    )


@final
@dataclass(frozen=True, kw_only=True)
class Ablations:
    """A target in its contexts, and what every feature of a shallower site puts into them."""

    subject: Subject
    target: Target
    ids: Int[Tensor, "n t"]
    position: Int[Tensor, " n"]
    activation: Float[Tensor, " n"]
    """Of the target, nothing ablated."""
    parts: CodeDifference
    """What taking out each feature of the shallower site adds to the site's value."""

    @torch.no_grad()
    def alone(
        self, chosen: Bool[Tensor, " f"], *, progress: Progress = silent
    ) -> Float[Tensor, "n f"]:
        """Return the drop when each chosen feature is ablated, each by a pass of its own.

        A feature that is silent in a context drops nothing there, without a pass.
        """
        found = torch.zeros(
            len(self.ids), self.parts.num_features, device=self.activation.device
        )
        rows, features = (self.parts.candidates() & chosen).nonzero().unbind(dim=1)
        at_once = max(1, BATCH_TOKENS // self.ids.shape[1])
        name = f"{self.target.site}/{self.target.feature}"
        with progress(name, len(rows), "ablations") as advance:
            for row, feature in zip(
                rows.split(at_once), features.split(at_once), strict=True
            ):
                change = self.parts.change_of(row, feature)
                found[row, feature] = self._drops(row, change)
                advance(len(row))
        return found

    @torch.no_grad()
    def together(self, chosen: Bool[Tensor, "n f"]) -> Float[Tensor, " n"]:
        """Return the drop in each context when its chosen features are ablated at once."""
        rows = torch.arange(len(self.ids), device=chosen.device)
        return self._drops(rows, self.parts.change(chosen))

    def attributed(self) -> Float[Tensor, "n f"]:
        """Return every feature's drop to first order: gradient times its part, summed.

        One forward and one backward pass for all contexts.
        """
        parts, target = self.parts, self.target
        flow = self.subject.run(self.ids, sites=(parts.site, target.site), gradients=True)
        here = self._read(flow.activations[target.site], self.position)
        (gradient,) = torch.autograd.grad(
            target.before_selection(here).sum(),
            flow.activations[parts.site],
            allow_unused=True,
        )
        if gradient is None:  # no path leads from the one site to the other
            gradient = torch.zeros_like(parts.clean)
        return -parts.to_first_order(gradient)

    def _drops(
        self, rows: Int[Tensor, " m"], change: Float[Tensor, "m t d"]
    ) -> Float[Tensor, " m"]:
        own = rows.cpu()
        length = int((self.ids[own] != PADDING).sum(dim=1).max())
        values = (self.parts.clean[rows] + change)[:, :length]
        flow = self.subject.run(
            self.ids[own, :length],
            sites=(self.target.site,),
            edits={self.parts.site: lambda value: values.to(value)},
        )
        here = self._read(flow.activations[self.target.site], self.position[own])
        return self.activation[rows] - self.target.activation(here).to(self.activation)

    @staticmethod
    def _read(value: Float[Tensor, "m s d"], at: Int[Tensor, " m"]) -> Float[Tensor, "m d"]:
        return value[torch.arange(len(at)), at.to(value.device)]


@torch.no_grad()
def ablations_of(
    subject: Subject,
    windows: Windows,
    contexts: Contexts,
    target: Target,
    site: str,
    dictionary: Dictionary,
) -> Ablations:
    """Return a target's contexts with what the features of a shallower ``site`` put into them.

    A causal subject reads a context up to the target's position, any other the whole window.
    """
    ids, where = (each[contexts.window] for each in (windows.ids, windows.usable))
    if subject.is_causal:
        length = int(contexts.position.max()) + 1
        seen = np.arange(length) <= contexts.position[:, None]
        ids, where = np.where(seen, ids[:, :length], PADDING), where[:, :length] & seen
    read, position = torch.from_numpy(ids), torch.from_numpy(contexts.position)
    flow = subject.run(read, sites=(site, target.site))
    clean = flow.activations[site].to(dictionary.atoms)
    there = torch.from_numpy(where).to(clean.device)
    code = dictionary.encode(clean[there])
    row, place = code.values.nonzero().unbind(dim=1)
    context, at = there.nonzero().unbind(dim=1)
    value = flow.activations[target.site]
    here = value[torch.arange(len(read)), position.to(value.device)]
    return Ablations(
        subject=subject,
        target=target,
        ids=read,
        position=position,
        activation=target.activation(here).to(clean),
        parts=CodeDifference(
            site=site,
            clean=clean,
            directions=dictionary.atoms * dictionary.scale,
            prompt=context[row],
            position=at[row],
            feature=code.indices[row, place],
            delta=-code.values[row, place],
            error=torch.zeros_like(clean),
        ),
    )
