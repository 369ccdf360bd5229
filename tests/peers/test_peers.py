"""Other tools, each in its own environment, read what we write and agree with what we read.

``make peers``: needs a network at first, to make the environments.
"""

import os
import subprocess
from pathlib import Path

import pytest
import torch
from benchmarks.rivals.environments import environment
from safetensors.torch import load_file, save_file

from tacit.dictionaries import METHODS, RowBlocks, fit
from tacit.dictionaries.foreign import open_dictionary, write_dictionary

pytestmark = [pytest.mark.peers, pytest.mark.timeout(1800)]
HERE = Path(__file__).parent
RECORDED = HERE.parent / "dictionaries/foreign/recorded"
TOOLS = {
    "sae-lens": ("sae_lens", ["top-k", "relu-l1", "jump-relu", "batch-top-k", "gated"]),
    "sparsify": ("sparsify", ["top-k"]),
    "dictionary-learning": (
        "dictionary_learning",
        ["top-k", "relu-l1", "jump-relu", "batch-top-k", "gated"],
    ),
}
WIDTH = 16


def ask(tool, *arguments):
    script = HERE / f"{tool}_peer.py"
    told = {**os.environ, "HF_HUB_OFFLINE": "1"}
    subprocess.run([environment(tool), script, *arguments], check=True, env=told)


@pytest.mark.parametrize("tool", [tool for tool, _ in TOOLS.values()])
def test_the_recorded_answers_are_what_the_tool_says(tool, tmp_path):
    ask(tool, "make", tmp_path)
    made = {path.relative_to(tmp_path) for path in tmp_path.rglob("answers.safetensors")}
    kept = {path.relative_to(RECORDED / tool) for path in (RECORDED / tool).rglob("answ*")}
    assert made == kept
    for path in made:
        ours = load_file(RECORDED / tool / path)
        for name, each in load_file(tmp_path / path).items():
            torch.testing.assert_close(each, ours[name], atol=1e-5, rtol=1e-5)


def dictionary_of(kind):
    generator = torch.Generator().manual_seed(3)
    features = torch.nn.functional.normalize(torch.randn(40, WIDTH, generator=generator))
    active = torch.rand(2_048, 40, generator=generator) < 0.1
    rows = 5.0 + 30 * active * torch.rand(2_048, 40, generator=generator) @ features
    own = {"k": 4} if "k" in METHODS[kind].__dataclass_fields__ else {"penalty": 0.05}
    blocks = RowBlocks(rows={"here": rows}, block_rows=256, seed=0)
    method = METHODS[kind](num_atoms=64, learning_rate=0.01, **own)
    (member,) = fit([method], blocks, [0], steps=100)
    return member.dictionary, rows[:200]


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for name, (_, kinds) in TOOLS.items() for kind in kinds]
)
def test_the_tool_codes_as_we_do(name, kind, tmp_path):
    dictionary, rows = dictionary_of(kind)
    write_dictionary(dictionary, name, tmp_path)
    asked = tmp_path / "answers.safetensors"
    save_file({"rows": rows}, asked)
    ask(TOOLS[name][0], "answer", tmp_path, asked)
    answers, code = load_file(asked), dictionary.encode(rows)
    # A row's code is in units of its own size; 1e-5 is of the largest.
    for ours, theirs in (
        (code.dense(), answers["code"]),
        (dictionary.decode(code), answers["rebuilt"]),
    ):
        assert (ours - theirs).abs().max() <= 1e-5 * theirs.abs().max()


def test_what_we_read_is_what_we_wrote(tmp_path):
    dictionary, rows = dictionary_of("top-k")
    for name in TOOLS:
        (tmp_path / name).mkdir()
        write_dictionary(dictionary, name, tmp_path / name)
        again = open_dictionary(tmp_path / name)
        gap = (again.rebuild(rows) - dictionary.rebuild(rows)).abs().max()
        assert gap <= 1e-5 * rows.abs().max()
