"""Through which features does a prompt lead to its next token? The graph that answers.

Ameisen et al. 2025, "Circuit Tracing: Revealing Computational Graphs in Language Models",
transformer-circuits.pub/2025/attribution-graphs/methods.html, with a transcoder for each MLP.
Axes: t positions, m logits, k active features, n nodes: first the leaves, which are embeddings
and errors, then features, then logits; v vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import pad

from tacit.base.errors import UserError
from tacit.base.progress import Progress, silent
from tacit.dictionaries.dictionary import Dictionary
from tacit.interventions.explained_logits import Logit, directions_of, likeliest
from tacit.interventions.local_model import LocalModel, local_model
from tacit.interventions.nodes_and_edges import AttributionGraph, Node
from tacit.interventions.transcoded import transcoded
from tacit.metrics.influence import node_influence
from tacit.models.subject import Subject

BATCHES_A_RANKING = 8
"""Backward passes before the features that wait are ranked anew."""


def attribution_graph(
    subject: Subject,
    ids: Int[Tensor, " t"],
    transcoders: Sequence[Dictionary],
    *,
    logits: Sequence[Logit] | None = None,
    max_features: int | None = None,
    batch: int = 32,
    progress: Progress = silent,
) -> AttributionGraph:
    """Return what adds how much to what on one prompt, up to logits after its last token.

    With attention patterns and the scales of norms held as they are on the prompt, every
    feature's pre-activation and every logit is the sum of its incoming effects and a constant;
    that is checked. An effect is the source times the gradient, which passes through no MLP: each
    one's features, and its error, are sources of their own.

    ``transcoders`` rebuild ``mlp_out.N`` from what comes before the MLP (see ``transcoded``); a
    layer without one is all error. ``logits``: where None the likeliest tokens', each less the
    mean over the vocabulary; they are taken before a cap. With ``max_features`` features become
    nodes by their influence on what is a node already, until there are so many; the effects of
    the others count with the error of their MLP. ``batch``: effects to one backward pass.

    Raises:
        UserError: for what cannot be such a graph, and where effects do not add up.
    """
    _check_prompt(ids, max_features)
    held = transcoded(subject, ids, transcoders)
    vocabulary = len(held.log_probabilities)
    logits = likeliest(held.log_probabilities) if logits is None else list(logits)
    directions = directions_of(logits, vocabulary)
    model = local_model(held, batch=batch)
    leaves, k = model.num_leaves, len(model.features)
    found = directions @ held.clean.logits[0].float().cpu()
    values = pad(torch.cat([model.features.activation, found]), (leaves, 0))
    biases = torch.cat([model.constants, directions @ model.logit_constants])
    constants = pad(biases, (leaves, 0))
    tokens = torch.tensor([logit.token for logit in logits])
    weights = pad(held.log_probabilities[tokens].softmax(dim=0), (leaves + k, 0))
    adjacency, kept = _effects(
        model, directions, weights, k if max_features is None else max_features, progress
    )
    _check_sums(model, adjacency, constants, values, kept)
    _fold(model, adjacency, ~kept[leaves : leaves + k])
    nodes = _nodes(model, logits, found)
    return AttributionGraph(
        nodes=tuple(node for node, stays in zip(nodes, kept, strict=True) if stays),
        adjacency=adjacency[kept][:, kept],
        constants=constants[kept],
        weights=weights[kept],
        num_folded=int((~kept).sum()),
        bare_layers=tuple(n for n in range(len(model.errors)) if n not in held.transcoders),
    )


def _effects(
    model: LocalModel,
    directions: Float[Tensor, "m v"],
    weights: Float[Tensor, " n"],
    most: int,
    progress: Progress,
) -> tuple[Float[Tensor, "n n"], Bool[Tensor, " n"]]:
    """Return the effects on logits and on the features that become nodes, and what is a node."""
    leaves, k = model.num_leaves, len(model.features)
    sources = leaves + k
    adjacency = torch.zeros(len(weights), len(weights))
    adjacency[sources:, :sources] = model.effects_on_logits(directions)
    waits = torch.zeros(len(weights), dtype=torch.bool)
    waits[leaves:sources] = True
    left = min(most, k)
    with progress("attribute", left, "features") as advance:
        while left:
            if most >= k:
                chosen = waits.nonzero()[:, 0]
            else:
                influence = node_influence(adjacency, weights) * waits
                value, chosen = influence.topk(min(left, BATCHES_A_RANKING * model.batch))
                chosen = chosen[value > 0]
            if not len(chosen):
                break
            adjacency[chosen, :sources] = model.effects_on_features(chosen - leaves)
            waits[chosen] = False
            left -= len(chosen)
            advance(len(chosen))
    return adjacency, ~waits


def _fold(
    model: LocalModel, adjacency: Float[Tensor, "n n"], folded: Bool[Tensor, " k"]
) -> None:
    """Add the effects of features that are no nodes to those of their MLPs' errors."""
    errors = model.error_of_feature()[folded]
    features = model.num_leaves + folded.nonzero()[:, 0]
    adjacency.index_add_(1, errors, adjacency[:, features])


