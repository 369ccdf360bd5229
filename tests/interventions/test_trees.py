"""Causal trees where the causes are known: a linear chain, and a transformer run by hand."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from tacit.activations.windows import Windows
from tacit.base.errors import UserError
from tacit.dictionaries import InputContract
from tacit.dictionaries.dictionary import Target as Rebuilt
from tacit.dictionaries.selections import Largest, Relu, TopKPositive
from tacit.interventions.ablations import Target, ablations_of, contexts_of
from tacit.interventions.cases import NeverActive
from tacit.interventions.causes import SHORTLIST
from tacit.interventions.edits import ablate_feature
from tacit.interventions.features import activations_of, scale_features
from tacit.interventions.trees import causal_tree
from tacit.models import load_subject
from tacit.models.circuits import induction_circuit

from .conftest import dictionary_of, directions

WIDTH, LENGTH = 8, 6
WEIGHTS = torch.zeros(WIDTH, WIDTH)
WEIGHTS[0, :4] = torch.tensor([3.0, 2.0, 0.5, 0.001])
WEIGHTS[1, :3] = torch.tensor([0.0, 2.0, -0.1])
WEIGHTS[2, 5] = 1.0


class Chain(nn.Module):
    """Two maps in a row; before each, every position adds up those up to it."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(20, WIDTH)
        self.first = nn.Linear(WIDTH, WIDTH, bias=False)
        self.second = nn.Linear(WIDTH, WIDTH, bias=False)
        # Above .2, so that every coordinate of every site is positive or always 0.
        rows = 0.2 + torch.rand(20, WIDTH, generator=torch.Generator().manual_seed(0))
        self.embedding.weight.data = rows
        self.first.weight.data = WEIGHTS.clone()
        self.second.weight.data = WEIGHTS.clone()

    def forward(self, ids):
        return self.second(self.first(self.embedding(ids).cumsum(1)).cumsum(1))


def coordinates(**changes):
    """A dictionary whose features are the coordinates; none is negative, so all is linear."""
    parts = {"contract": InputContract(), "selection": Relu()} | changes
    return dictionary_of(torch.eye(WIDTH), **parts)


CHAIN = ("embedding", "first", "second")


@pytest.fixture(scope="module")
def chain():
    return load_subject(Chain())


