"""One of several processes that fit together: ``NUMBER COUNT FOLDER SPLIT KIND...``."""

import sys
from pathlib import Path

import torch
import torch.distributed as processes
from safetensors.torch import save_file

from tacit.dictionaries import METHODS, RowBlocks, fit
from tacit.dictionaries.ranks import ranks_here

WIDTH, ROWS, STEPS = 16, 256, 60
# Dead and replaced within the fit, so that what processes say of dead atoms matters.
OWN = {"num_atoms": 64, "learning_rate": 0.01, "dead_after_steps": 4}
OWN |= {"revive_every_steps": 7, "num_auxiliary": 6}


def method_of(kind):
    """Return a small method; with a price where it has no k."""
    given = {**OWN}
    fields = METHODS[kind].__dataclass_fields__
    given |= {"k": 4} if "k" in fields else {"penalty": 0.3}
    return METHODS[kind](**{name: each for name, each in given.items() if name in fields})


def blocks():
    """Return the same blocks in every process."""
    generator = torch.Generator().manual_seed(7)
    features = torch.nn.functional.normalize(torch.randn(40, WIDTH, generator=generator))
    strengths = torch.rand(2_048, 40, generator=generator)
    active = torch.rand(2_048, 40, generator=generator) < 0.1
    # In double precision: Adam divides small gradients by themselves, so no rounding stays small.
    rows = (strengths * active @ features + 3.0).double()
    return RowBlocks(rows={"here": rows}, block_rows=ROWS, seed=0)


def fitted(kind, ranks, steps=STEPS, folder=None):
    """Return the dictionary's tensors and its curve."""
    found = fit([method_of(kind)], blocks(), [0], steps=steps, ranks=ranks, folder=folder)
    curve = torch.stack([found[0].curve.loss, found[0].curve.num_dead, found[0].curve.l0])
    return {**found[0].dictionary.tensors(), "curve": curve}


def main():
    """Fit and save what came out, one file a process."""
    number, count, folder, split, *kinds = sys.argv[1:]
    torch.set_num_threads(1)
    processes.init_process_group(
        "gloo",
        init_method=f"file://{folder}/meeting",
        rank=int(number),
        world_size=int(count),
    )
    for kind in kinds:
        found = fitted(kind, ranks_here(split), folder=Path(folder) / kind)
        save_file(
            {name: each.contiguous() for name, each in found.items()},
            Path(folder) / f"{kind}-{number}.safetensors",
        )
    processes.destroy_process_group()


if __name__ == "__main__":
    main()