def _nodes(
    model: LocalModel, logits: Sequence[Logit], found: Float[Tensor, " m"]
) -> list[Node]:
    """Return every source and logit as a node."""
    subject, features, ids = model.held.subject, model.features, model.held.ids.tolist()
    words = [_text(subject, token) for token in ids]
    nodes = [
        Node(kind="embedding", position=p, text=words[p], token=token)
        for p, token in enumerate(ids)
    ]
    for layer in range(len(model.errors)):
        nodes += [
            Node(kind="error", position=p, text=word, layer=layer)
            for p, word in enumerate(words)
        ]
    columns = (features.layer, features.position, features.atom, features.activation)
    for layer, p, atom, value in zip(*(column.tolist() for column in columns), strict=True):
        own = {"layer": layer, "feature": atom, "value": value}
        nodes.append(Node(kind="feature", position=p, text=words[p], **own))
    for logit, value in zip(logits, found.tolist(), strict=True):
        less = "" if logit.other is None else f" less {_text(subject, logit.other)}"
        own = {"text": _text(subject, logit.token) + less, "value": value}
        nodes.append(Node(kind="logit", position=len(ids) - 1, token=logit.token, **own))
    return nodes


def _text(subject: Subject, token: int) -> str:
    return str(token) if subject.tokenizer is None else subject.tokenizer.decode([token])


def _check_sums(
    model: LocalModel,
    adjacency: Float[Tensor, "n n"],
    constants: Float[Tensor, " n"],
    values: Float[Tensor, " n"],
    kept: Bool[Tensor, " n"],
) -> None:
    """Raise a ``UserError`` where effects and constant do not give a node's value."""
    leaves, eps = model.num_leaves, torch.finfo(model.held.subject.dtype).eps
    sums, sizes = adjacency.sum(dim=1) + constants, adjacency.abs().sum(dim=1)
    # Roundings of a whole pass are far below this; what is not held is off by far more.
    off = (sums - values).abs() - eps**0.5 * (sizes + constants.abs())
    off[:leaves] = 0
    worst = int((off * kept).argmax())
    if off[worst] <= 0 or not kept[worst]:
        return
    told, feature = "a logit", worst - leaves
    if feature < len(model.features):
        layer, atom = (int(x[feature]) for x in (model.features.layer, model.features.atom))
        site = model.held.transcoders[layer].contract.site
        told = f"feature {atom} of layer {layer}, which is read from {site},"
    raise UserError(
        f"all effects on {told} sum to {float(sums[worst]):.4g}; its value is "
        f"{float(values[worst]):.4g}. Something before it is not linear: give transcoders that "
        "read the residual stream or the norm before the MLP, and load the model with eager or "
        "sdpa attention."
    )


def _check_prompt(ids: Int[Tensor, " t"], max_features: int | None) -> None:
    if (ids < 0).any():
        raise UserError(
            f"{int((ids < 0).sum())} of {len(ids)} ids are padding; give one prompt without it."
        )
    if max_features is not None and max_features < 1:
        raise UserError(f"max_features is {max_features}; give 1 or more, or leave it out.")