@pytest.fixture(scope="module")
def read():
    ids = np.random.default_rng(0).integers(0, 20, (30, LENGTH))
    owner = np.repeat(np.arange(30) // 2, LENGTH).reshape(30, LENGTH)
    return Windows(
        ids=ids, usable=np.ones(ids.shape, dtype=bool), document=owner, num_left_out=0
    )


@pytest.fixture(scope="module")
def tree(chain, read):
    parts = {site: coordinates() for site in CHAIN}
    return causal_tree(chain, read, parts, "second", 0, contexts=12, children=2, depth=2)


def test_causes_of_a_linear_map_are_its_weights_times_what_they_act_on(chain, read, tree):
    root = tree.root
    first = chain.run(torch.from_numpy(read.ids), sites=("first",)).activations["first"]
    summed = first.cumsum(1)[root.contexts.window, root.contexts.position]
    parts = WEIGHTS[0] * summed
    assert [cause.feature for cause in root.causes.kept] == [0, 1]
    for cause in root.causes.kept:
        drop = parts[:, cause.feature].sum()
        assert cause.drop.mean.value == pytest.approx(float(drop) / 12, rel=1e-4)
        assert cause.drop.share.value == pytest.approx(float(drop / parts.sum()), rel=1e-4)


def test_where_all_is_linear_drops_add_up_and_attribution_is_exact(tree):
    for node in tree.nodes[:2]:
        causes = node.causes
        assert causes.joint.share.value == pytest.approx(causes.sum_of_shares, rel=1e-4)
        assert causes.rank_correlation == pytest.approx(1)
        for cause in causes.kept:
            assert cause.attributed == pytest.approx(cause.drop.share.value, rel=1e-4)


def test_all_that_is_left_out_is_counted(tree):
    """Of feature 0's four weights one is below a hundredth; four features reach it not at all."""
    causes = tree.root.causes
    counts = (causes.num_candidates, causes.num_not_ablated, causes.num_raising)
    assert counts == (3, 0, 0)  # the other five coordinates of `first` are always 0
    assert len(causes.kept) + causes.num_below + causes.num_beyond == 3
    below = tree.node("first", 0).causes
    assert below.num_candidates == WIDTH
    assert (len(below.kept), below.num_beyond, below.num_below) == (2, 1, 5)
    raised = tree.node("first", 1).causes
    assert (raised.num_raising, len(raised.kept)) == (1, 1)


def test_the_control_ablates_as_many_others_and_here_hardly_matters(tree):
    """Other coordinates have small weights or none."""
    for node in tree.nodes[:3]:
        causes = node.causes
        assert 0 < causes.num_control <= causes.num_joint
        assert abs(causes.control.share.value) < causes.joint.share.value / 2


def test_intervals_are_over_documents_and_hold_their_value(tree):
    cause = tree.root.causes.kept[0]
    documents = len(set(tree.root.contexts.document))
    assert 1 < documents < 12
    assert cause.drop.share.n == cause.drop.mean.n == documents
    low, high = cause.drop.share.ends
    assert low < cause.drop.share.value < high


def test_the_tree_goes_down_site_by_site_and_has_every_feature_once(chain, read, tree):
    assert tree.sites == CHAIN
    names = [node.name for node in tree.nodes]
    assert len(set(names)) == len(names)
    assert [node.site for node in tree.nodes] == sorted(
        (node.site for node in tree.nodes), key=lambda site: -CHAIN.index(site)
    )
    assert {node.causes is None for node in tree.nodes if node.site == "embedding"} == {
        True
    }
    edges = list(tree.edges())
    rows = tree.rows()
    assert len(rows) == 1 + len(edges)
    assert (rows[0]["parent"], rows[0]["share"]) == (None, None)
    assert {(row["parent"], row["node"]) for row in rows[1:]} == {
        (parent.name, node.name) for parent, _, node in edges
    }
    # Both features of `first` rest on coordinate 1 of the embedding.
    assert sum(row["node"] == "embedding/1" for row in rows) == 2
    short = causal_tree(
        chain, read, {s: coordinates() for s in CHAIN}, "second", 0, depth=1
    )
    assert short.sites == ("first", "second")


def test_contexts_are_drawn_from_half_the_largest_activation_up(read):
    values = np.random.default_rng(1).random(read.ids.shape).astype(np.float32)
    found = contexts_of(read, values, 0, 10, np.random.default_rng(2))
    assert found.largest == values.max()
    assert found.num_eligible == (values >= values.max() / 2).sum() > 10
    assert len(found.window) == 10
    assert (values[found.window, found.position] >= values.max() / 2).all()
    assert len(set(zip(found.window, found.position, strict=True))) == 10
    assert (np.diff(found.position) >= 0).all()
    again = contexts_of(read, values, 0, 10, np.random.default_rng(2))
    assert (again.window == found.window).all()
    whole = contexts_of(read, values, 0, 1_000, np.random.default_rng(2))
    assert len(whole.window) == whole.num_eligible


@pytest.fixture(scope="module")
def windows(tiny_subject):
    rng = np.random.default_rng(3)
    ids = rng.integers(3, 400, (12, 9))
    ids[3, 6:] = -1
    usable = ids >= 0
    usable[:, 0] = False
    return Windows(
        ids=ids,
        usable=usable,
        document=np.arange(12)[:, None].repeat(9, 1),
        num_left_out=0,
    )


@pytest.fixture(scope="module", params=["top-k", "relu"])
def pair(request):
    """Dictionaries of both sites of the tiny transformer."""
    selection = {"top-k": TopKPositive(k=5), "relu": Relu()}
    return {
        f"resid.{layer}": dictionary_of(
            directions(40, 16).roll(layer, dims=1),
            selection[request.param],
            contract=InputContract(site=f"resid.{layer}"),
            scale=1.7,
            centre=torch.linspace(-0.2, 0.2, 16),
        )
        for layer in (1, 0)
    }


def ablated_by_hand(subject, windows, pair, window, position, feature, edit):
    """The drop in one context, alone, by an edit of the whole window."""
    ids = torch.from_numpy(windows.ids[window])[None]
    found = []
    for edits in ({}, {"resid.0": edit}):
        flow = subject.run(ids, sites=("resid.1",), edits=edits)
        row = flow.activations["resid.1"][0, position][None]
        found.append(float(activations_of(pair["resid.1"], row, [feature])))
    return found[0] - found[1]


@torch.no_grad()
def busiest(subject, windows, dictionary):
    where = torch.from_numpy(windows.usable)
    value = subject.run(torch.from_numpy(windows.ids), sites=("resid.1",))
    dense = dictionary.encode(value.activations["resid.1"][where]).dense()
    return int((dense > 0).sum(0).argmax())


def test_every_drop_is_that_of_a_context_run_alone(tiny_subject, windows, pair):
    below, above = pair["resid.0"], pair["resid.1"]
    feature = busiest(tiny_subject, windows, above)
    where = torch.from_numpy(windows.usable)
    value = tiny_subject.run(torch.from_numpy(windows.ids), sites=("resid.1",))
    values = np.zeros(windows.ids.shape, dtype=np.float32)
    rows = value.activations["resid.1"][where]
    values[windows.usable] = activations_of(above, rows, [feature])[:, 0].numpy()
    at = contexts_of(windows, values, feature, 4, np.random.default_rng(0))
    target = Target(site="resid.1", dictionary=above, feature=feature)
    runs = ablations_of(tiny_subject, windows, at, target, "resid.0", below)
    alone = runs.alone(torch.ones(40, dtype=torch.bool))
    rng = np.random.default_rng(1)
    chosen = torch.from_numpy(rng.random(alone.shape) < 0.2)
    together = runs.together(chosen)
    assert (alone != 0).sum() > 20
    for context, (window, position) in enumerate(zip(at.window, at.position, strict=True)):
        own = torch.from_numpy(windows.usable[window])[None]
        spot = (tiny_subject, windows, pair, window, position, feature)
        for number in range(40):
            drop = ablated_by_hand(*spot, ablate_feature(below, number, own))
            assert float(alone[context, number]) == pytest.approx(drop, abs=2e-5)
        edit = scale_features(below, chosen[context].nonzero()[:, 0].tolist(), 0.0, own)
        drop = ablated_by_hand(*spot, edit)
        assert float(together[context]) == pytest.approx(drop, abs=2e-5)


def test_attribution_is_the_slope_of_a_small_ablation(tiny_subject, windows, pair):
    tree = causal_tree(tiny_subject, windows, pair, "resid.1", 3, contexts=1, children=40)
    at, below = tree.root.contexts, pair["resid.0"]
    own = torch.from_numpy(windows.usable[at.window[0]])[None]
    checked = 0
    for cause in tree.root.causes.kept:
        edit = scale_features(below, [cause.feature], 1 - 1e-2, own)
        drop = ablated_by_hand(
            tiny_subject, windows, pair, at.window[0], at.position[0], 3, edit
        )
        whole = cause.drop.mean.value / cause.drop.share.value
        assert cause.attributed == pytest.approx(100 * drop / whole, abs=0.02)
        checked += 1
    assert checked > 2


def test_by_attribution_only_a_shortlist_is_ablated(tiny_subject, windows, pair):
    whole = causal_tree(tiny_subject, windows, pair, "resid.1", 3, children=2)
    quick = causal_tree(
        tiny_subject, windows, pair, "resid.1", 3, children=2, by="attribution"
    )
    causes = quick.root.causes
    assert causes.num_candidates == whole.root.causes.num_candidates
    assert causes.num_not_ablated == max(0, causes.num_candidates - 2 * SHORTLIST) > 0
    drops = {cause.feature: cause.drop for cause in whole.root.causes.kept}
    shared = [cause for cause in causes.kept if cause.feature in drops]
    assert shared
    for cause in shared:
        own = drops[cause.feature].share.value
        assert cause.drop.share.value == pytest.approx(own, abs=1e-5)


def test_a_tree_is_the_same_twice_and_another_seed_draws_other_contexts(
    tiny_subject, windows, pair
):
    def grown(seed):
        return causal_tree(tiny_subject, windows, pair, "resid.1", 3, contexts=2, seed=seed)

    assert grown(0).rows() == grown(0).rows()
    drawn = [tuple(grown(seed).root.contexts.window) for seed in range(6)]
    assert len(set(drawn)) > 1


def test_where_no_cause_is_large_enough_the_tree_ends(chain, read):
    parts = {site: coordinates() for site in CHAIN}
    tree = causal_tree(chain, read, parts, "second", 0, smallest=2.0)
    assert len(tree.nodes) == 1
    causes = tree.root.causes
    assert (causes.kept, causes.joint, causes.control) == ((), None, None)
    assert causes.num_below == causes.num_candidates


def test_a_feature_that_is_never_active_is_refused(chain, read):
    parts = {site: coordinates() for site in CHAIN}
    with pytest.raises(NeverActive, match="feature 7 is active at none of the 180"):
        causal_tree(chain, read, parts, "second", 7)


SETTINGS = {"contexts": 0, "children": 0, "depth": 0, "smallest": 0.0}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_tree_that_cannot_grow_is_refused(chain, read, name):
    parts = {site: coordinates() for site in CHAIN}
    with pytest.raises(UserError, match="was asked for"):
        causal_tree(chain, read, parts, "second", 0, **{name: SETTINGS[name]})


def test_dictionaries_that_cannot_be_traced_are_refused(chain, read):
    both = {"first": coordinates(), "second": coordinates()}
    with pytest.raises(UserError, match="no dictionary of a site before second"):
        causal_tree(chain, read, {"second": coordinates()}, "second", 0)
    with pytest.raises(UserError, match="no dictionary of a site before first"):
        causal_tree(chain, read, both, "first", 0)
    with pytest.raises(UserError, match="give one of embedding too"):
        causal_tree(chain, read, both, "embedding", 0)
    with pytest.raises(UserError, match="not the subject"):
        other = coordinates(contract=InputContract(subject_digest="0" * 64))
        causal_tree(chain, read, {**both, "first": other}, "second", 0)
    with pytest.raises(UserError, match="dictionary of elsewhere"):
        other = coordinates(contract=InputContract(site="elsewhere"))
        causal_tree(chain, read, {**both, "first": other}, "second", 0)
    with pytest.raises(UserError, match="how deep nowhere is"):
        causal_tree(chain, read, {**both, "nowhere": coordinates()}, "second", 0)
    with pytest.raises(UserError, match="has features 0 to 7"):
        causal_tree(chain, read, both, "second", 8)
    with pytest.raises(UserError, match="halves"):
        signed = coordinates(selection=Largest(k=WIDTH))
        causal_tree(chain, read, {**both, "first": signed}, "second", 0)
    with pytest.raises(UserError, match="transcoder"):
        rebuilt = Rebuilt(centre=torch.zeros(WIDTH), scale=1.0)
        other = coordinates(target=rebuilt)
        causal_tree(chain, read, {**both, "first": other}, "second", 0)


def test_the_shallowest_path_is_found_whatever_the_order_of_dictionaries(chain, read, tree):
    for order in itertools.permutations(CHAIN):
        parts = {site: coordinates() for site in order}
        again = causal_tree(
            chain, read, parts, "second", 0, contexts=12, children=2, depth=2
        )
        assert again.rows() == tree.rows()


@pytest.fixture(scope="module")
def induction():
    """The circuit, prompts in which an a that b followed ends each, and perfect dictionaries."""
    circuit, rng = induction_circuit(), np.random.default_rng(5)
    subject = circuit.subject
    prompts = []
    for _ in range(30):
        words = list(rng.choice(list("cdefgh"), 12))
        place = rng.integers(0, 9)
        words[place : place + 2] = "ab"
        prompts.append([subject.bos_id, *subject.tokenize(" ".join([*words, "a"])).ids])
    ids = np.array(prompts)
    documents = np.arange(30)[:, None].repeat(ids.shape[1], 1)
    windows = Windows(
        ids=ids, usable=ids != subject.bos_id, document=documents, num_left_out=0
    )
    dictionaries = {
        site: dictionary_of(
            circuit.directions,
            Relu(),
            contract=InputContract(site=site),
            centre=torch.zeros(len(circuit.directions)),
            # Rounding is no activation.
            encoder_bias=torch.full((len(circuit.directions),), -1e-4),
        )
        for site in ("embed", "resid.0", "resid.1")
    }
    return circuit, windows, dictionaries


def test_the_causes_of_induction_are_those_it_was_built_of(induction):
    """To copy b takes the token a, the b to be copied, and the mark that an a stood before it."""
    circuit, windows, dictionaries = induction
    target = circuit.row("copied", "b")
    tree = causal_tree(
        circuit.subject, windows, dictionaries, "resid.1", target, children=6, depth=2
    )
    causes = tree.root.causes
    found = {circuit.names[cause.feature]: cause for cause in causes.kept}
    assert set(found) == {"token: a", "token: b", "previous: a"}
    for cause in found.values():
        assert cause.drop.share.value == pytest.approx(1, abs=1e-3)
    assert causes.joint.share.value == pytest.approx(1, abs=1e-3)
    assert causes.sum_of_shares == pytest.approx(3, abs=3e-3)  # each is needed
    assert causes.control.share.value == pytest.approx(0, abs=1e-3)
    assert causes.num_below == causes.num_candidates - 3 > 10
    below = {
        name: tree.node("resid.0", cause.feature).causes for name, cause in found.items()
    }
    for name in ("token: a", "token: b"):
        (carried,) = below[name].kept
        assert circuit.names[carried.feature] == name
    strongest, *others = below["previous: a"].kept
    assert circuit.names[strongest.feature] == "token: a"
    assert strongest.drop.share.value == pytest.approx(1, abs=1e-3)
    # By these the head looks back.
    assert {circuit.names[each.feature].partition(":")[0] for each in others} == {
        "position"
    }


def test_attribution_misses_where_attention_looks_when_it_is_hard(induction):
    """Its gradient sees what is copied, and nothing of the match that decides it."""
    circuit, windows, dictionaries = induction
    target = circuit.row("copied", "b")
    tree = causal_tree(
        circuit.subject, windows, dictionaries, "resid.1", target, children=6, depth=1
    )
    slopes = {circuit.names[c.feature]: c.attributed for c in tree.root.causes.kept}
    assert slopes.pop("token: b") == pytest.approx(1, abs=1e-3)
    assert list(slopes.values()) == pytest.approx([0, 0], abs=1e-3)
