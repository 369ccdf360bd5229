"""Many members on one reading: those that stand still end, those that do not fit wait."""

import math
import threading

import pytest
import torch

from tacit.base.errors import UserError
from tacit.dictionaries import (
    METHODS,
    PCA,
    BatchTopK,
    EarlyStop,
    PAnnealed,
    ReluL1,
    RowBlocks,
    TopK,
    fit,
)
from tacit.dictionaries.ahead import Ahead
from tacit.dictionaries.fit import CHECKPOINT
from tacit.dictionaries.members import Member
from tacit.dictionaries.methods import State
from tacit.dictionaries.ranks import ALONE
from tacit.dictionaries.rounds import PLAN, bytes_of

K3, K5 = TopK(num_atoms=32, k=3), TopK(num_atoms=32, k=5)


def stream(block_rows=40):
    generator = torch.Generator().manual_seed(0)
    rows = {"here": torch.randn(400, 8, generator=generator)}
    return RowBlocks(rows=rows, block_rows=block_rows, seed=0)


def same(one, other):
    return [each.name for each in one] == [each.name for each in other] and all(
        torch.equal(own, other.dictionary.tensors()[name])
        for each, other in zip(one, other, strict=True)
        for name, own in each.dictionary.tensors().items()
    )


def state(step, num_steps):
    return State(tensors={}, step=step, num_steps=num_steps, seed=0)


def test_a_member_that_stands_still_begins_its_fall_at_once():
    rule = EarlyStop(patience=50, least_gain=0.01)
    still, falling = [0.5] * 200, [0.99**step for step in range(200)]
    assert rule.shortened(K3, state(200, 1000), still).num_steps == 250
    assert rule.shortened(K3, state(200, 1000), falling).num_steps == 1000


@pytest.mark.parametrize(
    ("method", "step", "because"),
    [
        (K3, 99, "only whole stretches are compared"),
        (K3, 100, "the rate rises in the first of the two stretches"),
        (ReluL1(num_atoms=8, penalty=0.1, sparsity_warm_up=0.5), 500, "the price rises"),
        (PAnnealed(num_atoms=8, penalty=0.1), 500, "the power falls to the end"),
        (PCA(), 500, "a closed form measures nothing"),
        (K3, 800, "the fall has begun"),
    ],
)
def test_nothing_ends_while_it_may_not_be_compared(method, step, because):
    rule = EarlyStop(patience=50)
    assert rule.shortened(method, state(step, 1000), [0.5] * step).num_steps == 1000, (
        because
    )


def test_members_end_each_at_their_own_time(tmp_path):
    rule = EarlyStop(patience=20, least_gain=0.05)
    methods = {"short": K3, "whole": METHODS["p-annealed"](num_atoms=32, penalty=0.1)}
    short, whole = fit(methods, stream(), [0], steps=300, folder=tmp_path, early_stop=rule)
    taken = short.dictionary.outcome["stopped_after_step"]
    assert len(short.curve.fvu) == taken < 300
    assert len(whole.curve.fvu) == 300
    assert "stopped_after_step" not in whole.dictionary.outcome
    (again,) = fit({"short": K3}, stream(), [0], steps=300, early_stop=rule)
    assert torch.equal(again.dictionary.atoms, short.dictionary.atoms)
    # From where the rate began to fall, it is the fit of so many steps.
    assert taken % 25 == 0


def test_a_fit_whose_members_have_ended_reads_no_further_and_goes_on_so(tmp_path):
    asked = []

    class Noted:
        def __init__(self, blocks):
            self.blocks, self.sites, self.width = blocks, blocks.sites, blocks.width

        def block(self, i):
            asked.append(i)
            return self.blocks.block(i)

    rule = EarlyStop(patience=20, least_gain=0.05)
    (one,) = fit([K3], Noted(stream()), [0], steps=300, folder=tmp_path, early_stop=rule)
    assert max(asked) < one.dictionary.outcome["stopped_after_step"]
    asked.clear()
    again = fit([K3], Noted(stream()), [0], steps=300, folder=tmp_path, early_stop=rule)
    assert asked == [0]
    assert same([one], again)
    with pytest.raises(UserError, match="early_stop"):
        fit([K3], stream(), [0], steps=300, folder=tmp_path)


