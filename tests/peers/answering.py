"""The side of another tool: makes dictionaries of its own, and answers for any that it can load.

``SCRIPT make OUT`` saves one folder a kind; ``SCRIPT answer FOLDER OUT`` loads one. Either way
``answers.safetensors`` holds rows with the tool's own codes and reconstructions of them. Runs in
the tool's environment, so it imports nothing of Tacit's. Axes: n rows, d width.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

WIDTH, ATOMS, ROWS, K = 8, 24, 16, 4
ANSWERS = "answers.safetensors"

Coder = torch.nn.Module
Answer = Callable[[Coder, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]


def shaken(coder: Coder, seed: int) -> Coder:
    """Return the coder with parameters drawn anew, so that none is zero or of unit length."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for each in coder.parameters():
            each.copy_(0.5 * torch.randn(each.shape, generator=generator))
    return coder


def rows() -> torch.Tensor:
    """Return the rows that recorded answers are about; off centre, of no unit length."""
    generator = torch.Generator().manual_seed(99)
    return 1.0 + 2.0 * torch.randn(ROWS, WIDTH, generator=generator)


def write_answers(coder: Coder, answer: Answer, asked: torch.Tensor, path: Path) -> None:
    """Write rows with their code (n x f, dense) and reconstruction (n x d)."""
    with torch.no_grad():
        code, rebuilt = answer(coder, asked)
    found = {"rows": asked, "code": code, "rebuilt": rebuilt}
    save_file({name: each.contiguous() for name, each in found.items()}, path)


def serve(
    make: Callable[[Path], list[str]],
    load: Callable[[Path], Coder],
    answer: Answer,
) -> None:
    """Do what the arguments ask."""
    what, *folders = sys.argv[1:]
    if what == "make":
        (out,) = map(Path, folders)
        for kind in make(out):
            path = out / kind / ANSWERS
            write_answers(load(out / kind), answer, rows(), path)
    else:
        folder, out = map(Path, folders)
        write_answers(load(folder), answer, load_file(out)["rows"], out)
