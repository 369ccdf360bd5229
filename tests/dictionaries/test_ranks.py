"""Two processes fit what one does: rows shared out, or atoms."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from dictionaries.ranked_fit import ROWS, STEPS, blocks, fitted, method_of
from tacit.base.errors import UserError
from tacit.dictionaries import fit
from tacit.dictionaries.ranks import ALONE, Ranks

SCRIPT = Path(__file__).parent / "ranked_fit.py"


ALL = ("top-k", "batch-top-k", "matryoshka", "jump-relu", "relu-l1", "gated", "p-annealed")
KINDS = {"rows": ALL, "atoms": ("top-k", "batch-top-k")}


def started(number, folder, split, *kinds, script=SCRIPT):
    arguments = [str(number), "2", str(folder), split, *kinds]
    return subprocess.Popen(
        [sys.executable, str(script), *arguments], stderr=subprocess.PIPE, text=True
    )


@pytest.fixture(scope="module")
def of_two(tmp_path_factory):
    """What each of two processes ends with, by split, and the folder that they worked in."""
    found = {}
    for split, kinds in KINDS.items():
        folder = tmp_path_factory.mktemp(split)
        both = [started(number, folder, split, *kinds) for number in range(2)]
        told = [each.communicate(timeout=250)[1] for each in both]
        assert [each.returncode for each in both] == [0, 0], told
        found[split] = folder
    return found


@pytest.mark.parametrize(
    ("split", "kind"), [(split, kind) for split, kinds in KINDS.items() for kind in kinds]
)
def test_two_processes_fit_what_one_does(split, kind, of_two):
    first, second = (load_file(of_two[split] / f"{kind}-{n}.safetensors") for n in range(2))
    alone = fitted(kind, ALONE)
    if kind in KINDS["atoms"]:
        assert alone["curve"][1].max() > 0, "no atom died: the test does not test them"
    for name, tensor in alone.items():
        assert torch.equal(first[name], second[name]), name
        torch.testing.assert_close(first[name], tensor, rtol=1e-6, atol=1e-6, msg=name)


@pytest.mark.parametrize("split", KINDS)
def test_a_fit_of_two_goes_on_as_one(split, of_two):
    """The checkpoint does not know how the work was shared out."""
    again = fitted("top-k", ALONE, folder=of_two[split] / "top-k")
    first = load_file(of_two[split] / "top-k-0.safetensors")
    for name, tensor in again.items():
        assert torch.equal(first[name], tensor), name


def test_atoms_of_other_methods_are_not_shared_out():
    ranks = Ranks(number=0, count=2, split="atoms")
    with pytest.raises(UserError, match="atoms of relu-l1 cannot be shared out"):
        fit([method_of("relu-l1")], blocks(), [0], steps=STEPS, ranks=ranks)


def test_rows_that_do_not_divide_are_refused():
    with pytest.raises(UserError, match=f"{ROWS} rows .* among 3 processes"):
        Ranks(number=0, count=3).share(ROWS, "rows of a block")


def test_processes_that_were_told_different_things_all_stop(tmp_path):
    pair = [
        started(0, tmp_path, "rows", "top-k"),
        started(1, tmp_path, "rows", "relu-l1"),
    ]
    for each in pair:
        _, told = each.communicate(timeout=120)
        assert each.returncode != 0
        assert "process 1 of 2 was given another methods, members" in told


def test_a_process_that_disappears_stops_the_other_with_a_message(tmp_path):
    leaving = tmp_path / "leaving.py"
    text = SCRIPT.read_text()
    assert text.count("for kind in kinds:") == 1
    text = text.replace("for kind in kinds:", "for kind in sys.exit(3):")
    leaving.write_text(text)
    staying, gone = (
        started(0, tmp_path, "rows", "top-k"),
        started(1, tmp_path, "rows", "top-k", script=leaving),
    )
    gone.communicate(timeout=120)
    _, told = staying.communicate(timeout=120)
    assert gone.returncode == 3
    assert staying.returncode != 0
    assert "another process of this fit stopped" in told
