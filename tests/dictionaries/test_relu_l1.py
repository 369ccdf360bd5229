"""ReLU training: the sparse and the dense path against autograd, and what the penalty means."""

import pytest
import torch

from tacit.base.errors import UserError
from tacit.dictionaries import ReluL1
from tacit.dictionaries.dense import dense_pass
from tacit.dictionaries.descent import sparse_pass
from tacit.dictionaries.learned import encoder_of
from tacit.dictionaries.parallel import sharing
from tacit.dictionaries.ranks import ALONE
from tacit.dictionaries.relu_l1 import Positive

N, D, F = 80, 12, 48


def rows(seed=0):
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(20, D, generator=torch.Generator().manual_seed(99)).double()
    active = torch.rand(N, 20, generator=generator) < 0.15
    return (torch.rand(N, 20, generator=generator).double() * active) @ features - 0.2


def settled(method):
    state = method.initial(0, rows(), num_steps=1000)
    for i in range(5):
        state, _ = method.step(state, rows(i))
    return state


def seen(see, tensors, x, penalty):
    none = torch.empty(0, dtype=torch.long)
    with sharing(worth_it=False) as over:
        rule = Positive(penalty=penalty, num_rows=len(x))
        return see(tensors, x, rule, over, ALONE, dead=none)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("see", [sparse_pass, dense_pass])
def test_gradients_equal_those_of_the_summed_loss(tied, see):
    # Squared error summed over dimensions, L1 over atoms, both mean over rows.
    method, penalty = ReluL1(num_atoms=F, penalty=0.1, tied=tied), 0.07
    tensors = settled(method).tensors
    names = [
        name for name in ("atoms", "encoder", "encoder_bias", "offset") if name in tensors
    ]
    leaves = {name: tensors[name].clone().requires_grad_() for name in names}
    x, encoder = rows(9), leaves.get("encoder", leaves["atoms"])
    code = ((x - leaves["offset"]) @ encoder.T + leaves["encoder_bias"]).relu()
    error = (code @ leaves["atoms"] + leaves["offset"] - x).square().sum()
    ((error + penalty * code.sum()) / N).backward()

    plain = {**tensors, "centre": torch.zeros(D).double(), "scale": torch.ones(()).double()}
    found = seen(see, plain, x, penalty)
    torch.testing.assert_close(found.squared_error, error.detach())
    torch.testing.assert_close(found.costs[0], code.sum().detach())
    assert torch.equal(found.firings, (code > 0).sum(dim=0))
    gradients = found.with_offset(encoder_of(tensors), ALONE)
    assert set(gradients) == set(names)
    for name in names:
        torch.testing.assert_close(gradients[name], leaves[name].grad, msg=name)


@pytest.mark.parametrize("tied", [False, True])
def test_both_paths_train_alike(tied, monkeypatch):
    method = ReluL1(num_atoms=F, penalty=0.1, tied=tied, learning_rate=0.01)
    ends = []
    for sparse_below in (0.0, 1.1):
        monkeypatch.setattr("tacit.dictionaries.learned_method.SPARSE_BELOW", sparse_below)
        state = method.initial(0, rows(), num_steps=60)
        for i in range(60):
            state, report = method.step(state, rows(i))
        ends.append((state.tensors["atoms"], report))
    torch.testing.assert_close(ends[0][0], ends[1][0], atol=1e-8, rtol=1e-6)
    assert ends[0][1].loss == pytest.approx(ends[1][1].loss)
    assert ends[0][1].l0 == ends[1][1].l0


def test_a_tied_encoder_is_its_atoms():
    dictionary = ReluL1(num_atoms=F, penalty=0.1, tied=True).finish(
        settled(ReluL1(num_atoms=F, penalty=0.1, tied=True))
    )
    assert torch.equal(dictionary.encoder, dictionary.atoms)


def test_a_higher_penalty_gives_a_sparser_code():
    l0 = []
    for penalty in (0.01, 0.1, 0.4):
        method = ReluL1(num_atoms=F, penalty=penalty, learning_rate=0.01)
        state = method.initial(0, rows(), num_steps=150)
        for i in range(150):
            state, report = method.step(state, rows(i))
        l0.append(report.l0)
    assert l0[0] > l0[1] > l0[2]


def test_without_scaling_the_penalty_is_in_units_of_the_rows():
    # Scaling rows by s and the penalty by s gives the same atoms and the code times s.
    ends = []
    for factor in (1.0, 4.0):
        method = ReluL1(
            num_atoms=F, penalty=0.1 * factor, scaled=False, centre="none", clip=None
        )
        state = method.initial(0, rows() * factor, num_steps=10)
        assert float(state.tensors["scale"]) == 1.0
        found = seen(sparse_pass, state.tensors, rows(1) * factor, method.penalty)
        ends.append(found.leaves["atoms"] / factor**2)
    torch.testing.assert_close(ends[0], ends[1])


def test_the_penalty_rises_over_its_share_of_the_steps():
    method = ReluL1(num_atoms=F, penalty=1.0, sparsity_warm_up=0.5)
    plain = ReluL1(num_atoms=F, penalty=0.0)
    state = method.initial(0, rows(), num_steps=20)
    bare = plain.step(state.copy(), rows())[1].loss
    first = method.step(state.copy(), rows())[1].loss
    full = ReluL1(num_atoms=F, penalty=1.0, sparsity_warm_up=0.0).step(
        state.copy(), rows()
    )[1]
    assert first - bare == pytest.approx((full.loss - bare) / 10)


@pytest.mark.parametrize(
    "wrong",
    [{"penalty": -1.0}, {"sparsity_warm_up": 1.5}, {"num_atoms": 0}, {"clip": -1.0}],
)
def test_settings_that_mean_nothing_are_refused(wrong):
    (name,) = wrong
    with pytest.raises(UserError, match=name):
        ReluL1(**{"num_atoms": F, "penalty": 0.1, **wrong})


def test_an_even_start_is_that_of_torchs_linear_layer_and_leaves_the_atoms_alone():
    rows = torch.randn(64, 400, generator=torch.Generator().manual_seed(0))
    even, plain = (
        ReluL1(num_atoms=50, penalty=0.1, encoder_start=start).initial(3, rows, num_steps=9)
        for start in ("uniform", "atoms")
    )
    assert torch.equal(even.tensors["atoms"], plain.tensors["atoms"])
    assert torch.equal(plain.tensors["encoder"], plain.tensors["atoms"])
    for leaf in (even.tensors["encoder"], even.tensors["encoder_bias"]):
        assert 0.045 < leaf.abs().max() <= 0.05
        assert abs(leaf.mean()) < 0.02
    assert even.tensors["encoder"].std() == pytest.approx(0.05 / 3**0.5, rel=0.02)
    with pytest.raises(UserError, match="atoms where tied"):
        ReluL1(num_atoms=50, penalty=0.1, tied=True, encoder_start="uniform")