def test_what_memory_does_not_hold_is_fitted_in_rounds(tmp_path):
    first = stream().block(0)
    methods = {"a": K3, "b": K5, "pca": PCA(k=2), "c": ReluL1(num_atoms=32, penalty=0.1)}
    room = bytes_of(Member(name="a", method=K3, seed=0, site="here"), first, ALONE)
    titles = []

    def told(title, total, unit):
        titles.append(title)
        return Silent()

    class Silent:
        def __enter__(self):
            return lambda done=1, *, earlier=False: None

        def __exit__(self, *_):
            return None

    together = fit(methods, stream(), [0, 1], steps=12)
    apart = fit(
        methods, stream(), [0, 1], steps=12, folder=tmp_path, memory=2 * room, progress=told
    )
    assert same(together, apart)
    assert len(titles) >= 3
    assert "round 1 of" in titles[0]
    assert "of 8 dictionaries at a time" in titles[0]
    assert (tmp_path / PLAN).exists()
    # Gone on with where less is free, it keeps to its plan; with more, too.
    again = fit(methods, stream(), [0, 1], steps=12, folder=tmp_path, memory=10**12)
    assert same(together, again)


def test_a_round_goes_on_where_it_was(tmp_path):
    class StopsOnce:
        def __init__(self):
            self.blocks, self.calls = stream(), 0
            self.sites, self.width = self.blocks.sites, self.blocks.width

        def block(self, i):
            self.calls += 1
            if self.calls == 20:
                raise InterruptedError
            return self.blocks.block(i)

    members = {"a": K3, "b": K5}
    room = bytes_of(
        Member(name="a", method=K3, seed=0, site="here"), stream().block(0), ALONE
    )
    ways = {"steps": 12, "folder": tmp_path, "memory": room, "checkpoint_seconds": 0.0}
    with pytest.raises(InterruptedError):
        fit(members, StopsOnce(), [0], **ways)
    names = sorted(path.name for path in tmp_path.glob("checkpoint*"))
    assert names == [f"checkpoint-{n}-of-2.safetensors" for n in (1, 2)]
    assert not (tmp_path / CHECKPOINT).exists()
    assert same(fit(members, stream(), [0], **ways), fit(members, stream(), [0], steps=12))


def test_one_that_does_not_fit_alone_is_refused():
    with pytest.raises(UserError, match=r"takes .* GiB .* and 0\.00 GiB are free"):
        fit([K3], stream(), [0], steps=5, memory=1000)


@pytest.mark.parametrize("name", ["top-k", "batch-top-k", "relu-l1", "gated", "jump-relu"])
def test_the_memory_foreseen_is_what_a_fit_holds(name):
    settings = (
        {"k": 4} if name in ("top-k", "batch-top-k", "jump-relu") else {"penalty": 0.1}
    )
    method = METHODS[name](num_atoms=256, **settings)
    rows = torch.randn(64, 32)
    made = method.initial(0, rows, num_steps=10)
    gradients = sum(made.tensors[leaf].nbytes for leaf in ("atoms", "encoder"))
    held = gradients + sum(tensor.nbytes for tensor in made.tensors.values())
    member = Member(name=name, method=method, seed=0, site="here")
    foreseen = bytes_of(member, {"here": rows}, ALONE)
    assert 0.95 * held < foreseen < 1.1 * held


def test_the_next_block_is_fetched_meanwhile():
    fetched = threading.Event()

    class Slow:
        sites = ("here",)

        def width(self, site):
            return 8

        def block(self, i):
            fetched.set()
            return {"here": torch.full((2, 8), float(i))}

    with Ahead(Slow()) as ahead:
        ahead.expect(3)
        assert fetched.wait(5)
        assert float(ahead.block(3)["here"][0, 0]) == 3
        assert float(ahead.block(7)["here"][0, 0]) == 7


def test_the_time_that_is_waited_is_noted():
    ticks = iter([0.0, 10.0, 13.0, 20.0])
    with Ahead(stream(), clock=lambda: next(ticks)) as ahead:
        ahead.block(0)
        assert math.isclose(ahead.waiting_share, 3 / 20)
    (fitted,) = fit([BatchTopK(num_atoms=16, k=2)], stream(), [0], steps=5)
    assert 0 <= fitted.waiting_share < 1
