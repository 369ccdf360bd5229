"""Attribution graphs against effects propagated forward by hand, and where all is explained."""

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.conftest import CAUSAL_NAMES, INNER, LAYERS, SIZES, VOCABULARY, WIDTH, build
from tacit.base.errors import UserError
from tacit.base.records import Gap
from tacit.dictionaries import InputContract
from tacit.dictionaries.dictionary import Target
from tacit.dictionaries.selections import Largest, Relu, TopKPositive
from tacit.interventions.explained_logits import Logit
from tacit.interventions.frozen import Frozen
from tacit.interventions.graphs import attribution_graph
from tacit.interventions.nodes_and_edges import AttributionGraph
from tacit.interventions.transcoded import transcoded
from tacit.models import load_subject

from .conftest import dictionary_of

PAGE = Path(__file__).parents[2] / "docs" / "directions.md"
IDS = torch.tensor([5, 17, 3, 250, 17, 99])
ROUNDING = 1e-4
"""Single precision over a whole pass."""
SELECTIONS = (TopKPositive(k=5), Largest(k=4), Relu())
ATOMS = 24


def transcoder(layer, site, *, width=WIDTH, skip=True, seed=0, **changes):
    """A random transcoder of the layer; layers differ in kind of selection."""
    random = torch.Generator().manual_seed(10 * seed + layer)

    def draw(*shape):
        return torch.randn(*shape, generator=random)

    target = Target(
        centre=draw(width),
        scale=1.7,
        skip=draw(width, width) / width if skip and layer % 2 else None,
    )
    settings = {
        "encoder": draw(ATOMS, width) / width**0.5,
        "encoder_bias": draw(ATOMS) - 0.5,
        "centre": draw(width) / 10,
        "scale": 0.8,
        "target": target,
        "contract": InputContract(site=site, target=f"mlp_out.{layer}"),
    }
    atoms = draw(ATOMS, width) / width**0.5
    return dictionary_of(atoms, SELECTIONS[layer], **(settings | changes))


def streams(layers=LAYERS):
    return [transcoder(n, f"resid.{n - 1}" if n else "embed") for n in range(layers)]


@pytest.fixture(scope="module", params=CAUSAL_NAMES)
def family(request):
    return load_subject(build(request.param))


@pytest.fixture(scope="module")
def neox():
    return load_subject(build("gpt_neox"))


@pytest.fixture(scope="module")
def graph(neox):
    return attribution_graph(neox, IDS, streams())


def values_of(graph):
    """Features' activations and logits, and what effects and constants sum to there."""
    rows = [n for n, node in enumerate(graph.nodes) if node.value is not None]
    sums = (graph.adjacency.sum(dim=1) + graph.constants)[rows]
    return torch.tensor([graph.nodes[row].value for row in rows]), sums


