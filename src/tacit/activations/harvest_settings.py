"""How a harvest reads and what it keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch

from tacit.activations.contexts import Mode
from tacit.base.errors import UserError, look_up, unknown

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
