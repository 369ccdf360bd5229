"""Dictionaries that other tools wrote, beside codes and reconstructions that they recorded.

``recorded/`` is drawn by ``make peers`` with each tool in its own environment.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tacit.dictionaries import load_dictionary, save_dictionary
from tacit.dictionaries.foreign import FORMATS, open_dictionary, write_dictionary

RECORDED = sorted((Path(__file__).parent / "recorded").glob("*/*"))
WRITTEN = [name for name, form in FORMATS.items() if form.write]


def named(folder):
    return f"{folder.parent.name}/{folder.name}"


def agree(dictionary, answers):
    code = dictionary.encode(answers["rows"])
    torch.testing.assert_close(code.dense(), answers["code"], atol=1e-5, rtol=1e-5)
    assert (answers["code"] != 0).any(dim=1).all()
    torch.testing.assert_close(
        dictionary.decode(code), answers["rebuilt"], atol=1e-5, rtol=1e-5
    )


def test_every_tool_has_its_kinds_here():
    tools = [folder.parent.name for folder in RECORDED]
    counts = {tool: tools.count(tool) for tool in set(tools)}
    assert counts == {"sae_lens": 7, "sparsify": 1, "dictionary_learning": 6}


@pytest.mark.parametrize("folder", RECORDED, ids=named)
def test_code_and_reconstruction_are_those_of_the_tool(folder):
    agree(open_dictionary(folder), load_file(folder / "answers.safetensors"))


@pytest.mark.parametrize("folder", RECORDED, ids=named)
def test_it_is_the_same_from_a_file_of_ours(folder, tmp_path):
    save_dictionary(open_dictionary(folder), tmp_path)
    agree(load_dictionary(tmp_path), load_file(folder / "answers.safetensors"))


PAIRS = [
    (folder, name)
    for folder in RECORDED
    for name in WRITTEN
    # sparsify knows top-k alone.
    if name != "sparsify" or "topk" in folder.name.lower().replace("batchtopk", "")
]


@pytest.mark.parametrize(("folder", "name"), PAIRS)
def test_it_is_the_same_by_way_of_another_format(folder, name, tmp_path):
    write_dictionary(open_dictionary(folder), name, tmp_path)
    agree(open_dictionary(tmp_path), load_file(folder / "answers.safetensors"))


def test_gemma_scope_is_read_as_its_guide_computes_it(tmp_path):
    rng = np.random.default_rng(0)
    width, atoms = 8, 24
    drawn = {
        "W_enc": rng.normal(size=(width, atoms)),
        "W_dec": rng.normal(size=(atoms, width)),
        "b_enc": rng.normal(size=atoms),
        "b_dec": rng.normal(size=width),
        "threshold": rng.uniform(0.1, 2, size=atoms),
    }
    np.savez(tmp_path / "params.npz", **{n: a.astype(np.float32) for n, a in drawn.items()})
    rows = rng.normal(size=(16, width))
    projected = rows @ drawn["W_enc"] + drawn["b_enc"]
    code = np.where(projected > drawn["threshold"], np.maximum(projected, 0), 0)
    rebuilt = code @ drawn["W_dec"] + drawn["b_dec"]
    answers = {"rows": rows, "code": code, "rebuilt": rebuilt}
    agree(
        open_dictionary(tmp_path),
        {name: torch.from_numpy(each).float() for name, each in answers.items()},
    )
