"""Reading and editing modules of any kind."""

import copy

import pytest
import torch
from torch import nn

from tacit.base.errors import UserError
from tacit.models import load_subject


class Reused(nn.Module):
    """Runs one of its parts twice, never runs another, and gives back tuples."""

    def __init__(self):
        super().__init__()
        self.twice = nn.Linear(4, 4)
        self.never = nn.Linear(4, 4)
        self.paired = Pair()

    def forward(self, x):
        return self.paired(self.twice(self.twice(x)))[0]


class Pair(nn.Module):
    def forward(self, x):
        return (2 * x, "kept")


class Words(nn.Module):
    def forward(self, x):
        return "words"


@pytest.fixture
def overwritten():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(inplace=True), nn.Linear(6, 2))


def hooks_left(model):
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


def test_a_value_overwritten_in_place_later_is_read_as_it_was(overwritten):
    x = torch.randn(5, 4)
    with torch.no_grad():
        expected = nn.functional.linear(x, overwritten[0].weight, overwritten[0].bias)
    assert (expected < 0).any()
    for gradients in (False, True):
        flow = load_subject(overwritten).run(x, sites=("0", "1"), gradients=gradients)
        assert torch.equal(flow.activations["0"].detach(), expected)
        assert torch.equal(flow.activations["1"].detach(), expected.relu())


def test_a_bare_module_gives_its_own_output_as_logits(overwritten):
    x = torch.randn(5, 4)
    flow = load_subject(overwritten).run(x, logits=True)
    assert (
        torch.equal(flow.logits, overwritten(x)) and flow.mask is None and flow.ids is None
    )


def test_gradients_by_a_site_equal_those_by_hand(overwritten):
    x = torch.randn(5, 4)
    flow = load_subject(overwritten).run(x, sites=("1",), logits=True, gradients=True)
    (found,) = torch.autograd.grad(flow.logits[:, 0].sum(), flow.activations["1"])
    assert torch.equal(found, overwritten[2].weight[0].detach().expand(5, 6))


def test_gradients_at_every_site_match_finite_differences(subjects):
    subject = load_subject(copy.deepcopy(subjects["gpt_neox"].model).double())
    ids = torch.arange(1, 6)[None]
    flow = subject.run(ids, sites=subject.sites(), logits=True, gradients=True)
    gradients = torch.autograd.grad(flow.logits[0, -1, 7], list(flow.activations.values()))
    torch.manual_seed(1)
    for site, gradient in zip(subject.sites(), gradients, strict=True):
        way = torch.randn_like(gradient)
        up, down = (
            subject.run(
                ids, edits={site: lambda v, s=s, w=way: v + s * w}, logits=True
            ).logits
            for s in (1e-5, -1e-5)
        )
        slope = (up - down)[0, -1, 7] / 2e-5
        # Central differences at 1e-5 in double precision: about 1e-9 relative.
        torch.testing.assert_close((gradient * way).sum(), slope, rtol=1e-6, atol=1e-8)


def test_without_gradients_nothing_is_kept(subjects):
    flow = subjects["gpt2"].run(["x = 0"], sites=("resid.0",), logits=True)
    assert not flow.activations["resid.0"].requires_grad and not flow.logits.requires_grad


def test_only_the_first_of_a_tuple_is_replaced():
    subject = load_subject(Reused())
    flow = subject.run(
        torch.ones(1, 4), sites=("paired",), edits={"paired": lambda v: 0 * v}, logits=True
    )
    assert (
        flow.activations["paired"].count_nonzero() == 0 and flow.logits.count_nonzero() == 0
    )


def test_a_module_that_runs_twice_is_refused_as_ambiguous():
    model = Reused()
    with pytest.raises(UserError, match="'twice' runs more than once"):
        load_subject(model).run(torch.ones(1, 4), sites=("twice",))
    assert hooks_left(model) == 0


def test_a_module_that_never_runs_is_named():
    with pytest.raises(UserError, match="'never' of Reused does not run"):
        load_subject(Reused()).run(torch.ones(1, 4), sites=("never",))


def test_a_site_without_a_tensor_is_named():
    with pytest.raises(UserError, match="'0' holds a str, not a tensor"):
        load_subject(nn.Sequential(Words())).run(torch.ones(1, 4), sites=("0",))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda v: v[..., :1], r"shape \(1, 5, 1\).*holds shape \(1, 5, 32\)"),
        (lambda v: v.double(), "float64.*float32"),
        (lambda v: None, "gave a NoneType"),
    ],
)
def test_an_edit_of_another_shape_or_type_is_refused(subjects, edit, message):
    subject = subjects["llama"]
    with pytest.raises(UserError, match=message):
        subject.run(torch.ones(1, 5, dtype=torch.long), edits={"resid.1": edit})
    assert hooks_left(subject.model) == 0


def test_hooks_are_gone_after_an_edit_that_raises(subjects):
    def broken(value):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        subjects["gpt2"].run(["x = 0"], sites=("embed",), edits={"resid.0": broken})
    assert hooks_left(subjects["gpt2"].model) == 0


def test_edits_apply_in_order_at_one_place_and_the_read_sees_the_last(subjects):
    subject = subjects["gpt_neox"]
    edits = {"resid.0": torch.zeros_like, "gpt_neox.layers.0": lambda v: v + 1}
    flow = subject.run(["x = 0"], sites=("resid.0",), edits=edits)
    assert (flow.activations["resid.0"] == 1).all()


def test_the_pass_stops_after_the_deepest_site(subjects):
    subject, ran = subjects["gpt2"], []
    handles = [
        block.register_forward_hook(lambda *_, n=n: ran.append(n))
        for n, block in enumerate(subject.model.transformer.h)
    ]
    try:
        subject.run(["x = 0"], sites=("resid.0", "mlp.1"))
        assert ran == [0]  # mlp.1 was the last: block 1 has not come to its end
        ran.clear()
        subject.run(["x = 0"], sites=("resid.0",), edits={"resid.1": torch.clone})
        assert ran == [0, 1]
        ran.clear()
        subject.run(["x = 0"], sites=("resid.0",), logits=True)
        assert ran == [0, 1]
    finally:
        for handle in handles:
            handle.remove()
