"""How a dictionary's code differs between the clean and the counterfactual run of prompts.

Axes: n prompts, t positions, d width, f atoms, e entries (features whose activation differs).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tacit.base.errors import UserError
from tacit.dictionaries.dictionary import Dictionary
from tacit.models.prompt_pairs import PromptPairs
from tacit.models.subject import Subject


@final
@dataclass(frozen=True, kw_only=True)
class CodeDifference:
    """What is added to the clean value of a site to turn features counterfactual.

    ``change(None) + error`` is the whole difference of the two runs, to rounding.
    """

    site: str
    clean: Float[Tensor, "n t d"]
    """The site's value in the clean run."""
    directions: Float[Tensor, "f d"]
    """Atoms times the dictionary's scale: what one unit of activation adds."""
    prompt: Int[Tensor, " e"]
    position: Int[Tensor, " e"]
    feature: Int[Tensor, " e"]
    delta: Float[Tensor, " e"]
    """Activation in the counterfactual run less that in the clean one; never 0."""
    error: Float[Tensor, "n t d"]
    """The part of the difference that the dictionary misses."""

    @property
    def num_features(self) -> int:
        """Atoms of the dictionary."""
        return len(self.directions)

    def candidates(self) -> Bool[Tensor, "n f"]:
        """Return which features' activations differ anywhere in each prompt."""
        found = torch.zeros(
            len(self.clean), self.num_features, dtype=torch.bool, device=self.delta.device
        )
        found[self.prompt, self.feature] = True
        return found

    def change(self, chosen: Bool[Tensor, "n f"] | None = None) -> Float[Tensor, "n t d"]:
        """Return what is added where the ``chosen`` features (None: all) are patched."""
        kept = (
            slice(None)
            if chosen is None
            else chosen[self.prompt, self.feature].nonzero()[:, 0]
        )
        return self._summed(self.prompt[kept], kept, len(self.clean))

    def change_of(
        self, prompts: Int[Tensor, " m"], features: Int[Tensor, " m"]
    ) -> Float[Tensor, "m t d"]:
        """Return what is added for each of m single patches, of one feature in one prompt."""
        place = torch.full(
            (len(self.clean), self.num_features), -1, device=self.delta.device
        )
        place[prompts, features] = torch.arange(len(prompts), device=place.device)
        rows = place[self.prompt, self.feature]
        kept = (rows >= 0).nonzero()[:, 0]
        return self._summed(rows[kept], kept, len(prompts))

    def to_first_order(self, gradient: Float[Tensor, "n t d"]) -> Float[Tensor, "n f"]:
        """Return gradient times what each feature adds, summed over positions."""
        found = torch.zeros(len(self.clean), self.num_features, device=self.delta.device)
        slopes = gradient.to(found)[self.prompt, self.position]
        added = (slopes * self.directions[self.feature]).sum(dim=1) * self.delta
        found.index_put_((self.prompt, self.feature), added.to(found), accumulate=True)
        return found

    def _summed(
        self, rows: Int[Tensor, " m"], kept: Tensor | slice, count: int
    ) -> Float[Tensor, "c t d"]:
        length, width = self.clean.shape[1:]
        out = self.clean.new_zeros(count * length, width)
        parts = self.delta[kept, None] * self.directions[self.feature[kept]]
        out.index_add_(0, rows * length + self.position[kept], parts.to(out))
        return out.reshape(count, length, width)


@torch.no_grad()
def code_difference(
    subject: Subject,
    prompts: PromptPairs,
    site: str,
    dictionary: Dictionary,
    *,
    role: str = "all",
) -> CodeDifference:
    """Return how the dictionary's code differs at the positions of ``role``.

    Raises:
        UserError: for a transcoder, and for a dictionary of another site or subject.
    """
    check_fits(subject, site, dictionary)
    clean, other = (
        subject.run(ids, sites=(site,)).activations[site].to(dictionary.atoms)
        for ids in (prompts.clean, prompts.counterfactual)
    )
    where = prompts.at(role).to(clean.device)
    before, after = (dictionary.encode(value[where]).dense() for value in (clean, other))
    delta = after - before
    row, feature = delta.nonzero().unbind(dim=1)
    prompt, position = where.nonzero().unbind(dim=1)
    found = CodeDifference(
        site=site,
        clean=clean,
        directions=dictionary.atoms * dictionary.scale,
        prompt=prompt[row],
        position=position[row],
        feature=feature,
        delta=delta[row, feature],
        error=torch.zeros_like(clean),
    )
    missed = torch.where(where[..., None], other - clean - found.change(), 0)
    found.error.copy_(missed)
    return found


def check_fits(subject: Subject, site: str, dictionary: Dictionary) -> None:
    """Raise a ``UserError`` where a dictionary's features cannot be edited at a subject's site."""
    contract = dictionary.contract
    if dictionary.target is not None:
        raise UserError(
            f"the dictionary is a transcoder from {contract.site} to {contract.target}: what it "
            "reads is not made of its atoms, so a feature cannot be changed there. Give an "
            "autoencoder of the site."
        )
    if contract.site not in (None, site):
        raise UserError(
            f"an edit at {site} was asked for with a dictionary of {contract.site}; name that "
            "site."
        )
    if contract.subject_digest not in (None, subject.digest):
        raise UserError(
            f"{subject.name} is not the subject that the dictionary was fitted on: its weights "
            "differ. Load that subject, or fit on this one."
        )
