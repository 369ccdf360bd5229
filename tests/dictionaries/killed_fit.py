"""Fits in children that are killed at random moments, then compares with a fit left alone.

Run as a program: ``killed_fit.py FOLDER SEED``. Prints how many kills hit a fit under way and
whether the bytes agree. PyTorch is imported once; each child is a fork of this process.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

import torch

from tacit.dictionaries import PCA, ReluL1, RowBlocks, TopK, fit

KILLS, STEPS = 10, 300


def fit_all(folder: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    rows = {"here": torch.randn(640, 16, generator=generator)}
    methods = {
        "top-k": TopK(num_atoms=64, k=4, dead_after_steps=5, revive_every_steps=20),
        "relu": ReluL1(
            num_atoms=64, penalty=0.1, dead_after_steps=5, revive_every_steps=20
        ),
        "pca": PCA(k=4),
    }
    blocks = RowBlocks(rows=rows, block_rows=128, seed=0)
    fit(methods, blocks, [0, 1], steps=STEPS, folder=folder, checkpoint_seconds=0.0)


def killed(folder: Path, seconds: float) -> bool:
    """Fit in a child, kill it after a while, and return whether it was still at work."""
    child = os.fork()
    if child == 0:
        fit_all(folder)
        os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def main(folder: Path, seed: int) -> None:
    torch.set_num_threads(1)  # a fork does not inherit the threads of its parent
    rng = random.Random(seed)
    hits = sum(killed(folder / "killed", rng.uniform(0.02, 0.3)) for _ in range(KILLS))
    fit_all(folder / "killed")
    fit_all(folder / "whole")
    same = tree(folder / "killed") == tree(folder / "whole")
    sys.stdout.write(f"hits {hits} same {same}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
