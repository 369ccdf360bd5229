"""The command under ``torchrun``: one dictionary, written once, the same as without."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tacit.activations.store import open_store
from tacit.verbs.fitting import fit_one
from tacit.verbs.settings import FitSettings
from tacit.verbs.steps import harvest_text

pytestmark = pytest.mark.slow


def under_torchrun(*arguments):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", "2", "-m", "tacit", *map(str, arguments)]
    told = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, env=told, capture_output=True, text=True, timeout=200)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("harvested")
    text = folder / "text"
    text.mkdir()
    for number in range(12):
        lines = [f"def f{number}_{line}(x):\n    return x + {line}\n" for line in range(60)]
        (text / f"{number}.py").write_text("".join(lines))
    harvest_text("pycode", str(text), ["resid.1"], folder / "store")
    return folder / "store"


@pytest.mark.parametrize("split", ["rows", "atoms"])
def test_two_ranks_write_the_dictionary_of_one(split, store, tmp_path):
    options = ["--store", store, "--site", "resid.1", "--k", 8, "--atoms", 256]
    options += ["--steps", 5, "--batch", 512, "--split", split, "--out", tmp_path / "two"]
    ended = under_torchrun("fit", *options)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("256 atoms of width 128") == 1
    settings = FitSettings(num_atoms=256, k=8, steps=5, batch=512)
    alone = fit_one(store, "resid.1", tmp_path / "one", settings=settings)
    for name, tensor in load_file(tmp_path / "two/dictionary.safetensors").items():
        torch.testing.assert_close(tensor, alone.tensors()[name], rtol=1e-2, atol=1e-3)


def test_two_ranks_harvest_the_store_of_one(store, tmp_path):
    options = ["pycode", "--site", "resid.1", "--text", store.parent / "text"]
    ended = under_torchrun("harvest", *options, "--out", tmp_path / "two")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("tokens") >= 1
    one, two = open_store(store), open_store(tmp_path / "two", verify=True)
    assert two.tokens.equals(one.tokens)
    rows = np.arange(one.num_tokens)
    torch.testing.assert_close(
        two.vectors("resid.1", rows), one.vectors("resid.1", rows), rtol=1e-2, atol=1e-2
    )


def test_a_batch_that_does_not_divide_is_one_message_from_each(store, tmp_path):
    options = ["--store", store, "--site", "resid.1", "--steps", 5, "--batch", 511]
    ended = under_torchrun("fit", *options, "--out", tmp_path / "two")
    assert ended.returncode != 0
    assert "511 rows of a block cannot be shared out equally among 2" in ended.stderr
    assert not (tmp_path / "two").exists()
