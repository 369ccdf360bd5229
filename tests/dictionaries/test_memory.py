"""No step makes an array of rows times active atoms times width, as rivals' gathers do."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tacit.dictionaries import METHODS

N, D, F, K = 256, 64, 128, 32


class Largest(TorchDispatchMode):
    """Remembers the largest array that any operation gave."""

    def __init__(self):
        super().__init__()
        self.entries = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        found = function(*args, **(kwargs or {}))
        for each in found if isinstance(found, tuple | list) else [found]:
            if isinstance(each, torch.Tensor) and each.layout == torch.strided:
                self.entries = max(self.entries, each.untyped_storage().nbytes() // 4)
        return found


OWN = {
    **dict.fromkeys(("top-k", "batch-top-k", "matryoshka", "jump-relu"), {"k": K}),
    **dict.fromkeys(("relu-l1", "gated", "p-annealed"), {"penalty": 0.05}),
}


@pytest.mark.parametrize("kind", OWN)
def test_the_largest_array_is_a_matrix_of_rows_or_atoms(kind, monkeypatch):
    method = METHODS[kind](num_atoms=F, dead_after_steps=1, **OWN[kind])
    monkeypatch.setattr("tacit.dictionaries.learned_method.SPARSE_BELOW", 1.1)
    block = torch.randn(N, D, generator=torch.Generator().manual_seed(0))
    state = method.initial(0, block, num_steps=10)
    state.tensors["silent_steps"][:20] = 5
    with Largest() as largest:
        method.step(state, block)
    assert 0 < largest.entries <= 2 * N * F
    assert largest.entries < N * K * D / 8
