"""The scratchpad is read by a classifier, and faking costs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, final

import numpy as np
from jaxtyping import Float

from tacit.models.subject import Subject
from tacit.organisms.mitigations.classifiers import Classifier, checked_probabilities
from tacit.organisms.mitigations.mitigation import Mitigation
from tacit.organisms.tiers.played import Played

PART = "supervision"


@final
@dataclass(frozen=True, kw_only=True)
class ProcessSupervision(Mitigation):
    """Adds log(1 - p), or 1 - p, where p is how likely a classifier holds a scratchpad to fake.

    The logarithm keeps a slope where nearly everything fakes and p is near 1. Source: the work,
    mitigation 3, its classifier a prompted model. Where we differ: classifiers of four strengths;
    an exact p is 0 or 1, so that both forms differ in the weight of faking against the output
    alone; p is clipped below 1, as a logarithm must be, and clipped rows are counted. The work does
    not supervise by a probe or by a feature of a dictionary.
    """

    classifier: Classifier
    form: Literal["log", "linear"] = "log"
    weight: float = 1.0
    most_probability: float = 1 - 1e-3
    """The logarithm's p is clipped to this."""

    def prepared(self, policy: Subject, seed: int) -> ProcessSupervision:
        """Return the arm with a classifier that is ready."""
        return replace(self, classifier=self.classifier.prepared(policy, seed))

    def rewards(
        self, played: Played, policy: Subject
    ) -> Mapping[str, Float[np.ndarray, " b"]]:
        """Return the supervisor's part; truncated rows have none."""
        p = checked_probabilities(self.classifier, played, policy)
        part = np.log1p(-np.minimum(p, self.most_probability)) if self._is_log else 1 - p
        return {PART: np.where(played.is_truncated, 0.0, self.weight * part)}

    def counts(
        self, played: Played, parts: Mapping[str, Float[np.ndarray, " b"]]
    ) -> Mapping[str, int]:
        """Return the rows whose p was clipped, or lay on the clip."""
        del played
        if not self._is_log:
            return {}
        floor = self.weight * math.log1p(-self.most_probability)
        return {"supervision clipped": int((parts[PART] <= floor + 1e-9).sum())}

    @property
    def _is_log(self) -> bool:
        return self.form == "log"
