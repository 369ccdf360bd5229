"""What more atoms cost: a TopK step from 4,096 to 32,768 atoms, and the memory of a fit.

4,096 rows of width 512, 32 active, fp32, two threads, the public ``step`` with its defaults, sizes
turn by turn. Memory is what a process of its own holds at most during three steps beyond its
parameters, moments and gradients; beside it stands what dense codes would take: three matrices of
rows times atoms (projections, their gradient, and the code).
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch

from tacit.dictionaries import TopK
from tacit.dictionaries.methods import State

WIDTH, ROWS, K = 512, 4096, 32
SIZES = (4096, 8192, 16384, 32768)
THREADS, ROUNDS, STEPS = 2, 6, 3
MIB = 2**20


def block() -> torch.Tensor:
    """Return rows that are sums of few directions, as those of the steps' benchmark."""
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(2048, WIDTH, generator=generator)
    features /= features.norm(dim=1, keepdim=True)
    chosen = torch.randint(0, 2048, (ROWS, 24), generator=generator)
    strengths = torch.randn(ROWS, 24, generator=generator).abs()
    return torch.nn.functional.embedding_bag(
        chosen, features, mode="sum", per_sample_weights=strengths
    )


def steps() -> None:
    """Print the seconds of a step at each size, and how they grow beside the atoms."""
    rows, load = block(), os.getloadavg()[0]
    methods = {size: TopK(num_atoms=size, k=K) for size in SIZES}
    states = {size: m.initial(0, rows, num_steps=10_000) for size, m in methods.items()}
    taken: dict[int, list[float]] = {size: [] for size in SIZES}
    for number in range(ROUNDS + 1):
        for size, method in methods.items():
            began = time.perf_counter()
            states[size], _ = method.step(states[size], rows)
            if number:
                taken[size].append(time.perf_counter() - began)
    print(
        f"one TopK step by atoms, {THREADS} threads, {ROUNDS} rounds, load {load:.1f} before"
    )
    for size in SIZES:
        pairs = zip(taken[size], taken[SIZES[0]], strict=True)
        ratio = statistics.median(own / least for own, least in pairs)
        print(
            f"  {size:6,d} atoms: {statistics.median(taken[size]):.3f} s, {ratio:.2f} times the "
            f"smallest, {ratio * SIZES[0] / size:.2f} of linear"
        )


def _held(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) * 1024


def memory() -> None:
    """Print the peak of three steps at the largest size; for a process of its own."""
    rows, method = block(), TopK(num_atoms=SIZES[-1], k=K)
    state: State = method.initial(0, rows, num_steps=10_000)
    before = _held("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    for _ in range(STEPS):
        state, _ = method.step(state, rows)
    gradients = sum(state.tensors[name].nbytes for name in ("atoms", "encoder"))
    beyond = _held("VmHWM") - before - gradients
    dense = 3 * ROWS * SIZES[-1] * 4
    print(
        f"memory of a TopK fit of {SIZES[-1]:,} atoms beyond parameters, moments and gradients: "
        f"{beyond / MIB:,.0f} MiB, {beyond / dense:.2f} of three dense codes "
        f"({dense / MIB:,.0f} MiB)"
    )


def main() -> None:
    """Print both."""
    steps()
    alone = [sys.executable, "-m", "benchmarks.scaling", "memory"]
    print(
        subprocess.run(alone, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    )


if __name__ == "__main__":
    torch.set_num_threads(THREADS)
    memory() if sys.argv[1:] == ["memory"] else main()
