"""Defects seen in other libraries, each of which must be impossible here."""

from dataclasses import MISSING, fields

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.base.errors import UserError
from tacit.dictionaries import METHODS, RowBlocks, TopK, fit, load_dictionary
from tacit.dictionaries.learned_method import LearnedMethod
from tacit.dictionaries.set_sparsity import SetSparsity
from tacit.metrics.fidelity import VarianceUnexplained, fraction_variance_unexplained

WIDTH = 12
LEARNED = sorted(n for n, kind in METHODS.items() if issubclass(kind, LearnedMethod))
BY_K = sorted(n for n, kind in METHODS.items() if issubclass(kind, SetSparsity))


def rows(count=256, scale=1.0):
    generator = torch.Generator().manual_seed(4)
    features = torch.nn.functional.normalize(torch.randn(30, WIDTH, generator=generator))
    strengths = torch.rand(count, 30, generator=generator)
    active = torch.rand(count, 30, generator=generator) < 0.15
    return scale * (strengths * active @ features + 2.0)


def required(kind, **own):
    """The method with nothing but what must be given."""
    values = {"num_atoms": 48, "k": 4, "penalty": 0.02, **own}
    asked = [each.name for each in fields(METHODS[kind]) if each.default is MISSING]
    return METHODS[kind](**{name: values[name] for name in asked}, **own)


def fitted(method, *, given=None, seed=0, steps=30, folder=None):
    blocks = RowBlocks(
        rows={"here": rows() if given is None else given}, block_rows=64, seed=0
    )
    (found,) = fit([method], blocks, [seed], steps=steps, folder=folder)
    return found


@pytest.mark.parametrize("kind", BY_K)
def test_the_auxiliary_loss_reaches_the_encoder_of_atoms_that_never_fire(kind):
    method = required(kind, dead_after_steps=1, revive_every_steps=None)
    state = method.initial(0, rows(), num_steps=100)
    dead = torch.tensor([2, 7])
    state.tensors["encoder_bias"][dead] = -100.0
    state.tensors["silent_steps"][dead] = 5
    before = state.tensors["encoder"][dead].clone()
    state, report = method.step(state, rows())
    assert report.num_dead == 2
    assert ((state.tensors["encoder"][dead] - before).norm(dim=1) > 0).all()


@pytest.mark.parametrize("kind", LEARNED)
def test_atoms_that_are_truly_dead_come_back(kind):
    method = required(kind, dead_after_steps=1, revive_every_steps=2)
    state = method.initial(0, rows(), num_steps=100)
    state.tensors["encoder_bias"][:5] = -100.0
    for _ in range(4):
        state, _ = method.step(state, rows())
    assert (state.tensors["encoder_bias"][:5] > -10).all()
    assert (state.tensors["silent_steps"][:5] < 4).all()


@pytest.mark.parametrize("kind", LEARNED)
def test_the_factor_of_the_input_is_saved_with_the_weights(kind, tmp_path):
    large = rows(scale=1000.0)
    made = fitted(required(kind), given=large, folder=tmp_path).dictionary
    again = load_dictionary(tmp_path / kind / "seed-0")
    assert made.scale > 100
    assert torch.equal(again.rebuild(large), made.rebuild(large))


@pytest.mark.parametrize("kind", sorted(METHODS))
def test_defaults_alone_run(kind):
    found = fitted(required(kind))
    assert torch.isfinite(found.dictionary.atoms).all()


@pytest.mark.parametrize("kind", LEARNED)
def test_the_seed_is_read(kind):
    one, other = (fitted(required(kind), seed=seed, steps=3) for seed in (0, 1))
    assert not torch.equal(one.dictionary.atoms, other.dictionary.atoms)


def test_blocks_are_shuffled_and_the_order_follows_the_seed():
    numbered = torch.arange(256.0)[:, None].expand(-1, WIDTH).contiguous()

    def first(seed):
        blocks = RowBlocks(rows={"here": numbered}, block_rows=64, seed=seed)
        return blocks.block(0)["here"][:, 0]

    assert not torch.equal(first(0), first(0).sort().values)
    assert first(0).max() > 200
    assert not torch.equal(first(0), first(1))
    assert torch.equal(first(0), first(0))


def test_a_fit_that_cannot_go_on_says_so_and_does_not_start_over(tmp_path):
    method = required("top-k")
    fitted(method, folder=tmp_path)
    checkpoint = (tmp_path / "checkpoint.safetensors").read_bytes()
    with pytest.raises(UserError, match="another configuration"):
        fitted(required("top-k", learning_rate=0.5), folder=tmp_path)
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == checkpoint


@settings(max_examples=30)
@given(size=st.integers(1, 300))
def test_the_variance_explained_does_not_depend_on_the_batch(size):
    original, rebuilt = rows(), rows() * 0.9
    sample = VarianceUnexplained()
    for first in range(0, len(original), size):
        sample.add(original[first : first + size], rebuilt[first : first + size])
    whole = fraction_variance_unexplained(original, rebuilt)
    assert float(sample.value()) == pytest.approx(float(whole), rel=1e-9)


def test_a_penalty_at_which_everything_dies_says_since_when():
    found = fitted(METHODS["relu-l1"](num_atoms=48, penalty=50.0, sparsity_warm_up=0.5))
    since = found.dictionary.outcome["silent_since_step"]
    assert 0 < since < 30
    assert (found.curve.l0[since:] == 0).all()
    assert found.curve.l0[since - 1] > 0
    assert "silent_since_step" not in fitted(TopK(num_atoms=48, k=4)).dictionary.outcome
