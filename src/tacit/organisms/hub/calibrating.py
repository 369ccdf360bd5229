"""How often is a grader right where the truth is known? On sentences made from the micro language.

The examples are easier than what a chat model writes: a grader that fails here is of no use, one
that passes may still fail on text that is less plain.
Axes: n examples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from tacit.base.errors import UserError
from tacit.base.records import Gap
from tacit.base.seeds import stream
from tacit.metrics.explaining import balanced_accuracy, mean_credit, told_apart
from tacit.metrics.intervals import Interval, clopper_pearson
from tacit.organisms.hub.grading import ChatGrader, Verdict
from tacit.organisms.hub.known_examples import Known

FEWEST = 5
"""Examples of a kind; with fewer an accuracy is not worth an interval."""


@final
@dataclass(frozen=True, kw_only=True)
class Calibration:
    """A grader's rates on one judgement."""

    judgement: str
    grader: str
    balanced_accuracy: Interval | Gap
    """Of verdicts; chance is .5."""
    auroc: Interval | Gap
    """Chance that a true example gets the larger share of votes than a false one, over disjoint
    pairs, so that the interval is exact."""
    num_examples: int
    """With a verdict, half of them true."""
    num_gaps: int
    """Examples without a verdict."""
    missing_votes: int
    """That could not be read, in examples with a verdict."""

    def sentence(self) -> str:
        """Return what stands beside every use of the grader."""
        rates = f"{_told(self.balanced_accuracy)}, AUROC {_told(self.auroc)}"
        return (
            f"{self.grader} on {self.judgement}: balanced accuracy {rates} on "
            f"{self.num_examples} made examples; {self.num_gaps} without a verdict, "
            f"{self.missing_votes} votes not readable"
        )


def calibrate(
    grader: ChatGrader, judgement: str, examples: Sequence[Known], *, seed: int
) -> Calibration:
    """Return the grader's rates on labelled examples of one judgement.

    Where gaps left more of one kind, as many of the other count, drawn at random.
    """
    if not examples:
        raise UserError(f"no examples of {judgement} were given; see known_examples.")
    found = grader.grade_all([each.prompt for each in examples])
    told = [
        (each.is_true, verdict)
        for each, verdict in zip(examples, found, strict=True)
        if isinstance(verdict, Verdict)
    ]
    rng = stream(seed, f"organisms/hub/calibration/{judgement}")
    kinds = [
        [verdict for is_true, verdict in told if is_true == kind] for kind in (True, False)
    ]
    num = min(map(len, kinds))
    kept = [[kind[n] for n in rng.permutation(len(kind))[:num]] for kind in kinds]
    accuracy, area = _rates(kept, num)
    return Calibration(
        judgement=judgement,
        grader=grader.name,
        balanced_accuracy=accuracy,
        auroc=area,
        num_examples=2 * num,
        num_gaps=len(examples) - len(told),
        missing_votes=sum(sum(verdict.missing.values()) for _, verdict in told),
    )


def _rates(kept: list[list[Verdict]], num: int) -> tuple[Interval | Gap, Interval | Gap]:
    if num < FEWEST:
        few = f"{num} examples of a kind have a verdict, and {FEWEST} are needed"
        return Gap(name="balanced_accuracy", reason=few), Gap(name="auroc", reason=few)
    said = np.array([verdict.holds for kind in kept for verdict in kind])
    true = np.repeat([True, False], num)
    right = balanced_accuracy(said, true) * 2 * num
    shares = [np.array([verdict.share for verdict in kind]) for kind in kept]
    return clopper_pearson(round(right), 2 * num), mean_credit(told_apart(*shares))


def _told(found: Interval | Gap) -> str:
    if isinstance(found, Gap):
        return f"unknown ({found.reason})"
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"