def test_incoming_effects_and_constants_sum_to_every_value(family):
    transcoders = streams()
    graph = attribution_graph(family, IDS, transcoders, batch=7)
    assert {node.layer for node in graph.nodes if node.kind == "feature"} == {0, 1}
    values, sums = values_of(graph)
    torch.testing.assert_close(sums, values, rtol=ROUNDING, atol=ROUNDING)
    # The values are those of the subject as it is.
    read = family.run(IDS[None], sites=["embed", "resid.0"]).activations
    for layer, site in enumerate(("embed", "resid.0")):
        code = transcoders[layer].encode(read[site][0]).dense()
        mine = [
            node for node in graph.nodes if (node.kind, node.layer) == ("feature", layer)
        ]
        assert len(mine) == code.count_nonzero()
        true = torch.stack([code[node.position, node.feature] for node in mine])
        found = torch.tensor([node.value for node in mine])
        torch.testing.assert_close(found, true, rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize(
    ("name", "norm"),
    [
        ("gpt_neox", "gpt_neox.layers.{}.post_attention_layernorm"),
        ("llama", "model.layers.{}.post_attention_layernorm"),
        ("gpt2", "transformer.h.{}.ln_2"),
        ("gemma2", "model.layers.{}.pre_feedforward_layernorm"),
    ],
)
def test_transcoders_may_read_the_norm_before_the_mlp(name, norm):
    subject = load_subject(build(name))
    transcoders = [transcoder(n, norm.format(n)) for n in range(LAYERS)]
    graph = attribution_graph(subject, IDS, transcoders, logits=[Logit(3, 8), Logit(9)])
    values, sums = values_of(graph)
    torch.testing.assert_close(sums, values, rtol=ROUNDING, atol=ROUNDING)
    head = subject.run(IDS[None], sites=["lm_head"]).activations["lm_head"][0, -1]
    wanted = torch.stack([head[3] - head[8], head[9] - head.mean()])
    torch.testing.assert_close(values[-2:], wanted, rtol=ROUNDING, atol=ROUNDING)
    chances = subject.run(IDS[None], logits=True).logits[0, -1].softmax(dim=0)[[3, 9]]
    torch.testing.assert_close(graph.weights[-2:], chances / chances.sum())


def test_freezing_changes_no_value_and_holds_patterns_and_scales(family):
    plain = family.run(IDS[None], logits=True).logits
    frozen, allowed = Frozen(), 1e-6 * float(plain.abs().max())
    for rows in (1, 3):
        with frozen:
            held = family.run(IDS.expand(rows, -1), logits=True).logits
        torch.testing.assert_close(held, plain.expand_as(held), rtol=0, atol=allowed)
    again = transcoded(family, IDS, streams())
    found = again.run([value[None] for value in again.given])
    torch.testing.assert_close(found.logits, again.clean.logits, rtol=1e-5, atol=1e-5)
    # Held, the model is affine: half-way between two inputs is half-way between two outputs.
    ends = [[torch.randn_like(value)[None] for value in again.given] for _ in range(2)]
    middle = [(one + other) / 2 for one, other in zip(*ends, strict=True)]
    first, last, between = (again.run(given).logits for given in (*ends, middle))
    torch.testing.assert_close(between, (first + last) / 2, rtol=1e-4, atol=1e-4)


def test_held_norms_of_torch_scale_as_they_did():
    x, other = torch.randn(2, 3, 8), torch.randn(2, 3, 8)
    norms = torch.nn.RMSNorm(8), torch.nn.LayerNorm(8), torch.nn.LayerNorm(8, bias=False)
    for norm in norms:
        frozen = Frozen()
        with frozen:
            torch.testing.assert_close(norm(x), norm.forward(x))
        before = norm(x)
        with frozen:
            torch.testing.assert_close(norm(x), before)
        with frozen:
            doubled = norm(2 * x + other)
        with frozen:
            torch.testing.assert_close(doubled, 2 * before + norm(other))


def by_hand(subject, vectors, patterns, inverse):
    """Push sources through a two-layer parallel GPT-NeoX, frozen; return all that is read.

    ``vectors``: by leaf, embeddings and both MLPs' outputs, (c t d) for c sources at once.
    ``inverse``: one over each norm's deviation, by module.
    """
    model = subject.model
    heads, width = model.config.num_attention_heads, model.config.hidden_size

    def norm(module, x):
        return (x - x.mean(-1, keepdim=True)) * inverse[module] * module.weight

    x, reads = vectors[0], []
    for layer, block in enumerate(model.gpt_neox.layers):
        reads.append(norm(block.post_attention_layernorm, x))
        mapping = block.attention.query_key_value.weight.view(heads, 3, width // heads, -1)[
            :, 2
        ]
        content = torch.einsum("ctd,hed->chte", norm(block.input_layernorm, x), mapping)
        mixed = torch.einsum("hqt,chte->cqhe", patterns[layer], content).flatten(2)
        x = x + mixed @ block.attention.dense.weight.T + vectors[1 + layer]
    return reads, norm(model.gpt_neox.final_layer_norm, x[:, -1:]) @ model.lm_head.weight.T


@torch.no_grad()
def frozen_by_hand(subject, ids):
    """Return the attention patterns, worked out by hand, and every norm's inverse deviation."""
    model = subject.model
    heads = model.config.num_attention_heads
    size, length = model.config.hidden_size // heads, len(ids)
    turning = model.gpt_neox.rotary_emb.inv_freq
    angles = torch.outer(torch.arange(length).float(), turning).repeat(1, 2)

    def turned(x):
        part, rest = x[..., : angles.shape[1]], x[..., angles.shape[1] :]
        first, second = part.chunk(2, dim=-1)
        swapped = torch.cat([-second, first], -1)
        return torch.cat([part * angles.cos() + swapped * angles.sin(), rest], -1)

    read = subject.run(ids[None], sites=["embed", "resid.0", "resid.1"]).activations
    patterns, inverse = [], {}
    for block, site in zip(model.gpt_neox.layers, ("embed", "resid.0"), strict=True):
        x = read[site][0]
        spread = x.var(dim=-1, correction=0, keepdim=True)
        for module in (block.input_layernorm, block.post_attention_layernorm):
            inverse[module] = 1 / (spread + module.eps).sqrt()
        mixed = block.attention.query_key_value(block.input_layernorm(x))
        query, key, _ = mixed.view(length, heads, 3 * size).transpose(0, 1).chunk(3, -1)
        scores = turned(query) @ turned(key).transpose(1, 2) / math.sqrt(size)
        hidden = torch.ones(length, length).triu(1).bool()
        patterns.append(scores.masked_fill(hidden, -torch.inf).softmax(-1))
    last, final = read["resid.1"][0, -1:], model.gpt_neox.final_layer_norm
    inverse[final] = 1 / (last.var(dim=-1, correction=0, keepdim=True) + final.eps).sqrt()
    return patterns, inverse


@torch.no_grad()
def test_every_effect_is_what_a_source_pushed_forward_by_hand_gives(tiny_subject):
    norm = "gpt_neox.layers.{}.post_attention_layernorm"
    given = [transcoder(n, norm.format(n), width=16, skip=False) for n in range(2)]
    graph = attribution_graph(tiny_subject, IDS, given, logits=[Logit(7, 2)])
    read = tiny_subject.run(
        IDS[None], sites=["embed", "mlp_out.0", "mlp_out.1"]
    ).activations
    norms = tiny_subject.run(
        IDS[None], sites=[norm.format(n) for n in range(2)]
    ).activations
    missed = [
        read[f"mlp_out.{n}"][0] - given[n].rebuild(norms[norm.format(n)][0])
        for n in range(2)
    ]
    sources = graph.nodes[:-1]
    vectors = [torch.zeros(len(sources), len(IDS), 16) for _ in range(3)]
    for row, node in enumerate(sources):
        place = (row, node.position)
        if node.kind == "embedding":
            vectors[0][place] = read["embed"][0, node.position]
        elif node.kind == "error":
            vectors[1 + node.layer][place] = missed[node.layer][node.position]
        else:
            one = given[node.layer]
            part = node.value * one.target.scale * one.atoms[node.feature]
            vectors[1 + node.layer][place] = part
    reads, logits = by_hand(tiny_subject, vectors, *frozen_by_hand(tiny_subject, IDS))
    for row, node in enumerate(graph.nodes):
        if node.kind == "feature":
            one = given[node.layer]
            along = one.encoder[node.feature] / one.scale
            wanted = reads[node.layer][:, node.position] @ along
            torch.testing.assert_close(
                graph.adjacency[row, :-1], wanted, rtol=ROUNDING, atol=ROUNDING
            )
    wanted = logits[:, 0, 7] - logits[:, 0, 2]
    torch.testing.assert_close(
        graph.adjacency[-1, :-1], wanted, rtol=ROUNDING, atol=ROUNDING
    )
    assert graph.adjacency[-1].abs().sum() > 1
    assert not graph.adjacency[:, -1].any()


def test_without_attention_an_effect_is_a_product_of_weights():
    """Two layers whose attention adds nothing, and norms that only centre and scale."""
    subject = load_subject(build("gpt_neox"))
    model = subject.model
    with torch.no_grad():
        for block in model.gpt_neox.layers:
            block.attention.dense.weight.zero_()
            block.attention.dense.bias.zero_()
    given = streams()
    graph = attribution_graph(subject, IDS, given, logits=[Logit(1, 2)])
    last = subject.run(IDS[None], sites=["resid.1"]).activations["resid.1"][0, -1]
    final, head = model.gpt_neox.final_layer_norm, model.lm_head.weight
    out = (head[1] - head[2]) * final.weight / (last.var(correction=0) + final.eps).sqrt()
    out = (out - out.mean()).detach()
    straight = torch.eye(WIDTH)
    skip = given[1].target.scale / given[1].scale * given[1].target.skip
    for column, node in enumerate(graph.nodes):
        if node.kind != "feature":
            continue
        part = node.value * 1.7 * given[node.layer].atoms[node.feature]
        # Layer 1 adds to the stream by its skip connection too.
        way = straight + skip if node.layer == 0 else straight
        wanted = out @ way @ part if node.position == len(IDS) - 1 else torch.zeros(())
        torch.testing.assert_close(
            graph.adjacency[-1, column], wanted, rtol=ROUNDING, atol=ROUNDING
        )
        for row, target in enumerate(graph.nodes):
            if target.kind == "feature":
                reading = given[target.layer].encoder[target.feature] / 0.8
                follows = (node.layer, target.layer) == (0, 1)
                same = node.position == target.position
                wanted = reading @ part if follows and same else torch.zeros(())
                torch.testing.assert_close(
                    graph.adjacency[row, column], wanted, rtol=ROUNDING, atol=ROUNDING
                )


@pytest.fixture(scope="module")
def rectified():
    """A GPT-NeoX whose MLPs are rectified, and transcoders that are those very MLPs."""
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

    torch.manual_seed(1)
    config = GPTNeoXConfig(**SIZES, intermediate_size=INNER, hidden_act="relu")
    subject = load_subject(GPTNeoXForCausalLM(config).eval())
    given = []
    for n, block in enumerate(subject.model.gpt_neox.layers):
        first, second = block.mlp.dense_h_to_4h, block.mlp.dense_4h_to_h
        site = f"gpt_neox.layers.{n}.post_attention_layernorm"
        one = dictionary_of(
            second.weight.detach().T.contiguous(),
            Relu(),
            encoder=first.weight.detach(),
            encoder_bias=first.bias.detach() + 0.1,
            centre=torch.zeros(WIDTH),
            target=Target(centre=second.bias.detach(), scale=1.0),
            contract=InputContract(site=site, target=f"mlp_out.{n}"),
        )
        with torch.no_grad():
            first.bias += 0.1
        given.append(one)
    return subject, given


def test_transcoders_that_give_all_back_leave_no_error(rectified):
    subject, given = rectified
    graph = attribution_graph(subject, IDS, given)
    errors = graph.adjacency[:, graph.of_kind("error")]
    assert errors.abs().max() < 1e-5
    assert graph.adjacency.abs().max() > 1e-2
    assert graph.completeness() == pytest.approx(1, abs=1e-4)
    assert graph.replacement() == pytest.approx(1, abs=1e-4)
    found = graph.records(prompt="by hand")
    assert [(one.name, one.of) for one in found] == [
        ("graph_completeness", {"prompt": "by hand"}),
        ("graph_replacement", {"prompt": "by hand"}),
    ]


def test_of_transcoders_that_give_nothing_errors_have_all_that_mlps_add(rectified):
    subject, given = rectified
    silent = [
        replace(one, encoder_bias=torch.full((INNER,), -1e3), atoms=one.atoms)
        for one in given
    ]
    graph = attribution_graph(subject, IDS, silent, logits=[Logit(4, 9)])
    assert {node.kind for node in graph.nodes} == {"embedding", "error", "logit"}
    size = graph.adjacency[-1].abs()
    share = float(size[: len(IDS)].sum() / size.sum())
    assert 0.05 < share < 0.95
    assert graph.completeness() == pytest.approx(share, rel=1e-5)
    assert graph.replacement() == pytest.approx(share, rel=1e-5)
    # So too without any transcoder for the second layer, but for its bias, no constant there.
    half = attribution_graph(subject, IDS, silent[:1], logits=[Logit(4, 9)])
    assert (half.bare_layers, graph.bare_layers) == ((1,), ())
    same = slice(0, 2 * len(IDS))
    torch.testing.assert_close(half.adjacency[-1, same], graph.adjacency[-1, same])
    values, sums = values_of(half)
    torch.testing.assert_close(sums, values, rtol=ROUNDING, atol=ROUNDING)


def test_features_left_out_count_with_their_error_and_nothing_is_lost(neox, graph):
    some = attribution_graph(neox, IDS, streams(), max_features=8, batch=1)
    kept = [node for node in some.nodes if node.kind == "feature"]
    total = sum(node.kind == "feature" for node in graph.nodes)
    assert (len(kept), some.num_folded, graph.num_folded) == (8, total - 8, 0)
    values, sums = values_of(some)
    torch.testing.assert_close(sums, values, rtol=ROUNDING, atol=ROUNDING)
    assert some.completeness() < graph.completeness()
    # The first eight are taken by their influence on the logits alone.
    sizes = graph.adjacency[graph.of_kind("logit")].abs()
    direct = graph.weights[graph.of_kind("logit")] @ (
        sizes / sizes.sum(dim=1, keepdim=True)
    )
    features = graph.of_kind("feature").nonzero()[:, 0]
    best = features[direct[features].topk(8).indices].tolist()
    assert {graph.nodes[row] for row in best} == set(kept)
    every = attribution_graph(neox, IDS, streams(), max_features=total)
    torch.testing.assert_close(every.adjacency, graph.adjacency)


def test_many_features_are_taken_by_influence_through_others(neox, graph):
    some = attribution_graph(neox, IDS, streams(), max_features=30, batch=1)
    chosen = {node for node in some.nodes if node.kind == "feature"}
    idle = [node for node, s in zip(graph.nodes, graph.influence, strict=True) if s == 0]
    assert chosen and not chosen & set(idle)
    assert len(chosen) + some.num_folded == sum(n.kind == "feature" for n in graph.nodes)


def test_pruning_keeps_the_fewest_nodes_and_counts_the_rest(graph):
    small = graph.pruned(node_share=0.7, edge_share=0.9)
    kinds = [node.kind for node in small.nodes]
    assert kinds.count("embedding") == len(IDS)
    assert kinds.count("logit") == int(graph.of_kind("logit").sum())
    for kind in ("feature", "error"):
        before = int(graph.of_kind(kind).sum())
        assert small.left_out[kind] == before - kinds.count(kind) > 0
    edges = int(graph.adjacency.count_nonzero())
    assert small.left_out["edges"] == edges - len(small.edge_rows()) > 0
    # Whatever stays has a larger influence than whatever goes by its own influence.
    order = graph.influence.argsort(descending=True)
    summed = graph.influence[order].cumsum(dim=0)
    needed = int((summed < 0.7 * summed[-1]).sum()) + 1
    allowed = {id(graph.nodes[row]) for row in order[:needed].tolist()}
    assert all(id(n) in allowed for n in small.nodes if n.kind in ("feature", "error"))
    for row, node in enumerate(small.nodes):
        if node.kind == "feature":
            assert small.adjacency[row].any() and small.adjacency[:, row].any()
    places = {id(node): row for row, node in enumerate(graph.nodes)}
    rows = [places[id(node)] for node in small.nodes]
    whole = graph.adjacency[rows][:, rows]
    assert torch.equal(small.adjacency, whole * (small.adjacency != 0))
    again = small.pruned(node_share=1.0, edge_share=1.0)
    assert len(again.nodes) == len(small.nodes)
    assert again.left_out == small.left_out


def test_rows_tell_nodes_and_edges_plainly(tiny_subject):
    site = "gpt_neox.layers.0.post_attention_layernorm"
    given = [transcoder(0, site, width=16)]
    graph = attribution_graph(tiny_subject, IDS, given, logits=[Logit(7, 2)])
    nodes, edges = graph.node_rows(), graph.edge_rows()
    words = [tiny_subject.tokenizer.decode([token]) for token in IDS.tolist()]
    assert [row["text"] for row in nodes[: len(IDS)]] == words
    first, second = (tiny_subject.tokenizer.decode([token]) for token in (7, 2))
    assert nodes[-1]["text"] == f"{first} less {second}"
    assert [row["node"] for row in nodes] == list(range(len(nodes)))
    sizes = [abs(row["effect"]) for row in edges]
    assert sizes == sorted(sizes, reverse=True) and min(sizes) > 0
    for row in edges:
        assert graph.adjacency[row["target"], row["source"]] == row["effect"]


def test_what_cannot_be_is_told(neox, graph, encoder):
    good = streams()
    with pytest.raises(UserError, match=r"reads mlp\.0, which lies behind .* embed"):
        attribution_graph(neox, IDS, [transcoder(0, "mlp.0")])
    with pytest.raises(UserError, match=r"has not computed when it comes to mlp_out\.0"):
        attribution_graph(neox, IDS, [transcoder(0, "resid.0")])
    behind = transcoder(
        1,
        "gpt_neox.layers.0.mlp.dense_h_to_4h",
        encoder=torch.randn(ATOMS, INNER) / 5,
        centre=torch.zeros(INNER),
        target=Target(centre=torch.zeros(WIDTH), scale=1.0),
    )
    linear = attribution_graph(neox, IDS, [behind])
    torch.testing.assert_close(*values_of(linear), rtol=ROUNDING, atol=ROUNDING)
    bent = replace(
        behind, contract=InputContract(site="gpt_neox.layers.0.mlp.act", target="mlp_out.1")
    )
    with pytest.raises(UserError, match="Something before it is not linear"):
        attribution_graph(neox, IDS, [bent])
    with pytest.raises(UserError, match="give transcoders"):
        attribution_graph(neox, IDS, [dictionary_of(torch.eye(WIDTH), Relu())])
    with pytest.raises(UserError, match=r"two transcoders onto mlp_out\.0"):
        attribution_graph(neox, IDS, [good[0], good[0]])
    onto = replace(good[0], contract=InputContract(site="embed", target="attn_out.0"))
    with pytest.raises(UserError, match=r"onto attn_out\.0"):
        attribution_graph(neox, IDS, [onto])
    other = InputContract(site="embed", target="mlp_out.0", subject_digest="another")
    with pytest.raises(UserError, match="another subject"):
        attribution_graph(neox, IDS, [replace(good[0], contract=other)])
    with pytest.raises(UserError, match="rebuilds rows of width 16"):
        attribution_graph(neox, IDS, [transcoder(0, "embed", width=16)])
    with pytest.raises(UserError, match="no transcoder was given"):
        attribution_graph(neox, IDS, [])
    with pytest.raises(UserError, match="the head of .* is not known"):
        attribution_graph(encoder, IDS, [transcoder(0, "embed", width=16)])
    with pytest.raises(UserError, match="1 of 3 ids are padding"):
        attribution_graph(neox, torch.tensor([3, 4, -1]), good)
    with pytest.raises(UserError, match="max_features is 0"):
        attribution_graph(neox, IDS, good, max_features=0)
    for logits in ([], [Logit(VOCABULARY)], [Logit(3, 3)]):
        with pytest.raises(UserError, match="were to be explained"):
            attribution_graph(neox, IDS, good, logits=logits)
    with pytest.raises(UserError, match=r"node_share is 0\.0"):
        graph.pruned(node_share=0.0)


def test_a_graph_without_effects_has_gaps_for_scores(graph):
    empty = AttributionGraph(
        nodes=graph.nodes,
        adjacency=torch.zeros_like(graph.adjacency),
        constants=graph.constants,
        weights=graph.weights,
        num_folded=0,
        bare_layers=(),
    )
    assert all(isinstance(one, Gap) for one in empty.records())


def test_the_likeliest_tokens_are_explained_where_none_are_named(neox, graph):
    chances = neox.run(IDS[None], logits=True).logits[0, -1].softmax(dim=0)
    ordered, tokens = chances.sort(descending=True)
    explained = [node.token for node in graph.nodes if node.kind == "logit"]
    count = min(10, int((ordered.cumsum(dim=0) < 0.95).sum()) + 1)
    assert explained == tokens[:count].tolist()
    assert float(graph.weights.sum()) == pytest.approx(1)


def test_the_example_on_the_page_runs():
    section = PAGE.read_text().partition("## Attribution graphs")[2]
    (block, *_) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    exec(compile(block, "docs/directions.md, attribution graphs", "exec"), {})
