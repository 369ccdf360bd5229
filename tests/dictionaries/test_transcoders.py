"""Transcoders: every learned method from what is read to what is rebuilt, with and without skip."""

from dataclasses import replace

import pytest
import torch

from dictionaries.plain_losses import PLAIN
from tacit.base.errors import UserError
from tacit.dictionaries import (
    METHODS,
    Dictionary,
    TopK,
    fit,
    load_dictionary,
    save_dictionary,
)
from tacit.dictionaries.blocks import RowBlocks
from tacit.dictionaries.dense import dense_pass
from tacit.dictionaries.descent import sparse_pass
from tacit.dictionaries.dictionary import Target
from tacit.dictionaries.learned import encoder_of
from tacit.dictionaries.parallel import sharing
from tacit.dictionaries.ranks import ALONE
from tacit.dictionaries.selections import TopKPositive
from tacit.dictionaries.set_sparsity import SetSparsity
from tacit.dictionaries.site_pairs import Paired

N, READ, REBUILT = 96, 16, 10
UNTIED = sorted(name for name in PLAIN if "tied" not in name)


def rows(seed=0, count=N, noise=0.0):
    """Sparse features, read along some directions and written along others."""
    shared = torch.Generator().manual_seed(99)
    reads = torch.nn.functional.normalize(torch.randn(24, READ, generator=shared).double())
    writes = torch.nn.functional.normalize(
        torch.randn(24, REBUILT, generator=shared).double()
    )
    linear = torch.randn(READ, REBUILT, generator=shared).double() * noise
    generator = torch.Generator().manual_seed(seed)
    active = torch.rand(count, 24, generator=generator) < 0.08
    code = torch.rand(count, 24, generator=generator).double() * active
    x = code @ reads + 0.3
    return torch.cat([x, code @ writes + x @ linear - 0.2], dim=1)


@pytest.fixture(params=[f"{name} {skip}" for name in UNTIED for skip in ("plain", "skip")])
def pair(request):
    name, _, skip = request.param.rpartition(" ")
    method, plain = PLAIN[name]
    return replace(method, reads=READ, skip=skip == "skip"), plain


@pytest.mark.parametrize("see", [sparse_pass, dense_pass])
def test_gradients_equal_those_of_the_plain_loss(pair, see):
    method, plain = pair
    if see is dense_pass and isinstance(method, SetSparsity):
        pytest.skip("is never dense")
    state = method.initial(0, rows(), num_steps=1000)
    for i in range(12):
        state, _ = method.step(state, rows(i))
    tensors, x = state.tensors, rows(50)
    tensors |= {"centre": torch.zeros(REBUILT).double(), "scale": torch.ones(()).double()}
    tensors |= {"read_centre": torch.zeros(READ).double()}
    tensors |= {"read_scale": torch.ones(()).double()}
    names = [name.removesuffix("/first") for name in tensors if name.endswith("/first")]
    leaves = {name: tensors[name].clone().requires_grad_() for name in names}
    assert ("skip" in leaves) == method.skip
    loss = plain(method, leaves, x, method.rule(state, N))
    loss.backward()
    edges = {"edges": method.edges()} if isinstance(method, SetSparsity) else {}
    dead, rule = torch.empty(0, dtype=torch.long), method.rule(state, N)
    with sharing(worth_it=False) as over:
        found = see(tensors, x, rule, over, ALONE, dead=dead, **edges)
    torch.testing.assert_close(found.loss, loss.detach())
    gradients = found.with_offset(encoder_of(tensors), ALONE)
    assert set(gradients) == set(leaves)
    for name, leaf in leaves.items():
        assert leaf.grad.abs().sum() > 0, name
        torch.testing.assert_close(gradients[name], leaf.grad, msg=name)


def test_what_is_finished_rebuilds_as_the_last_step_did(pair, tmp_path):
    method, _ = pair
    state = method.initial(0, rows(), num_steps=1000)
    for i in range(30):
        state, _ = method.step(state, rows(i))
    found = method.finish(state)
    _, report = method.step(state.copy(), rows(60))
    x, y = rows(60)[:, :READ], rows(60)[:, READ:]
    assert (found.width, found.rebuilt_width) == (READ, REBUILT)
    error = (found.rebuild(x) - y).square().sum() / (y - y.mean(dim=0)).square().sum()
    chooses = method.kind in (
        "batch-top-k",
        "matryoshka",
    )  # over a block, then by threshold
    assert float(error) == pytest.approx(report.fvu, rel=0.25 if chooses else 1e-3)
    save_dictionary(found, tmp_path)
    assert torch.equal(load_dictionary(tmp_path).rebuild(x), found.rebuild(x))


def fitted(**settings) -> Dictionary:
    blocks = RowBlocks(rows={"both": rows(count=4096, noise=0.5)}, block_rows=512, seed=0)
    method = TopK(num_atoms=48, k=4, reads=READ, **settings)
    (one,) = fit([method], blocks, [0], steps=150)
    return one.dictionary


