"""Indices of a sparse and of a signed dictionary over the tiny store, in many small pieces."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pytest
import torch

from tacit.activations.store import Store
from tacit.activations.streaming import Stream, rows_for
from tacit.dictionaries import PCA, Dictionary, InputContract, fit
from tacit.dictionaries.selections import TopKPositive
from tacit.features import build
from tacit.features.index import Index

SITE = "resid.0"
SILENT = 5
SMALL_BLOCK, SMALL_GROUP = 97, 2_048


@dataclass(frozen=True)
class Indexed:
    """An index with everything that it was made from."""

    index: Index
    dictionary: Dictionary
    store: Store

    @cached_property
    def columns(self) -> dict[str, np.ndarray]:
        """Columns of the store's token table."""
        names = ("context", "document", "line", "token")
        return {name: self.store.column(name) for name in names}

    @cached_property
    def dense(self) -> np.ndarray:
        """The value of every feature at every row of the store, 0 at rows that are not usable."""
        out = np.zeros((self.store.num_tokens, self.dictionary.num_atoms), dtype=np.float32)
        usable = np.flatnonzero(self.store.usable(SITE))
        for first in range(0, len(usable), SMALL_BLOCK):
            rows = usable[first : first + SMALL_BLOCK]
            out[rows] = (
                self.dictionary.encode(self.store.vectors(SITE, rows)).dense().numpy()
            )
        return out


def sparse_dictionary(store: Store, **changes) -> Dictionary:
    """Forty random directions, four active at once; one of them can never fire."""
    generator = torch.Generator().manual_seed(0)
    atoms = torch.randn(40, store.width(SITE), generator=generator)
    atoms /= atoms.norm(dim=1, keepdim=True)
    bias = torch.zeros(40)
    bias[SILENT] = -1e6
    rows = np.flatnonzero(store.usable(SITE))
    parts = {
        "atoms": atoms,
        "encoder": atoms.clone(),
        "encoder_bias": bias,
        "centre": store.vectors(SITE, rows).mean(dim=0),
        "scale": 1.5,
        "selection": TopKPositive(k=4),
        "contract": InputContract(site=SITE),
        "method": "by hand",
        "seed": 0,
    }
    return Dictionary(**(parts | changes))


def signed_dictionary(store: Store) -> Dictionary:
    rows = rows_for(store, [SITE], held_out=False)
    blocks = Stream(store=store, sites=(SITE,), rows=rows, seed=0, block_rows=256)
    contract = InputContract(site=SITE)
    return fit({"pca": PCA(k=3)}, blocks, [0], steps=2, contract=contract)[0].dictionary


@pytest.fixture(scope="session")
def small_pieces():
    """Blocks and row groups so small that a tiny store fills several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "BLOCK_ROWS", SMALL_BLOCK)
        patch.setattr(build, "ROW_GROUP", SMALL_GROUP)
        yield


@pytest.fixture(scope="session")
def sparse(tmp_path_factory, tiny_store, small_pieces):
    dictionary = sparse_dictionary(tiny_store)
    folder = tmp_path_factory.mktemp("indices") / "sparse"
    return Indexed(
        build.build_index(dictionary, tiny_store, folder), dictionary, tiny_store
    )


@pytest.fixture(scope="session")
def signed(tmp_path_factory, tiny_store, small_pieces):
    dictionary = signed_dictionary(tiny_store)
    folder = tmp_path_factory.mktemp("indices") / "signed"
    return Indexed(
        build.build_index(dictionary, tiny_store, folder), dictionary, tiny_store
    )


@pytest.fixture(params=["sparse", "signed"])
def indexed(request):
    """Each index in turn."""
    return request.getfixturevalue(request.param)
