"""Tacit's own step, public and with every default, as a rival among the others."""

import torch
from worker import ATOMS, K, Rebuild, Step, serve

from tacit.dictionaries import TopK

# Long enough that the rate does not fall while steps are timed; rivals are told the same.
NUM_STEPS = 10_000


def build(variant: str, first: torch.Tensor) -> tuple[Step, Rebuild]:
    """Return the step of ``TopK``."""
    assert variant == "top-k"
    method = TopK(num_atoms=ATOMS, k=K)
    state = method.initial(0, first, num_steps=NUM_STEPS)

    def step(rows: torch.Tensor) -> None:
        nonlocal state
        state, _ = method.step(state, rows)

    return step, lambda rows: method.finish(state).rebuild(rows)


if __name__ == "__main__":
    serve(build)