def unexplained(dictionary: Dictionary) -> float:
    test = rows(7, count=1024, noise=0.5)
    x, y = test[:, :READ], test[:, READ:]
    error = (dictionary.rebuild(x) - y).square().sum()
    return float(error / (y - y.mean(dim=0)).square().sum())


def test_a_skip_connection_takes_over_what_is_linear():
    plain, skip = unexplained(fitted()), unexplained(fitted(skip=True))
    assert skip < plain < 0.3
    assert skip < 0.1


def test_the_directions_that_are_read_and_written_are_found():
    data = rows(count=8192)
    blocks = RowBlocks(rows={"both": data}, block_rows=512, seed=0)
    shared = torch.Generator().manual_seed(99)
    reads = torch.nn.functional.normalize(torch.randn(24, READ, generator=shared).double())
    writes = torch.nn.functional.normalize(
        torch.randn(24, REBUILT, generator=shared).double()
    )
    method = TopK(num_atoms=24, k=3, reads=READ)
    (one,) = fit([method], blocks, [0], steps=600)
    found = (writes @ one.dictionary.atoms.double().T).max(dim=1)
    random = torch.nn.functional.normalize(torch.randn(24, REBUILT).double())
    floor = (writes @ random.T).max(dim=1).values.mean()
    assert found.values.mean() > floor + 0.2
    # Each feature's atom reads the feature's own direction more than any other feature's.
    reading = one.dictionary.encoder.double()[found.indices] @ reads.T
    assert (reading.argmax(dim=1) == torch.arange(24)).double().mean() > 0.8


def test_dead_atoms_come_back_reading_rows_and_writing_what_is_missing():
    method = TopK(num_atoms=48, k=4, reads=READ, revive_every_steps=5, dead_after_steps=1)
    state = method.initial(0, rows(), num_steps=100)
    for i in range(4):
        state, _ = method.step(state, rows(i))
    state.tensors["encoder_bias"][:20] = -50.0
    state.tensors["silent_steps"][:20] = 9
    before = state.tensors["encoder"][:20].clone()
    state, _ = method.step(state, rows(4))
    encoder = state.tensors["encoder"][:20]
    assert not torch.isclose(encoder, before).all(dim=1).any()
    torch.testing.assert_close(state.tensors["atoms"].norm(dim=1), torch.ones(48).double())
    centred = rows(4)[:, :READ] - state.tensors["read_centre"]
    cosines = (
        torch.nn.functional.normalize(encoder) @ torch.nn.functional.normalize(centred).T
    )
    torch.testing.assert_close(cosines.max(dim=1).values, torch.ones(20).double())


def test_aligned_sites_are_read_as_pairs():
    data = rows(count=64)
    blocks = RowBlocks(
        rows={"in": data[:, :READ], "out": data[:, READ:]}, block_rows=16, seed=0
    )
    pairs = Paired(blocks, reads="in", rebuilds="out")
    assert (pairs.sites, pairs.width("in>out")) == (("in>out",), READ + REBUILT)
    both = blocks.block(3)
    joined = torch.cat([both["in"], both["out"]], dim=1)
    assert torch.equal(pairs.block(3)["in>out"], joined)
    (one,) = fit([TopK(num_atoms=32, k=3, reads=READ)], pairs, [0], steps=3)
    assert (one.dictionary.contract.site, one.dictionary.contract.target) == ("in", "out")
    with pytest.raises(UserError, match="'elsewhere'"):
        Paired(blocks, reads="in", rebuilds="elsewhere")


def test_what_cannot_be_is_told():
    with pytest.raises(UserError, match="skip is True"):
        TopK(num_atoms=8, k=2, skip=True)
    with pytest.raises(UserError, match="tied"):
        METHODS["relu-l1"](num_atoms=8, penalty=0.1, tied=True, reads=4)
    with pytest.raises(UserError, match="below a row's 8 columns"):
        TopK(num_atoms=8, k=2, reads=8).initial(0, torch.randn(4, 8), num_steps=5)
    atoms, encoder = torch.eye(3), torch.randn(3, 4)
    facts = {"selection": TopKPositive(k=1), "method": "x", "seed": 0, "scale": 1.0}
    facts |= {"encoder_bias": torch.zeros(3), "centre": torch.zeros(4)}
    with pytest.raises(UserError, match="needs a target"):
        Dictionary(atoms=atoms, encoder=encoder, **facts)
    target = Target(centre=torch.zeros(3), scale=2.0, skip=torch.zeros(3, 4))
    one = Dictionary(atoms=atoms, encoder=encoder, target=target, **facts)
    with pytest.raises(UserError, match="give decode the rows"):
        one.decode(one.encode(torch.randn(2, 4)))
    with pytest.raises(UserError, match="must be positive and finite"):
        Dictionary(atoms=atoms, encoder=encoder, target=replace(target, scale=0.0), **facts)
