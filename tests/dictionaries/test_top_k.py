"""Top-k training against a plain dense one written with autograd and PyTorch's Adam."""

import pytest
import torch

from tacit.base.errors import UserError
from tacit.dictionaries import TopK
from tacit.dictionaries.dead import add_auxiliary
from tacit.dictionaries.descent import sparse_pass
from tacit.dictionaries.learned import BETAS, EPSILON, LEAVES, learning_rate
from tacit.dictionaries.parallel import sharing
from tacit.dictionaries.ranks import ALONE
from tacit.dictionaries.top_k import LargestOfRow

N, D, F, K = 96, 24, 64, 4


def rows(seed=0, count=N):
    generator = torch.Generator().manual_seed(seed)
    features = torch.nn.functional.normalize(
        torch.randn(40, D, generator=torch.Generator().manual_seed(99)).double()
    )
    active = torch.rand(count, 40, generator=generator) < 0.1
    strengths = torch.rand(count, 40, generator=generator).double()
    return (strengths * active) @ features + 0.3


def plain_loss(leaves, x, dead, *, num_kept, weight):
    """The loss of Gao et al. 2024 as one would write it first: dense, with autograd."""
    projected = (x - leaves["offset"]) @ leaves["encoder"].T + leaves["encoder_bias"]
    values, indices = projected.topk(K)
    code = torch.zeros_like(projected).scatter(1, indices, values.relu())
    rebuilt = code @ leaves["atoms"] + leaves["offset"]
    loss = (rebuilt - x).square().sum(dim=1).mean()
    if len(dead):
        left = (x - rebuilt).detach()
        values, places = projected[:, dead].topk(min(num_kept, len(dead)))
        of_dead = torch.zeros(len(x), len(dead), dtype=x.dtype).scatter(1, places, values)
        error = (of_dead @ leaves["atoms"][dead] - left).square().sum()
        share = error / (left - left.mean(dim=0)).square().sum()
        variance = (x - x.mean(dim=0)).square().sum() / len(x)
        loss = loss + weight * share * variance
    return loss


def started(method, *, seed=0):
    """A state in float64 some steps on, so that biases and offset are not zero."""
    state = method.initial(seed, rows(), num_steps=1000)
    for i in range(5):
        state, _ = method.step(state, rows(i))
    return state


def seen(tensors, x, dead, *, weight, num_kept=8):
    """The pass over rows that are given as the encoder's own, centre 0 and scale 1."""
    plain = {**tensors, "centre": torch.zeros(D).double(), "scale": torch.ones(()).double()}
    with sharing(worth_it=False) as over:
        found = sparse_pass(plain, x, LargestOfRow(k=K), over, ALONE, dead=dead)
        loss = found.loss
        if len(dead) and weight:
            loss = loss + add_auxiliary(
                found, plain, dead, over, ALONE, num_kept=num_kept, weight=weight
            )
    return found, loss


@pytest.mark.parametrize("num_dead", [0, 5, 20])
def test_gradients_equal_those_of_the_dense_loss(num_dead):
    tensors = started(TopK(num_atoms=F, k=K)).tensors
    dead = (
        torch.randperm(F, generator=torch.Generator().manual_seed(1))[:num_dead]
        .sort()
        .values
    )
    x, weight = rows(7), 0.2
    leaves = {name: tensors[name].clone().requires_grad_() for name in LEAVES}
    loss = plain_loss(leaves, x, dead, num_kept=8, weight=weight)
    loss.backward()
    found, total = seen(tensors, x, dead, weight=weight)
    gradients = found.with_offset(tensors["encoder"], ALONE)
    torch.testing.assert_close(total, loss.detach())
    for name in LEAVES:
        torch.testing.assert_close(gradients[name], leaves[name].grad, msg=name)


def test_the_auxiliary_loss_teaches_encoder_and_atom_of_every_dead_atom():
    # Rivals rectify first, or give the encoder no gradient: what is truly dead stays so.
    tensors = started(TopK(num_atoms=F, k=K)).tensors
    dead = torch.tensor([3, 9])
    tensors["encoder_bias"][dead] = -100.0  # far below zero on every row
    without, _ = seen(tensors, rows(3), dead, weight=0.0)
    found, _ = seen(tensors, rows(3), dead, weight=1 / 32)
    for name in ("atoms", "encoder"):
        assert (without.leaves[name][dead] == 0).all()
        assert (found.leaves[name][dead].norm(dim=1) > 0).all()


