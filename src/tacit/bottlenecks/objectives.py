"""What is minimised: the loss of concepts over known labels, and that of classes.

Axes: r learners side by side or none, b images of a batch, k concepts, c concepts and slots,
m classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

Imbalance = Literal["off", "weight", "pos_weight"]


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ConceptLoss:
    """The binary cross-entropy of concepts in nats, over known labels alone."""

    prevalence: Float[Tensor, " k"]
    """Share of images that have each concept; read where rare ones are weighted up."""
    imbalance: Imbalance = "off"
    """How a concept's ratio of negatives to positives enters: not at all; as a factor of its
    positives; or, as Koh et al. (2020) have it, of its whole term. The last says nothing about
    positives and negatives: it all but drops common concepts and drills rare ones."""
    is_summed: bool = False
    """Whether concepts are summed and not averaged, which is as many times as much."""
    information_penalty: float = 0.0
    """Weight of the squared distance of a logit from 3 where its concept is there and -3 where
    not, summed over concepts: what a logit says beyond its concept. The code of its source
    (arXiv:2506.04877) has a fifth of that."""

    def __call__(
        self,
        concept_logits: Float[Tensor, "*r b c"],
        truth: Float[Tensor, "*r b k"],
        known: Bool[Tensor, "*r b k"],
    ) -> Float[Tensor, "*r"]:
        """Return the mean over known labels, plus the penalty; 0 where no label is known."""
        logits = concept_logits[..., : truth.shape[-1]]
        ratio = ((1 - self.prevalence) / self.prevalence).to(logits)
        terms = nn.functional.binary_cross_entropy_with_logits(
            logits,
            truth,
            weight=ratio if self.imbalance == "weight" else None,
            pos_weight=ratio if self.imbalance == "pos_weight" else None,
            reduction="none",
        )
        loss = _mean_of_known(terms, known)
        loss = loss * truth.shape[-1] if self.is_summed else loss
        if self.information_penalty:
            distance = (logits - (6 * truth - 3)).square() * known
            loss = loss + self.information_penalty * distance.sum(dim=-1).mean(dim=-1)
        return loss


def concept_accuracy(
    concept_logits: Float[Tensor, "*r b c"],
    truth: Float[Tensor, "*r b k"],
    known: Bool[Tensor, "*r b k"],
) -> Float[Tensor, "*r"]:
    """Return the share of known labels that the sign of the logit tells; 0 to 1, higher better."""
    right = (concept_logits[..., : truth.shape[-1]] > 0) == (truth > 0.5)
    return _mean_of_known(right.float(), known)


def class_terms(
    class_logits: Float[Tensor, "*r b m"], classes: Int[Tensor, "*r b"]
) -> dict[str, Float[Tensor, "*r"]]:
    """Return the cross-entropy in nats, as loss, and the share whose largest logit is right."""
    each = nn.functional.cross_entropy(
        class_logits.flatten(end_dim=-2), classes.flatten(), reduction="none"
    )
    loss = each.view(classes.shape).mean(dim=-1)
    right = (class_logits.argmax(dim=-1) == classes).float().mean(dim=-1)
    return {"loss": loss, "class_loss": loss, "class_accuracy": right}


def _mean_of_known(
    values: Float[Tensor, "*r b k"], known: Bool[Tensor, "*r b k"]
) -> Float[Tensor, "*r"]:
    return (values * known).sum(dim=(-2, -1)) / known.sum(dim=(-2, -1)).clamp(min=1)
