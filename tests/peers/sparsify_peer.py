"""sparsify's dictionaries: top-k, with atoms of any length."""

from pathlib import Path

import torch
from answering import ATOMS, WIDTH, Coder, K, serve, shaken
from sparsify import SparseCoder, SparseCoderConfig


def make(out: Path) -> list[str]:
    """Save one and return its name."""
    settings = SparseCoderConfig(num_latents=ATOMS, k=K, normalize_decoder=False)
    shaken(SparseCoder(WIDTH, settings), 0).save_to_disk(out / "topk")
    return ["topk"]


def load(folder: Path) -> Coder:
    """Return the dictionary in a folder."""
    return SparseCoder.load_from_disk(folder)


def answer(coder: Coder, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return code and reconstruction."""
    values, indices, _ = coder.encode(rows)
    code = torch.zeros(len(rows), coder.num_latents).scatter(1, indices, values)
    return code, coder.decode(values, indices)


if __name__ == "__main__":
    serve(make, load, answer)
