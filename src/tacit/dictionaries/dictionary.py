"""What every method ends in: directions, how rows are coded in them, and how they come back.

Axes: n rows, d width, f atoms, e width of what is rebuilt (d but for a transcoder).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import embedding_bag

from tacit.base.errors import UserError
from tacit.dictionaries.code import Code
from tacit.dictionaries.kernels import rows_per_block
from tacit.dictionaries.selections import AboveThreshold, Selection


@final
@dataclass(frozen=True, kw_only=True)
class InputContract:
    """What a dictionary's rows were made of; None where it is not known."""

    subject: str | None = None
    """Name of the model."""
    subject_digest: str | None = None
    """SHA-256 of its weights."""
    site: str | None = None
    """Place in the model that the rows are read from."""
    prepend_bos: bool | None = None
    """Whether each context began with the beginning-of-sequence token."""
    context_tokens: int | None = None
    """Tokens of one context."""
    high_norm_factor: float | None = None
    """Rows with a norm above this many medians were left out."""
    dtype: str | None = None
    """Precision in which the model ran."""
    target: str | None = None
    """Place in the model that a transcoder rebuilds; None: that which it reads."""


@final
@dataclass(frozen=True, kw_only=True)
class Target:
    """What a transcoder rebuilds, where an autoencoder rebuilds what it reads."""

    centre: Float[Tensor, "e"]
    """Added to a decoded row."""
    scale: float
    """What a decoded row is multiplied by before."""
    skip: Float[Tensor, "e d"] | None = None
    """Map from a centred, scaled row straight to what is rebuilt; None: there is none."""


