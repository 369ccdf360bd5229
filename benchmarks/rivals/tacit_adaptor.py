"""Tacit's own step, public and with every default, as a rival among the others."""

import torch
from worker import ATOMS, Count, K, Rebuild, Step, serve

from tacit.dictionaries import METHODS, Dictionary
from tacit.dictionaries.members import Member, step_all

# Long enough that the rate does not fall while steps are timed; rivals are told the same.
NUM_STEPS = 10_000
# Prices are full at once, so that the code is sparse after a few dozen steps.
SETTINGS = {
    "relu-l1": {"penalty": 0.1, "sparsity_warm_up": 0.0},
    "gated": {"penalty": 0.1, "sparsity_warm_up": 0.0},
    # Its L0 comes up to the target from below, and is K when it is timed.
    "jump-relu": {"k": 2 * K, "sparsity_warm_up": 0.0},
}
DEAD_SHARE = 5
"""With the variant top-k-dead one atom in so many is silent from the start."""
# Below what the 32nd largest pre-activation is at first (.1), as dead atoms are: not far.
SILENCE = -0.2


def sweep(count: int, first: torch.Tensor) -> tuple[Step, Rebuild, Count]:
    """Return the step of so many TopK members of one fit on one block, with seeds of their own."""
    method = METHODS["top-k"](num_atoms=ATOMS, k=K)
    members = [
        Member(name="top-k", method=method, seed=seed, site="here") for seed in range(count)
    ]
    states = [method.initial(each.seed, first, num_steps=NUM_STEPS) for each in members]

    def step(rows: torch.Tensor) -> None:
        states[:] = [state for state, _ in step_all(members, states, {"here": rows})]

    def last() -> Dictionary:
        return method.finish(states[-1])

    return (
        step,
        lambda rows: last().rebuild(rows),
        lambda rows: float(last().encode(rows).l0().double().mean()),
    )


def build(variant: str, first: torch.Tensor) -> tuple[Step, Rebuild, Count]:
    """Return the step of one of ``METHODS``."""
    if variant.startswith("sweep-"):
        return sweep(int(variant.removeprefix("sweep-")), first)
    kind = variant.removesuffix("-dead")
    method = METHODS[kind](num_atoms=ATOMS, **SETTINGS.get(kind, {"k": K}))
    state = method.initial(0, first, num_steps=NUM_STEPS)
    if kind != variant:
        state.tensors["encoder_bias"][: ATOMS // DEAD_SHARE] = SILENCE
        state.tensors["silent_steps"][: ATOMS // DEAD_SHARE] = 10_000

    def step(rows: torch.Tensor) -> None:
        nonlocal state
        state, _ = method.step(state, rows)

    def count(rows: torch.Tensor) -> float:
        return float(method.finish(state).encode(rows).l0().double().mean())

    return step, lambda rows: method.finish(state).rebuild(rows), count


if __name__ == "__main__":
    serve(build)
