"""Gemma Scope folders: ``params.npz``, a JumpReLU dictionary whose rows are not centred.

Axes: f atoms, d width. Their ``W_enc`` is d x f.
"""

from pathlib import Path

from tacit.dictionaries.dictionary import Dictionary
from tacit.dictionaries.foreign.tensors import expect, read_npz, size_of, uncentred_bias
from tacit.dictionaries.selections import AboveThreshold

TENSORS = "params.npz"


def holds(folder: Path) -> bool:
    """Return whether a folder has their file."""
    return (folder / TENSORS).exists()


def read(folder: Path) -> Dictionary:
    """Return the dictionary in a folder of theirs; its site stands in the folder's path alone."""
    path = folder / TENSORS
    found = read_npz(path)
    d, f = size_of(found, "W_enc", path)
    shapes: dict[str, tuple[int, ...]] = {"W_enc": (d, f), "W_dec": (f, d), "b_dec": (d,)}
    shapes |= {"b_enc": (f,), "threshold": (f,)}
    tensors = expect(found, shapes, path)
    encoder = tensors["W_enc"].T.contiguous()
    return Dictionary(
        atoms=tensors["W_dec"],
        encoder=encoder,
        encoder_bias=uncentred_bias(encoder, tensors["b_enc"], tensors["b_dec"]),
        centre=tensors["b_dec"],
        scale=1.0,
        selection=AboveThreshold(),
        thresholds=tensors["threshold"],
        method="gemma-scope jumprelu",
        settings={"num_atoms": f},
        outcome={"hook_name": folder.name},
        seed=0,
    )