@final
@dataclass(frozen=True, kw_only=True)
class Dictionary:
    """Directions with a way to code rows in them. Frozen: training made it, nothing moves it."""

    atoms: Float[Tensor, "f e"]
    """Directions, one a row; of unit length in what Tacit fits."""
    encoder: Float[Tensor, "f d"]
    """Rows that a centred, scaled row is multiplied by to give pre-activations."""
    encoder_bias: Float[Tensor, "f"]
    """Added to the pre-activations."""
    centre: Float[Tensor, "d"]
    """Subtracted from a row before coding and added back after decoding."""
    scale: float
    """What a centred row is divided by, and a decoded one multiplied by."""
    selection: Selection
    """Which pre-activations become active."""
    thresholds: Float[Tensor, "f"] | None = None
    """What each atom's pre-activation must exceed; there with ``AboveThreshold`` alone."""
    target: Target | None = None
    """What is rebuilt by a transcoder; None: the rows themselves."""
    contract: InputContract = field(default_factory=InputContract)
    method: str
    """Key of ``METHODS``, or the name of the tool that it came from."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The method's settings, as plain JSON."""
    outcome: Mapping[str, Any] = field(default_factory=dict)
    """What the fit says of itself, as plain JSON: how many vectors, iterations, whether it
    converged; which labels the atoms stand for. Empty where there is nothing to say."""
    seed: int
    """Root seed of the fit."""

    def __post_init__(self) -> None:
        if isinstance(self.selection, AboveThreshold) != (self.thresholds is not None):
            raise UserError(
                "a dictionary has thresholds where its selection goes by them, and only there; "
                f"this one has {'none' if self.thresholds is None else 'some'} and selects by "
                f"{type(self.selection).__name__}."
            )
        for scale in (self.scale, 1.0 if self.target is None else self.target.scale):
            if not 0 < scale < float("inf"):
                raise UserError(
                    f"the scale of a dictionary is {scale}; rows are divided by it, so it must "
                    "be positive and finite."
                )
        if self.target is None and self.atoms.shape != self.encoder.shape:
            raise UserError(
                f"atoms of shape {tuple(self.atoms.shape)} and an encoder of shape "
                f"{tuple(self.encoder.shape)} were given: what is rebuilt is not what is read, so "
                "a dictionary of them needs a target."
            )

    @property
    def num_atoms(self) -> int:
        """Directions in the dictionary (f)."""
        return self.atoms.shape[0]

    @property
    def width(self) -> int:
        """Dimensions of a row that is read (d)."""
        return self.encoder.shape[1]

    @property
    def rebuilt_width(self) -> int:
        """Dimensions of a row that is rebuilt (e); another than ``width`` for a transcoder."""
        return self.atoms.shape[1]

    def encode(self, rows: Float[Tensor, "n d"]) -> Code:
        """Return the code of rows; each row's depends on that row alone.

        Raises ``UserError`` on another width and on values that are not finite.
        """
        x = self._checked(rows)
        step = rows_per_block(self.num_atoms)
        parts = []
        for first in range(0, len(x), step):
            centred = (x[first : first + step] - self.centre) / self.scale
            projected = torch.addmm(self.encoder_bias, centred, self.encoder.T)
            parts.append(self.selection(projected, self.thresholds))
        if not parts:
            empty = x.new_zeros(0, 1)
            return Code(empty, empty.long(), self.num_atoms)
        width = max(values.shape[1] for values, _ in parts)
        values = torch.cat([_widened(part, width) for part, _ in parts])
        indices = torch.cat([_widened(part, width) for _, part in parts])
        return Code(values, indices, self.num_atoms)

    def decode(
        self, code: Code, rows: Float[Tensor, "n d"] | None = None
    ) -> Float[Tensor, "n e"]:
        """Return the rows that a code stands for: centre + scale x (values times atoms).

        A transcoder with a skip connection needs the ``rows`` that were read.
        """
        if code.num_atoms != self.num_atoms:
            raise UserError(
                f"a code over {code.num_atoms} atoms was given to a dictionary of "
                f"{self.num_atoms}: decode it with the dictionary that made it."
            )
        values = code.values.to(self.atoms.dtype)
        summed = embedding_bag(
            code.indices, self.atoms, mode="sum", per_sample_weights=values
        )
        if self.target is None:
            return summed.mul_(self.scale).add_(self.centre)
        if self.target.skip is not None:
            if rows is None:
                raise UserError(
                    "this transcoder has a skip connection, which maps the rows themselves: give "
                    "decode the rows beside their code."
                )
            centred = (self._checked(rows) - self.centre) / self.scale
            summed.addmm_(centred, self.target.skip.T)
        return summed.mul_(self.target.scale).add_(self.target.centre)

    def rebuild(self, rows: Float[Tensor, "n d"]) -> Float[Tensor, "n e"]:
        """Return what the dictionary makes of rows: their code, decoded."""
        return self.decode(self.encode(rows), rows)

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors that make the dictionary, by name."""
        own = {} if self.thresholds is None else {"thresholds": self.thresholds}
        if self.target is not None:
            own["target_centre"] = self.target.centre
            if self.target.skip is not None:
                own["skip"] = self.target.skip
        return {
            "atoms": self.atoms,
            "encoder": self.encoder,
            "encoder_bias": self.encoder_bias,
            "centre": self.centre,
            **own,
        }

    def _checked(self, rows: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        if rows.shape[1] != self.width:
            raise UserError(
                f"rows of width {rows.shape[1]} were given to a dictionary of width "
                f"{self.width}: give rows of the site it was fitted on."
            )
        x = rows.detach().to(self.atoms)
        # One look at the sum finds any value that is not finite.
        if not torch.isfinite(x.sum()):
            bad = int((~torch.isfinite(x)).any(dim=1).sum())
            if bad:
                raise UserError(
                    f"{bad} of {len(x)} rows hold NaN or infinity, which have no code: find "
                    "what overflowed (fp16?), or leave those rows out and count them."
                )
        return x


def _widened(part: Tensor, width: int) -> Tensor:
    return torch.nn.functional.pad(part, (0, width - part.shape[1]))
