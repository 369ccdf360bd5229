"""The side of a rival: takes "step" and "quality" on standard input, answers on standard output.

Runs in the rival's own environment, so it imports nothing but PyTorch. Axes: n rows, d width.
"""

import os
import sys
import time
from collections.abc import Callable

import torch

SHAPE = os.environ.get("BENCHMARK_SHAPE", "512,4096,4096,32")
WIDTH, ATOMS, ROWS, K = (int(each) for each in SHAPE.split(","))
NUM_BATCHES = 16
# Sparse sums of more directions than dimensions, with some noise: what activations are taken for.
NUM_FEATURES, NUM_ACTIVE, NOISE = 2048, 24, 0.05

Step = Callable[[torch.Tensor], object]
Rebuild = Callable[[torch.Tensor], torch.Tensor]
Count = Callable[[torch.Tensor], float]
"""From rows to their mean L0."""
Build = Callable[[str, torch.Tensor], tuple[Step, Rebuild] | tuple[Step, Rebuild, Count]]


def batches(count: int) -> list[torch.Tensor]:
    """Return the same batches in every environment."""
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(NUM_FEATURES, WIDTH, generator=generator)
    features /= features.norm(dim=1, keepdim=True)
    made = []
    for _ in range(count):
        chosen = torch.randint(0, NUM_FEATURES, (ROWS, NUM_ACTIVE), generator=generator)
        strengths = torch.randn(ROWS, NUM_ACTIVE, generator=generator).abs()
        rows = torch.nn.functional.embedding_bag(
            chosen, features, mode="sum", per_sample_weights=strengths
        )
        made.append(rows + NOISE * torch.randn(ROWS, WIDTH, generator=generator))
    return made


def unexplained(original: torch.Tensor, rebuilt: torch.Tensor) -> float:
    """Return the fraction of variance unexplained."""
    error = (original - rebuilt).square().sum()
    return float(error / (original - original.mean(dim=0)).square().sum())


def active(code: torch.Tensor) -> float:
    """Return the mean L0 of a code, dense or sparse."""
    code = code if code.layout == torch.strided else code.to_dense()
    return float((code > 0).sum(dim=1).double().mean())


def serve(build: Build) -> None:
    """Answer until standard input ends. Arguments: the variant and the number of threads."""
    variant, threads = sys.argv[1], int(sys.argv[2])
    # Libraries print what they like; answers go where only ours do.
    answers, sys.stdout = sys.stdout, sys.stderr
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    *seen, held_out = batches(NUM_BATCHES + 1)
    step, rebuild, *rest = build(variant, seen[0])
    count = rest[0] if rest else None
    weights = torch.randn(ATOMS, WIDTH)
    taken = 0
    print("answer: ready", file=answers, flush=True)
    for line in sys.stdin:
        if line.strip() == "step":
            batch = seen[taken % NUM_BATCHES]
            taken += 1
            began = time.perf_counter()
            batch @ weights.T
            between = time.perf_counter()
            step(batch)
            ended = time.perf_counter()
            answer = f"{ended - between:.6f} {between - began:.6f}"
        else:
            with torch.no_grad():
                answer = f"FVU {unexplained(held_out, rebuild(held_out)):.3f}"
                if count is not None:
                    answer += f", L0 {count(held_out):.1f}"
        print(f"answer: {answer}", file=answers, flush=True)