@pytest.mark.parametrize("clip", [None, 0.05])
def test_two_hundred_steps_equal_plain_training(clip):
    method = TopK(
        num_atoms=F, k=K, learning_rate=0.01, clip=clip, revive_every_steps=None,
        auxiliary_weight=0.1, num_auxiliary=6, dead_after_steps=5,
    )  # fmt: skip
    steps = 200
    state = method.initial(0, rows(), num_steps=steps)
    leaves = {name: state.tensors[name].clone().requires_grad_() for name in LEAVES}
    centre, scale = state.tensors["centre"].clone(), state.tensors["scale"].clone()
    adam = torch.optim.Adam(leaves.values(), lr=1.0, betas=BETAS, eps=EPSILON)
    silent, saw_dead, curve, plain_curve = torch.zeros(F), 0, [], []
    for i in range(steps):
        dead = (silent >= 5).nonzero().squeeze(1)
        saw_dead += len(dead)
        x = (rows(i) - centre) / scale
        loss = plain_loss(leaves, x, dead, num_kept=6, weight=0.1)
        adam.zero_grad()
        loss.backward()
        with torch.no_grad():
            projected = (x - leaves["offset"]) @ leaves["encoder"].T + leaves[
                "encoder_bias"
            ]
            values, indices = projected.topk(K)
            silent += 1
            silent[indices[values > 0]] = 0
            towards, atoms = leaves["atoms"].grad, leaves["atoms"]
            towards -= (towards * atoms).sum(dim=1, keepdim=True) * atoms
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(leaves.values(), clip)
        adam.param_groups[0]["lr"] = learning_rate(
            0.01, F, step=i, num_steps=steps, warm_up_steps=10
        )
        adam.step()
        with torch.no_grad():
            leaves["atoms"] /= leaves["atoms"].norm(dim=1, keepdim=True)
        state, report = method.step(state, rows(i))
        curve.append(report.loss)
        plain_curve.append(loss.item())
    assert saw_dead > 0
    # float64 throughout; PyTorch's clipping adds 1e-6 to the norm and ours does not.
    assert curve == pytest.approx(plain_curve, rel=1e-4 if clip else 1e-6)
    assert curve[-1] < 0.5 * curve[0]


@pytest.mark.parametrize("every", [None, 10])
def test_dead_atoms_are_revived(every):
    method = TopK(
        num_atoms=F, k=K, learning_rate=0.01, dead_after_steps=10, revive_every_steps=every
    )
    state = method.initial(0, rows(), num_steps=200)
    state.tensors["encoder_bias"][:30] = -100.0
    for i in range(60):
        state, report = method.step(state, rows(i))
    if every is None:
        assert report.num_dead >= 30
    else:
        assert report.num_dead < 5
        assert (state.tensors["encoder_bias"][:30] > -1).all()


def test_the_auxiliary_loss_alone_brings_dead_atoms_back():
    without, lost = dead_after_a_while(0.0), dead_after_a_while(1.0)
    assert without >= 20
    assert lost < without / 2


def dead_after_a_while(auxiliary_weight):
    method = TopK(
        num_atoms=F, k=K, learning_rate=0.02, dead_after_steps=10, revive_every_steps=None,
        auxiliary_weight=auxiliary_weight,
    )  # fmt: skip
    state = method.initial(0, rows(), num_steps=1000)
    state.tensors["encoder_bias"][:20] = -0.7
    state.tensors["encoder"][:20] *= 0.1
    for i in range(120):
        state, report = method.step(state, rows(i % 20))
    return report.num_dead


def test_nothing_is_revived_in_the_last_fifth():
    method = TopK(num_atoms=F, k=K, dead_after_steps=1, revive_every_steps=1)
    state = method.initial(0, rows(), num_steps=10)
    for i in range(8):
        state, _ = method.step(state, rows(i))
    state.tensors["encoder_bias"][:30] = -100.0
    for i in range(2):
        state, _ = method.step(state, rows(i))
    assert (state.tensors["encoder_bias"][:30] < -99).all()


def test_a_report_tells_what_the_step_saw():
    method = TopK(num_atoms=F, k=K)
    state = method.initial(0, rows(), num_steps=10)
    x = (rows() - state.tensors["centre"]) / state.tensors["scale"]
    code = method.finish(state).encode(rows())
    rebuilt = code.dense().double() @ state.tensors["atoms"]
    error, spread = (rebuilt - x).square().sum(), (x - x.mean(dim=0)).square().sum()
    _, report = method.step(state.copy(), rows())
    assert report.fvu == pytest.approx(float(error / spread), rel=1e-4)
    assert report.loss == pytest.approx(float(error / N), rel=1e-4)
    assert report.l0 == pytest.approx(float(code.l0().double().mean()))


def test_the_geometric_median_resists_what_the_mean_does_not():
    x = rows()
    x[0] = 1e4
    middle = {
        centre: TopK(num_atoms=F, k=K, centre=centre)
        .initial(0, x, num_steps=1)
        .tensors["centre"]
        for centre in ("mean", "geometric-median", "none")
    }
    assert (middle["geometric-median"] - rows().mean(dim=0)).norm() < 1
    assert (middle["mean"] - rows().mean(dim=0)).norm() > 100
    assert (middle["none"] == 0).all()


@pytest.mark.parametrize(
    "wrong",
    [
        {"learning_rate": 0.0},
        {"warm_up_steps": -1},
        {"clip": 0.0},
        {"auxiliary_weight": -0.1},
        {"num_auxiliary": 0},
        {"dead_after_steps": 0},
        {"revive_every_steps": 0},
        {"num_atoms": 0},
    ],
)
def test_settings_that_mean_nothing_are_refused(wrong):
    (name,) = wrong
    with pytest.raises(UserError, match=name):
        TopK(**{"num_atoms": F, "k": K, **wrong})
