"""What GRPO minimises, token by token.

Axes: n tokens, all of them trained.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor


def ratios(
    log_probs: Float[Tensor, " n"], before: Float[Tensor, " n"] | None
) -> Float[Tensor, " n"]:
    """Return each token's probability over the one it had before the step's first update.

    ``before`` None: nothing has been updated since, so all are 1; their gradient is that of the
    log probability.
    """
    return (log_probs - (log_probs.detach() if before is None else before)).exp()


def policy_losses(
    ratios: Float[Tensor, " n"], advantages: Float[Tensor, " n"], clip: float
) -> Float[Tensor, " n"]:
    """Return ``-min(r a, clamp(r, 1 - clip, 1 + clip) a)``.

    Source: Schulman et al. 2017, arXiv:1707.06347.
    """
    clipped = ratios.clamp(1 - clip, 1 + clip)
    return -(ratios * advantages).minimum(clipped * advantages)


def k3_divergences(
    log_probs: Float[Tensor, " n"], reference: Float[Tensor, " n"]
) -> Float[Tensor, " n"]:
    """Return ``exp(q - p) - (q - p) - 1`` of tokens drawn from the policy p, in nats.

    Its mean estimates KL(policy || reference) without bias; never below 0. Caution: the mean of
    its gradient is not the gradient of that divergence, as the policy also decides which tokens
    are drawn; times ``ratios`` it is (DeepSeek-V3.2, arXiv:2512.02556; TRL does so too).
    Source: Schulman 2020, "Approximating KL divergence".
    """
    difference = reference - log_probs
    return difference.exp() - difference - 1
