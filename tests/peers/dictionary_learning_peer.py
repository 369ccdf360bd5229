"""dictionary_learning's dictionaries: every class that its loader knows.

Loaded as its files hold them: its loader's own option brings the atoms of ``AutoEncoder`` to unit
length, which changes the code.
"""

import json
from pathlib import Path

import torch
from answering import ATOMS, WIDTH, Coder, K, serve, shaken
from dictionary_learning.dictionary import (
    AutoEncoder,
    GatedAutoEncoder,
    JumpReluAutoEncoder,
)
from dictionary_learning.trainers.batch_top_k import BatchTopKSAE
from dictionary_learning.trainers.matryoshka_batch_top_k import MatryoshkaBatchTopKSAE
from dictionary_learning.trainers.top_k import AutoEncoderTopK
from dictionary_learning.utils import load_dictionary

GROUPS = [8, 16]
MADE = {
    "AutoEncoder": AutoEncoder(WIDTH, ATOMS),
    "GatedAutoEncoder": GatedAutoEncoder(WIDTH, ATOMS),
    "JumpReluAutoEncoder": JumpReluAutoEncoder(WIDTH, ATOMS),
    "AutoEncoderTopK": AutoEncoderTopK(WIDTH, ATOMS, K),
    "BatchTopKSAE": BatchTopKSAE(WIDTH, ATOMS, K),
    "MatryoshkaBatchTopKSAE": MatryoshkaBatchTopKSAE(WIDTH, ATOMS, K, GROUPS),
}


def make(out: Path) -> list[str]:
    """Save one of each class, as its trainers do, and return their names."""
    for seed, (name, coder) in enumerate(MADE.items()):
        shaken(coder, seed)
        if name in ("BatchTopKSAE", "MatryoshkaBatchTopKSAE"):
            coder.threshold.fill_(0.7)
        (out / name).mkdir(parents=True)
        torch.save(coder.state_dict(), out / name / "ae.pt")
        facts = {"dict_class": name, "k": K, "lm_name": "pycode", "layer": 2}
        text = json.dumps({"trainer": facts})
        (out / name / "config.json").write_text(text, encoding="utf-8")
    return list(MADE)


def load(folder: Path) -> Coder:
    """Return the dictionary in a folder."""
    facts = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if facts["trainer"]["dict_class"] == "AutoEncoder":
        return AutoEncoder.from_pretrained(folder / "ae.pt", normalize_decoder=False)
    coder, _ = load_dictionary(str(folder), device="cpu")
    return coder


def answer(coder: Coder, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return code and reconstruction."""
    code = coder.encode(rows)
    return code, coder.decode(code)


if __name__ == "__main__":
    serve(make, load, answer)
