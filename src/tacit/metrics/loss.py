"""What a model loses when an activation is replaced by its reconstruction.

Axes: n tokens, v vocabulary.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tacit.base.errors import UserError


def token_losses(
    logits: Float[Tensor, "n v"], targets: Int[Tensor, " n"]
) -> Float[Tensor, " n"]:
    """Return minus the log probability of each target token, in nats, in float32 or better.

    ``logits[i]`` predicts ``targets[i]``: shift before calling. Range: 0 upwards.
    """
    if logits.dtype in (torch.float16, torch.bfloat16):
        logits = logits.float()
    return torch.nn.functional.cross_entropy(logits, targets.long(), reduction="none")


def cross_entropy(logits: Float[Tensor, "n v"], targets: Int[Tensor, " n"]) -> float:
    """Return the mean over tokens of minus the log probability of the target, in nats.

    Range: 0 upwards; log v is what a uniform guess scores. Lower is better.
    Caution: comparable only between models that share a tokenizer and the tokens scored.
    Source: Shannon 1948.
    """
    if logits.shape[0] == 0:
        raise UserError("the cross-entropy of no tokens was asked: give at least one.")
    mean = float(token_losses(logits, targets).double().mean())
    if not math.isfinite(mean):
        raise UserError(
            f"the cross-entropy over {logits.shape[0]} tokens is not finite: the logits overflow "
            "or give a target no probability at all; run the model in float32."
        )
    return mean


def loss_recovered(clean: float, substituted: float, ablated: float) -> float:
    """Return ``(ablated - substituted) / (ablated - clean)``, from three cross-entropies.

    ``clean`` is the loss of the untouched model, ``substituted`` with the reconstruction in
    place, ``ablated`` with the site ablated: say how (zero or mean), the numbers differ.
    Range: any; 1 loses nothing, 0 is no better than ablating, below 0 is worse, and slightly
    above 1 happens when the reconstruction helps. Higher is better.
    Caution: a site whose ablation costs much flatters any reconstruction; give the losses too.
    Never average it over documents: give ``bootstrap_ratio`` the two differences by document.
    Raises ``UserError`` when ablating does not hurt, where the ratio means nothing.
    Source: Bricken et al. 2023, "Towards Monosemanticity"; Rajamanoharan et al. 2024,
    arXiv:2404.16014.
    """
    if not all(math.isfinite(loss) for loss in (clean, substituted, ablated)):
        raise UserError(
            f"loss recovered was asked of losses that are not finite (clean {clean}, substituted "
            f"{substituted}, ablated {ablated}): find what overflowed."
        )
    if ablated <= clean:
        raise UserError(
            f"loss recovered was asked where ablating does not hurt (clean {clean:.6g}, ablated "
            f"{ablated:.6g} nats): choose another site or more text, or report the losses."
        )
    return (ablated - substituted) / (ablated - clean)


def kl_divergence(
    log_p: Float[Tensor, "n v"], log_q: Float[Tensor, "n v"]
) -> Float[Tensor, " n"]:
    """Return KL(p || q) of each row's distributions, given as log-probabilities.

    In nats. Range: 0 upwards, 0 for equal distributions.
    Caution: not symmetric; say which run is p. Source: Kullback and Leibler 1951.
    """
    # Between equal distributions rounding alone may end below 0.
    return (log_p.exp() * (log_p - log_q)).sum(dim=-1).clamp(min=0)
