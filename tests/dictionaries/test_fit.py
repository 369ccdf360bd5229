"""The loop: many members on one stream, stopped and gone on with, and what it refuses."""

import itertools

import pytest
import torch

from tacit.base.errors import UserError
from tacit.dictionaries import (
    PCA,
    InputContract,
    RandomDirections,
    ReluL1,
    RowBlocks,
    TopK,
    fit,
)
from tacit.dictionaries.fit import CHECKPOINT

METHODS = {
    "top-k": TopK(num_atoms=32, k=3, dead_after_steps=5, revive_every_steps=7),
    "relu": ReluL1(num_atoms=24, penalty=0.1, revive_every_steps=6, dead_after_steps=3),
    "tied": ReluL1(num_atoms=24, penalty=0.1, tied=True),
    "pca": PCA(k=2),
    "random": RandomDirections(num_atoms=20, k=2),
}


def stream(sites=("here",)):
    generator = torch.Generator().manual_seed(0)
    rows = {site: torch.randn(200, 8, generator=generator) for site in sites}
    return RowBlocks(rows=rows, block_rows=40, seed=0)


class Stopped(Exception):
    """What a test stops a fit with."""


class StopsAt:
    """A stream that fails at one block, as a machine does."""

    def __init__(self, block, blocks, change=None):
        self.at, self.blocks, self.change = block, blocks, change
        self.sites, self.width, self.asked = blocks.sites, blocks.width, []

    def block(self, i):
        self.asked.append(i)
        found = self.blocks.block(i)
        if i == self.at:
            if self.change is None:
                raise Stopped
            self.change(found[self.sites[-1]])
        return found


def bytes_of(fitted):
    return [
        (each.name, each.seed, each.site)
        + tuple(tensor.numpy().tobytes() for tensor in each.dictionary.tensors().values())
        + tuple(column.numpy().tobytes() for column in vars(each.curve).values())
        for each in fitted
    ]


def test_members_come_by_site_method_and_seed_with_their_curves():
    fitted = fit(METHODS, stream(("a", "b")), [3, 5], steps=4)
    assert [(each.site, each.name, each.seed) for each in fitted] == list(
        itertools.product(("a", "b"), METHODS, (3, 5))
    )
    for each in fitted:
        learned = each.name not in ("pca", "random")
        assert len(each.curve.loss) == (4 if learned else 0)
        assert each.dictionary.contract.site == each.site
        assert each.dictionary.seed == each.seed


def test_a_member_does_not_depend_on_its_company():
    together = bytes_of(fit(METHODS, stream(), [0, 1], steps=10))
    alone = bytes_of(fit({"tied": METHODS["tied"]}, stream(), [1], steps=10))
    assert alone[0] in together


def test_each_block_is_read_once_for_all_members():
    blocks = StopsAt(None, stream())
    fit(METHODS, blocks, [0, 1, 2], steps=6)
    assert blocks.asked == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("at", [1, 6, 13, 29])
def test_a_fit_that_stopped_ends_in_the_same_bytes(tmp_path, at):
    whole = fit(METHODS, stream(), [0, 1], steps=30)
    with pytest.raises(Stopped):
        fit(
            METHODS, StopsAt(at, stream()), [0, 1], steps=30, folder=tmp_path,
            checkpoint_seconds=0.0, clock=itertools.repeat(0.0).__next__,
        )  # fmt: skip
    blocks = StopsAt(None, stream())
    resumed = fit(METHODS, blocks, [0, 1], steps=30, folder=tmp_path)
    assert blocks.asked == [0, *range(at, 30)]
    assert bytes_of(resumed) == bytes_of(whole)


def test_a_finished_fit_is_not_fitted_again(tmp_path):
    first = fit(METHODS, stream(), [0], steps=5, folder=tmp_path)
    blocks = StopsAt(None, stream())
    again = fit(METHODS, blocks, [0], steps=5, folder=tmp_path)
    assert blocks.asked == [0]
    assert bytes_of(again) == bytes_of(first)


def test_finished_dictionaries_are_in_the_folder(tmp_path):
    from tacit.dictionaries import load_dictionary

    contract = InputContract(subject="pycode", context_tokens=64)
    (one,) = fit(
        {"a": METHODS["relu"]}, stream(), [4], steps=5, folder=tmp_path, contract=contract
    )
    loaded = load_dictionary(tmp_path / "a" / "seed-4")
    assert torch.equal(loaded.atoms, one.dictionary.atoms)
    assert (loaded.contract.subject, loaded.contract.site) == ("pycode", "here")
    fit({"a": METHODS["relu"]}, stream(("x", "y")), [4], steps=2, folder=tmp_path / "two")
    assert load_dictionary(tmp_path / "two" / "y" / "a" / "seed-4").contract.site == "y"


