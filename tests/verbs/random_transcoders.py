"""Transcoders of random directions for the tiny subject, and a prompt that it can read."""

import torch

from interventions.conftest import dictionary_of
from tacit.dictionaries import InputContract
from tacit.dictionaries.dictionary import Dictionary, Target
from tacit.dictionaries.selections import TopKPositive

PROMPT = "import math\n\nclass Shape"
WIDTH, ATOMS, ACTIVE = 16, 20, 5
NORM = "gpt_neox.layers.{}.post_attention_layernorm"


def transcoder(layer: int, **facts) -> Dictionary:
    """Random directions from the norm before an MLP to what it adds."""
    random = torch.Generator().manual_seed(layer)
    atoms, encoder = torch.randn(2, ATOMS, WIDTH, generator=random) / WIDTH**0.5
    contract = {"site": NORM.format(layer), "target": f"mlp_out.{layer}", **facts}
    return dictionary_of(
        atoms,
        TopKPositive(k=ACTIVE),
        encoder=encoder,
        target=Target(centre=torch.zeros(WIDTH), scale=0.5),
        contract=InputContract(**contract),
    )
