"""Rows kept from the start of a stream, for methods that fit to all their rows at once.

Axes: n rows, d width. The rows live in the fit's state, so that a fit that was stopped goes on
to the same bytes.
"""

import hashlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tacit.base.errors import UserError
from tacit.base.library_warnings import kept_warnings
from tacit.dictionaries.methods import State


@final
@dataclass(frozen=True)
class Gathered:
    """Rows in double precision that compare by their digest, so that results can be kept."""

    digest: str
    rows: Float[np.ndarray, "n d"] = field(compare=False)


def room_for(first_block: Float[Tensor, "n d"], num_vectors: int) -> dict[str, Tensor]:
    """Return the tensors of a state that will hold ``num_vectors`` rows."""
    dtype = torch.promote_types(first_block.dtype, torch.float32)
    return {
        "rows": first_block.new_zeros(num_vectors, first_block.shape[1], dtype=dtype),
        "count": torch.zeros((), dtype=torch.int64),
    }


def gather(state: State, block: Float[Tensor, "n d"]) -> State:
    """Return the state one step on, with as many rows of the block as there is room for."""
    rows, count = state.tensors["rows"], int(state.tensors["count"])
    taken = min(len(block), len(rows) - count)
    if taken:
        rows[count : count + taken] = block[:taken].detach().to(rows)
        state.tensors["count"] += taken
    return state.advanced()


def gathered(state: State) -> Gathered:
    """Return the rows that were gathered; ``UserError`` where they are all equal."""
    kept = state.tensors["rows"][: int(state.tensors["count"])].cpu().double().numpy()
    if not len(kept) or bool((kept == kept[0]).all()):
        raise UserError(
            f"the {len(kept)} rows to fit are all equal, which leaves nothing to find; give "
            "rows that vary."
        )
    return Gathered(
        hashlib.sha256(kept.tobytes() + repr(kept.shape).encode()).hexdigest(), kept
    )


def outcome_of(
    *, num_vectors: int, num_iterations: int, has_converged: bool
) -> dict[str, Any]:
    """Return what an iterative fit says of itself, under the names that reports read."""
    return {
        "num_vectors": num_vectors,
        "num_iterations": num_iterations,
        "has_converged": has_converged,
    }


@cache
def _thread_pools() -> Any:
    """Return the thread pools of this process; looking for them outlasts a small fit."""
    # These load the pools that fits use, and what is loaded later would not be found.
    import scipy.linalg  # pyright: ignore  # noqa: F401
    import sklearn.linear_model  # noqa: F401
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@contextmanager
def watched() -> Iterator[list[warnings.WarningMessage]]:
    """Run a fit of scikit-learn on one thread, its warnings of not converging kept in a list.

    One thread, because its many small products spend twenty times the work waiting for one
    another where cores are shared, and because the bytes then do not depend on the cores.
    """
    from sklearn.exceptions import ConvergenceWarning

    with (
        _thread_pools().limit(limits=1, user_api="blas"),
        kept_warnings(ConvergenceWarning) as told,
    ):
        yield told
