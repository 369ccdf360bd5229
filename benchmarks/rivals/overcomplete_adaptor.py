"""overcomplete's step: the body of ``train_sae``, which has no function of its own.

Its package imports torchvision for its vision models alone, whose wheels clash with a CPU build
of PyTorch; an empty module stands in.
"""

import sys
import types

import torch

stand_in, transforms = types.ModuleType("torchvision"), types.ModuleType("transforms")
stand_in.transforms = transforms  # type: ignore[attr-defined]
sys.modules["torchvision"], sys.modules["torchvision.transforms"] = stand_in, transforms

from overcomplete.sae import SAE, BatchTopKSAE, TopKSAE  # noqa: E402
from overcomplete.sae.trackers import DeadCodeTracker  # noqa: E402
from worker import ATOMS, ROWS, WIDTH, Count, K, Rebuild, Step, active, serve  # noqa: E402

RATE = 4e-4
PENALTY = 1e-3


def build(variant: str, first: torch.Tensor) -> tuple[Step, Rebuild, Count]:
    """Return the body of the loop for a squared error."""
    coder = {
        "top-k": lambda: TopKSAE(WIDTH, ATOMS, top_k=K, device="cpu"),
        "batch-top-k": lambda: BatchTopKSAE(WIDTH, ATOMS, top_k=K * ROWS, device="cpu"),
        "relu-l1": lambda: SAE(WIDTH, ATOMS, device="cpu"),
    }[variant]()
    optimiser = torch.optim.Adam(coder.parameters(), lr=RATE)
    coder.train()
    tracker = DeadCodeTracker(ATOMS, "cpu")

    def step(rows: torch.Tensor) -> None:
        optimiser.zero_grad()
        _, code, rebuilt = coder(rows)
        loss = (rows - rebuilt).square().mean()
        if variant == "relu-l1":
            loss = loss + PENALTY * code.abs().mean()
        tracker.update(code)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(coder.parameters(), 1.0)
        optimiser.step()

    return step, lambda rows: coder(rows)[2], lambda rows: active(coder.encode(rows)[1])


if __name__ == "__main__":
    serve(build)
