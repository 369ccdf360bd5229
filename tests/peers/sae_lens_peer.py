"""SAELens's dictionaries: of every architecture that it saves for inference."""

from pathlib import Path

import torch
from answering import ATOMS, WIDTH, Coder, K, serve, shaken
from sae_lens import (
    SAE,
    BatchTopKTrainingSAE,
    BatchTopKTrainingSAEConfig,
    GatedSAE,
    GatedSAEConfig,
    JumpReLUSAE,
    JumpReLUSAEConfig,
    StandardSAE,
    StandardSAEConfig,
    TopKSAE,
    TopKSAEConfig,
)
from sae_lens.saes.sae import SAEMetadata

SHAPE = {"d_in": WIDTH, "d_sae": ATOMS}
MADE = {
    "standard": (StandardSAE, StandardSAEConfig, {}),
    "uncentred": (StandardSAE, StandardSAEConfig, {"apply_b_dec_to_input": False}),
    "topk": (TopKSAE, TopKSAEConfig, {"k": K}),
    "topk-rescaled": (
        TopKSAE,
        TopKSAEConfig,
        {"k": K, "rescale_acts_by_decoder_norm": True},
    ),
    "jumprelu": (JumpReLUSAE, JumpReLUSAEConfig, {}),
    "gated": (GatedSAE, GatedSAEConfig, {}),
}


def make(out: Path) -> list[str]:
    """Save one of each kind and return their names."""
    told = {
        "model_name": "pycode",
        "hook_name": "blocks.2.hook_resid_post",
        "prepend_bos": True,
        "context_size": 128,
    }
    for seed, (name, (kind, config, own)) in enumerate(MADE.items()):
        settings = config(**SHAPE, **own, metadata=SAEMetadata(**told))
        shaken(kind(settings), seed).save_model(out / name)
    config = BatchTopKTrainingSAEConfig(**SHAPE, k=K, metadata=SAEMetadata(**told))
    trained = shaken(BatchTopKTrainingSAE(config), len(MADE))
    trained.topk_threshold.fill_(0.7)
    trained.save_inference_model(out / "batch-top-k")
    return [*MADE, "batch-top-k"]


def load(folder: Path) -> Coder:
    """Return the dictionary in a folder."""
    return SAE.load_from_disk(folder)


def answer(coder: Coder, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return code and reconstruction."""
    code = coder.encode(rows)
    return code, coder.decode(code)


if __name__ == "__main__":
    serve(make, load, answer)
