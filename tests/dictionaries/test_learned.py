"""Every learned method against its loss written plainly with autograd and PyTorch's Adam."""

import pytest
import torch

from dictionaries.plain_losses import PLAIN, F, K
from tacit.dictionaries import METHODS
from tacit.dictionaries.dense import dense_pass
from tacit.dictionaries.descent import sparse_pass
from tacit.dictionaries.learned import BETAS, EPSILON, encoder_of, learning_rate
from tacit.dictionaries.learned_method import LearnedMethod
from tacit.dictionaries.parallel import sharing
from tacit.dictionaries.ranks import ALONE
from tacit.dictionaries.set_sparsity import SetSparsity

N, D = 96, 16


def rows(seed=0):
    generator = torch.Generator().manual_seed(seed)
    features = torch.nn.functional.normalize(
        torch.randn(30, D, generator=torch.Generator().manual_seed(99)).double()
    )
    active = torch.rand(N, 30, generator=generator) < 0.1
    return (torch.rand(N, 30, generator=generator).double() * active) @ features + 0.3


def leaves_of(tensors):
    names = [name.removesuffix("/first") for name in tensors if name.endswith("/first")]
    return {name: tensors[name].clone().requires_grad_() for name in names}


@pytest.fixture(params=sorted(PLAIN))
def pair(request):
    return PLAIN[request.param]


def test_every_learned_method_has_a_plain_loss():
    learned = {kind for kind, one in METHODS.items() if issubclass(one, LearnedMethod)}
    assert learned == {method.kind for method, _ in PLAIN.values()}


@pytest.mark.parametrize("see", [sparse_pass, dense_pass])
def test_gradients_equal_those_of_the_plain_loss(pair, see):
    method, plain = pair
    if see is dense_pass and isinstance(method, SetSparsity):
        pytest.skip("is never dense")
    state = method.initial(0, rows(), num_steps=1000)
    for i in range(12):
        state, _ = method.step(state, rows(i))
    tensors, x = state.tensors, rows(50)
    tensors |= {"centre": torch.zeros(D).double(), "scale": torch.ones(()).double()}
    rule, leaves = method.rule(state, N), leaves_of(tensors)
    loss = plain(method, leaves, x, rule)
    loss.backward()
    dead = torch.empty(0, dtype=torch.long)
    edges = {"edges": method.edges()} if isinstance(method, SetSparsity) else {}
    with sharing(worth_it=False) as over:
        found = see(tensors, x, rule, over, ALONE, dead=dead, **edges)
    torch.testing.assert_close(found.loss, loss.detach())
    gradients = found.with_offset(encoder_of(tensors), ALONE)
    assert set(gradients) == set(leaves)
    for name, leaf in leaves.items():
        assert leaf.grad.abs().sum() > 0, name
        torch.testing.assert_close(gradients[name], leaf.grad, msg=name)


def test_two_hundred_steps_equal_plain_training(pair):
    method, plain = pair
    settings = {"learning_rate": 0.01, "auxiliary_weight": 0.0, "revive_every_steps": None}
    settings |= {"clip": None}
    known = {name: value for name, value in settings.items() if hasattr(method, name)}
    method, steps = type(method)(**{**vars(method), **known}), 200
    state = method.initial(0, rows(), num_steps=steps)
    leaves = leaves_of(state.tensors)
    centre, scale = state.tensors["centre"].clone(), state.tensors["scale"].clone()
    adam = torch.optim.Adam(leaves.values(), lr=1.0, betas=BETAS, eps=EPSILON)
    curve, plain_curve = [], []
    for i in range(steps):
        loss = plain(method, leaves, (rows(i) - centre) / scale, method.rule(state, N))
        adam.zero_grad()
        loss.backward()
        with torch.no_grad():
            towards, atoms = leaves["atoms"].grad, leaves["atoms"]
            towards -= (towards * atoms).sum(dim=1, keepdim=True) * atoms
        adam.param_groups[0]["lr"] = learning_rate(
            0.01, F, step=i, num_steps=steps, warm_up_steps=10
        )
        adam.step()
        with torch.no_grad():
            leaves["atoms"] /= leaves["atoms"].norm(dim=1, keepdim=True)
        state, report = method.step(state, rows(i))
        curve.append(report.loss)
        plain_curve.append(loss.item())
    # The power's steep slope near 0 lets rounding grow.
    rel = 1e-3 if method.kind == "p-annealed" else 1e-6
    assert curve == pytest.approx(plain_curve, rel=rel)
    assert curve[-1] < curve[40]


def test_what_is_finished_codes_as_the_last_step_did(pair):
    method, _ = pair
    state = method.initial(0, rows(), num_steps=1000)
    for i in range(30):
        state, _ = method.step(state, rows(i))
    found = method.finish(state)
    after, report = method.step(state.copy(), rows(60))
    l0 = found.encode(rows(60)).l0().double().mean()
    if method.kind in ("batch-top-k", "matryoshka"):
        # The threshold stands for a choice over the block.
        assert float(l0) == pytest.approx(report.l0, rel=0.25)
    else:
        assert float(l0) == pytest.approx(report.l0, rel=1e-3)
        error = (found.rebuild(rows(60)) - rows(60)).double().square().sum()
        spread = (rows(60) - rows(60).mean(dim=0)).square().sum()
        assert float(error / spread) == pytest.approx(report.fvu, rel=1e-3)
    assert after.step == 31


def test_methods_of_one_seed_and_size_begin_alike_and_sizes_apart():
    """Directions that two sizes shared from the start would look like agreement."""
    starts = {
        (kind, size, seed): METHODS[kind](num_atoms=size, **settings)
        .initial(seed, rows(), num_steps=10)
        .tensors["atoms"]
        for kind, settings in (("top-k", {"k": K}), ("relu-l1", {"penalty": 0.1}))
        for size in (F, 2 * F)
        for seed in (0, 1)
    }
    one = starts["top-k", F, 0]
    torch.testing.assert_close(one, starts["relu-l1", F, 0])
    for other in (starts["top-k", 2 * F, 0], starts["top-k", F, 1]):
        assert (one @ other.T).max() < 0.99
