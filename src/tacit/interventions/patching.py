"""What patching features does to the next token: exactly, one pass a patch, or by its gradient.

Distance from the counterfactual run: KL of the next token after the prompt, in nats, in one of
two directions. Effect of a patch: by how much it lowers that distance.
Axes: n prompts, t positions, d width, f atoms, m patches, v vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tacit.base.errors import UserError
from tacit.base.progress import Progress, silent
from tacit.interventions.differences import CodeDifference
from tacit.metrics.loss import kl_divergence
from tacit.models.prompt_pairs import PromptPairs, last_logits
from tacit.models.subject import Subject

Direction = Literal["to", "from"]
"""KL(patched || counterfactual), as published, or KL(counterfactual || patched)."""
BATCH = 256
"""Patched prompts run at once."""


@final
@dataclass(frozen=True, kw_only=True)
class Patching:
    """A subject, its prompts and the distributions that patches are measured against."""

    subject: Subject
    prompts: PromptPairs
    clean: Float[Tensor, "n v"]
    """Log-probabilities of the next token, clean."""
    counterfactual: Float[Tensor, "n v"]
    direction: Direction

    @property
    def distance(self) -> Float[Tensor, " n"]:
        """Distance of the clean run, nothing patched, from the counterfactual one."""
        return self.between(self.clean, torch.arange(len(self.prompts)))

    def between(
        self, patched: Float[Tensor, "m v"], rows: Int[Tensor, " m"]
    ) -> Float[Tensor, " m"]:
        """Return the distance of patched log-probabilities, each of one of the prompts."""
        target = self.counterfactual[rows.to(self.counterfactual.device)]
        if self.direction == "to":
            return kl_divergence(patched, target)
        return kl_divergence(target, patched)

    @torch.no_grad()
    def distances(
        self,
        site: str,
        values: Float[Tensor, "m t d"],
        rows: Int[Tensor, " m"] | None = None,
    ) -> Float[Tensor, " m"]:
        """Return the distance from the counterfactual run with ``values`` in place of the site's.

        ``rows``: the prompt of each; all in their order where None.
        """
        rows = torch.arange(len(self.prompts)) if rows is None else rows.cpu()
        found = []
        for part, own in zip(rows.split(BATCH), values.split(BATCH), strict=True):
            logits = self._edited(site, self.prompts.clean[part], own)
            found.append(self.between(logits.log_softmax(dim=-1), part))
        return torch.cat(found)

    def _edited(
        self, site: str, ids: Int[Tensor, "m t"], values: Float[Tensor, "m t d"]
    ) -> Float[Tensor, "m v"]:
        def put(value: Tensor) -> Tensor:
            return values[:, : value.shape[1]].to(value)

        logits = self.subject.run(ids, edits={site: put}, logits=True).logits
        assert logits is not None, "logits were asked for"
        ends = (ids >= 0).sum(dim=1) - 1
        return logits[torch.arange(len(ids)), ends.to(logits.device)].float()


def patching(
    subject: Subject, prompts: PromptPairs, *, direction: Direction = "to"
) -> Patching:
    """Return the subject and prompts with the distributions of both runs."""
    clean, counterfactual = (
        last_logits(subject, ids).log_softmax(dim=-1)
        for ids in (prompts.clean, prompts.counterfactual)
    )
    return Patching(
        subject=subject,
        prompts=prompts,
        clean=clean,
        counterfactual=counterfactual,
        direction=direction,
    )


def check_matters(runs: Patching, difference: CodeDifference) -> None:
    """Raise a ``UserError`` where nothing after the site depends on it."""
    whole = difference.clean + difference.change() + difference.error
    if torch.equal(whole, difference.clean):
        raise UserError(
            f"{difference.site} is the same in both runs of every prompt: nothing can be patched "
            "there. Name a site or role that the prompts' difference reaches."
        )
    if torch.equal(runs.distances(difference.site, whole), runs.distance):
        raise UserError(
            f"the next token does not depend on {difference.site} at these positions; name a site "
            "or role that it does depend on."
        )


@torch.no_grad()
def exact_effects(
    runs: Patching, difference: CodeDifference, *, progress: Progress = silent
) -> Float[Tensor, "n f"]:
    """Return each feature's effect in each prompt, patched alone, by a pass of its own.

    A feature whose activation is the same in both runs has no effect, without a pass.
    """
    found = torch.zeros(
        len(runs.prompts), difference.num_features, device=difference.clean.device
    )
    prompts, features = difference.candidates().nonzero().unbind(dim=1)
    if not len(prompts):
        return found
    start = runs.distances(difference.site, difference.clean)
    with progress("patch", len(prompts), "patches") as advance:
        for row, feature in zip(prompts.split(BATCH), features.split(BATCH), strict=True):
            values = difference.clean[row] + difference.change_of(row, feature)
            patched = runs.distances(difference.site, values, row)
            found[row, feature] = (start[row] - patched).to(found)
            advance(len(row))
    return found


def attributed_effects(
    runs: Patching, difference: CodeDifference, *, at: float = 0.0
) -> Float[Tensor, "n f"]:
    """Return every feature's effect to first order: minus gradient times difference, summed.

    One forward and one backward pass for each prompt instead of one a feature. The gradient is
    that of the distance, at the clean run or, with ``at`` in (0, 1], that share of the way to the
    counterfactual value of the site. Nanda 2023, "Attribution patching".
    """
    site, subject = difference.site, runs.subject
    moved = difference.clean + at * (difference.change() + difference.error)
    gradients = []
    for rows in torch.arange(len(runs.prompts)).split(BATCH):
        ids = runs.prompts.clean[rows]
        own = moved[rows.to(moved.device)]

        def put(value: Tensor, own: Tensor = own) -> Tensor:
            return own.to(value)

        flow = subject.run(
            ids, sites=(site,), edits={site: put}, logits=True, gradients=True
        )
        assert flow.logits is not None, "logits were asked for"
        ends = (ids >= 0).sum(dim=1) - 1
        logits = flow.logits[torch.arange(len(ids)), ends.to(flow.logits.device)].float()
        distance = runs.between(logits.log_softmax(dim=-1), rows)
        (gradient,) = torch.autograd.grad(distance.sum(), flow.activations[site])
        gradients.append(gradient)
    return -difference.to_first_order(torch.cat(gradients))


def edit_magnitude(
    change: Float[Tensor, "m t d"], mask: Bool[Tensor, "m t"]
) -> Float[Tensor, " m"]:
    """Return the mean length of the change over each prompt's positions."""
    lengths = change.norm(dim=-1) * mask.to(change)
    return lengths.sum(dim=1) / mask.sum(dim=1).to(change)