def test_checkpoints_take_a_small_part_of_the_time(tmp_path, monkeypatch):
    # Every look at this clock is a second later, so each writing seems to take one.
    written = []
    monkeypatch.setattr(
        "tacit.dictionaries.course.save_checkpoint",
        lambda path, at, _: written.append(at.step),
    )
    clock = itertools.count(0.0).__next__
    fit(
        {"a": METHODS["pca"]}, stream(), [0], steps=100, folder=tmp_path,
        checkpoint_seconds=2.0, clock=clock,
    )  # fmt: skip
    gaps = [after - before for before, after in itertools.pairwise(written[:-1])]
    assert min(gaps) >= 20
    assert written[-1] == 100


@pytest.mark.parametrize(
    "other",
    [
        {"methods": {"a": TopK(num_atoms=32, k=4)}},
        {"seeds": [1]},
        {"steps": 9},
        {"blocks": RowBlocks(rows={"here": torch.ones(40, 8)}, block_rows=40, seed=0)},
    ],
)
def test_another_configuration_does_not_go_on_with_a_fit(tmp_path, other):
    asked = {
        "methods": {"a": TopK(num_atoms=32, k=3)}, "blocks": stream(), "seeds": [0], "steps": 5,
    }  # fmt: skip
    fit(**asked, folder=tmp_path)
    with pytest.raises(UserError, match="another configuration"):
        fit(**{**asked, **other}, folder=tmp_path)


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x08\0\0\0\0\0\0\0{}      "])
def test_a_checkpoint_that_is_none_is_refused_by_name(tmp_path, content):
    (tmp_path / CHECKPOINT).write_bytes(content)
    with pytest.raises(UserError, match=CHECKPOINT):
        fit({"a": METHODS["pca"]}, stream(), [0], steps=5, folder=tmp_path)


def test_a_checkpoint_cut_short_is_refused_by_name(tmp_path):
    fit(METHODS, stream(), [0], steps=5, folder=tmp_path)
    path = tmp_path / CHECKPOINT
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UserError, match=CHECKPOINT):
        fit(METHODS, stream(), [0], steps=5, folder=tmp_path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("at", [0, 3])
def test_a_block_that_is_not_finite_is_named(value, at):
    def spoil(rows):
        rows[5, 2] = value

    blocks = StopsAt(at, stream(("a", "b")), spoil)
    with pytest.raises(UserError, match=f"block {at} of site b .* 1 of 40"):
        fit(METHODS, blocks, [0], steps=6)


def test_large_finite_rows_are_not_taken_for_infinite():
    rows = torch.full((40, 8), 1e17)
    rows[::2] *= -0.5
    fit([PCA()], RowBlocks(rows={"here": rows}, block_rows=40, seed=0), [0], steps=1)


def test_a_member_that_diverges_is_named_and_its_last_state_kept(tmp_path):
    wild = {"calm": TopK(num_atoms=32, k=3), "wild": ReluL1(
        num_atoms=32, penalty=0.0, learning_rate=1e38, clip=None, warm_up_steps=0)}  # fmt: skip
    with pytest.raises(UserError, match=r"wild, seed 7, site here diverged at step \d+"):
        fit(wild, stream(), [7], steps=50, folder=tmp_path, checkpoint_seconds=0.0)
    from safetensors.torch import load_file

    kept = load_file(tmp_path / CHECKPOINT)
    assert all(torch.isfinite(kept[f"0/{name}"]).all() for name in ("atoms", "encoder"))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"methods": []}, "0 methods"),
        ({"seeds": []}, "0 seeds"),
        ({"seeds": [1, 1]}, "repeat"),
        ({"steps": 0}, "steps"),
        ({"methods": [PCA(), PCA(k=2)]}, "several methods are called pca"),
        ({"methods": {"../up": PCA()}}, "names no folder"),
    ],
)
def test_fits_that_make_no_sense_are_refused(change, match):
    asked = {"methods": [PCA()], "seeds": [0], "steps": 2, **change}
    with pytest.raises(UserError, match=match):
        fit(blocks=stream(), **asked)


def test_progress_is_told(tmp_path):
    import contextlib

    told = []

    @contextlib.contextmanager
    def progress(title, total, unit):
        told.append((title, total, unit))
        yield lambda done=1, *, earlier=False: told.append((done, earlier))

    fit([PCA()], stream(), [0], steps=3, progress=progress)
    assert told == [("fit", 3, "steps"), (0, True), *[(1, False)] * 3]
