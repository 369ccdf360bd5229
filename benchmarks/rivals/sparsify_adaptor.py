"""eai-sparsify's step: it lives in a closure of ``Trainer.fit``, so its calls are made here.

Same calls, same order, for one hook point with the library's defaults (loss: FVU, no auxiliary
loss). Variants: its default optimiser (signum, schedule-free) and Adam.
"""

import torch
from schedulefree import ScheduleFreeWrapper
from sparsify import SparseCoder, SparseCoderConfig
from sparsify.sign_sgd import SignSGD
from worker import ATOMS, WIDTH, K, Rebuild, Step, serve

# The library's laws for its rates, which fall with the square root of the number of atoms.
SIGNUM_RATE, ADAM_RATE, REFERENCE_ATOMS = 5e-3, 2e-4, 2**14


def build(variant: str, first: torch.Tensor) -> tuple[Step, Rebuild]:
    """Return the body of the closure for one optimiser."""
    config = SparseCoderConfig(num_latents=ATOMS, k=K)
    coder = SparseCoder(WIDTH, config, device="cpu", dtype=torch.float32)
    share = (REFERENCE_ATOMS / ATOMS) ** 0.5
    if variant == "signum":
        signs = SignSGD(coder.parameters(), lr=SIGNUM_RATE * share)
        optimiser = ScheduleFreeWrapper(signs, momentum=0.95)
        optimiser.train()
    else:
        optimiser = torch.optim.Adam(coder.parameters(), lr=ADAM_RATE * share)
    coder.b_dec.data = first.mean(dim=0)
    since_fired = torch.zeros(ATOMS, dtype=torch.long)

    def step(rows: torch.Tensor) -> None:
        coder.set_decoder_norm_to_unit_norm()
        found = coder(x=rows, y=rows, dead_mask=None)
        fired = torch.zeros(ATOMS, dtype=torch.bool)
        fired[found.latent_indices.flatten()] = True
        float(found.fvu.detach())
        (found.fvu + 0.0 * found.auxk_loss + found.multi_topk_fvu / 8).backward()
        coder.remove_gradient_parallel_to_decoder_directions()
        optimiser.step()
        optimiser.zero_grad()
        since_fired.add_(len(rows))
        since_fired[fired] = 0

    return step, lambda rows: coder(rows).sae_out


if __name__ == "__main__":
    serve(build)
