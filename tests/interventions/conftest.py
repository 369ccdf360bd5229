"""Dictionaries for the tiny subject, made by hand."""

import pytest
import torch

from tacit.activations.windows import windows_in
from tacit.dictionaries import Dictionary, InputContract
from tacit.dictionaries.selections import Largest, Relu, TopKPositive

SITE = "mlp.1"
WIDTH = 32


def dictionary_of(atoms, selection, **changes) -> Dictionary:
    parts = {
        "atoms": atoms,
        "encoder": atoms.clone(),
        "encoder_bias": torch.zeros(len(atoms)),
        "centre": torch.zeros(atoms.shape[1]),
        "scale": 1.0,
        "selection": selection,
        "contract": InputContract(site=SITE),
        "method": "by hand",
        "seed": 0,
    }
    return Dictionary(**(parts | changes))


def directions(num_atoms, width=WIDTH):
    raw = torch.randn(num_atoms, width, generator=torch.Generator().manual_seed(0))
    return raw / raw.norm(dim=1, keepdim=True)


@pytest.fixture(scope="session")
def exact():
    """A dictionary that gives every row back: signed coordinates about a centre."""
    return dictionary_of(
        torch.eye(WIDTH), Largest(k=WIDTH), scale=3.0, centre=torch.linspace(-1, 1, WIDTH)
    )


@pytest.fixture(scope="session", params=["top-k", "relu", "signed"])
def lossy(request):
    """A dictionary that misses much, of each kind of selection."""
    selection = {"top-k": TopKPositive(k=5), "relu": Relu(), "signed": Largest(k=5)}
    return dictionary_of(
        directions(48),
        selection[request.param],
        scale=2.5,
        centre=torch.linspace(-0.1, 0.1, WIDTH),
        encoder_bias=torch.full((48,), -0.01),
    )


@pytest.fixture(scope="session")
def sparse_features():
    """Few features a token, so that each fires in some places only."""
    return dictionary_of(directions(48), TopKPositive(k=2), scale=0.5)


@pytest.fixture(scope="session")
def held_out(tiny_store):
    return windows_in(tiny_store, SITE, held_out=True)


@pytest.fixture(scope="session")
def encoder(tmp_path_factory, tiny):
    """A random BERT of one layer: it predicts no next token."""
    from transformers import AutoTokenizer, BertConfig, BertModel

    from tacit.models import load_subject

    folder = tmp_path_factory.mktemp("encoder")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=400,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=WIDTH,
        max_position_embeddings=32,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny).save_pretrained(folder)
    return load_subject(folder)
