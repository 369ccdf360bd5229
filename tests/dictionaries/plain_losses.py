"""Each method's loss as one would write it first: dense, with autograd, from its paper."""

import torch

from tacit.dictionaries import (
    BatchTopK,
    Gated,
    JumpRelu,
    Matryoshka,
    PAnnealed,
    ReluL1,
    TopK,
)


class Jumping(torch.autograd.Function):
    """JumpReLU and the count of active entries, with rectangles for their slopes."""

    @staticmethod
    def forward(ctx, projected, log_threshold, bandwidth):
        threshold = log_threshold.exp()
        ctx.save_for_backward(projected, threshold)
        ctx.bandwidth = bandwidth
        active = (projected > threshold).to(projected)
        return projected * active, active

    @staticmethod
    def backward(ctx, by_value, by_active):
        projected, threshold = ctx.saved_tensors
        inside = ((projected - threshold).abs() < ctx.bandwidth / 2).to(projected)
        of_value = -(threshold / ctx.bandwidth) * inside * by_value
        of_active = -(1 / ctx.bandwidth) * inside * by_active
        by_threshold = (of_value + of_active).sum(dim=0)
        return by_value * (projected > threshold), by_threshold * threshold, None


def projections(leaves, x):
    encoder = leaves.get("encoder", leaves["atoms"])
    if encoder.shape[1] < x.shape[1]:  # a transcoder: what is read stands first
        return x[:, : encoder.shape[1]] @ encoder.T
    return (x - leaves["offset"]) @ encoder.T


def missing(leaves, rebuilt, x):
    """What is rebuilt, offset and skip connection with it, less what should be."""
    width = leaves["atoms"].shape[1]
    past = x[:, :-width] @ leaves["skip"].T if "skip" in leaves else 0.0
    return rebuilt + leaves["offset"] + past - x[:, -width:]


def error_of(leaves, code, x, last=None):
    rebuilt = code[:, :last] @ leaves["atoms"][:last]
    return missing(leaves, rebuilt, x).square().sum(dim=1).mean()


def top_k(method, leaves, x, rule):
    projected = projections(leaves, x) + leaves["encoder_bias"]
    values, places = projected.topk(method.k)
    code = torch.zeros_like(projected).scatter(1, places, values.relu())
    return error_of(leaves, code, x)


def of_block(method, leaves, x):
    projected = (projections(leaves, x) + leaves["encoder_bias"]).relu()
    # Equal rows have equal entries: where the smallest that is kept is one, all such are kept.
    least = projected.detach().flatten().topk(method.k * len(x)).values[-1]
    return projected * (projected >= least)


def batch_top_k(method, leaves, x, rule):
    return error_of(leaves, of_block(method, leaves, x), x)


def matryoshka(method, leaves, x, rule):
    code = of_block(method, leaves, x)
    losses = [error_of(leaves, code, x, last) for last in method.edges()]
    return torch.stack(losses).mean()


def relu_l1(method, leaves, x, rule):
    code = (projections(leaves, x) + leaves["encoder_bias"]).relu()
    return error_of(leaves, code, x) + rule.penalty * code.sum(dim=1).mean()


def p_annealed(method, leaves, x, rule):
    code = (projections(leaves, x) + leaves["encoder_bias"]).relu()
    # The power is taken of active entries alone: that of 0 has a slope too.
    active = code[code > 0]
    cost = ((active + 1e-3) ** rule.power - 1e-3**rule.power).sum() / len(x)
    return error_of(leaves, code, x) + rule.price * cost


def jump_relu(method, leaves, x, rule):
    projected = projections(leaves, x) + leaves["encoder_bias"]
    code, active = Jumping.apply(projected, leaves["log_threshold"], method.bandwidth)
    l0 = active.sum(dim=1).mean()
    return error_of(leaves, code, x) + rule.weight * (l0 / method.k - 1) ** 2


def gated(method, leaves, x, rule):
    shared = projections(leaves, x)
    gate = shared + leaves["encoder_bias"]
    magnitude = (shared * leaves["log_gain"].exp() + leaves["magnitude_bias"]).relu()
    # Through atoms and offset held still, so that this error teaches the gate alone.
    held = {name: leaf.detach() for name, leaf in leaves.items()}
    still = missing(held, gate.relu() @ held["atoms"], x)
    return (
        error_of(leaves, magnitude * (gate > 0), x)
        + rule.penalty * gate.relu().sum(dim=1).mean()
        + still.square().sum(dim=1).mean()
    )


F, K = 48, 4
PLAIN = {
    "top-k": (TopK(num_atoms=F, k=K), top_k),
    "batch-top-k": (BatchTopK(num_atoms=F, k=K), batch_top_k),
    "matryoshka": (Matryoshka(num_atoms=F, k=K), matryoshka),
    "relu-l1": (ReluL1(num_atoms=F, penalty=0.1), relu_l1),
    "relu-l1 tied": (ReluL1(num_atoms=F, penalty=0.1, tied=True), relu_l1),
    "p-annealed": (PAnnealed(num_atoms=F, penalty=0.1), p_annealed),
    "jump-relu": (JumpRelu(num_atoms=F, k=K, bandwidth=0.2), jump_relu),
    "gated": (Gated(num_atoms=F, penalty=0.1), gated),
}
"""A method and its loss; the last argument of which is the step's rule, for prices that move."""
