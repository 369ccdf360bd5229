"""What a micro subject has learnt, task by task, on prompts that its text never holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tacit.base.files import write_atomically
from tacit.data.stories.tasks import pairs_of
from tacit.metrics.intervals import wilson
from tacit.models.load import load_subject
from tacit.models.prompt_pairs import preferences, read_pairs

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedTokenizerFast

EXAMS: Mapping[str, tuple[str, ...]] = {
    "stories": ("ioi", "ioi-swapped", "pronoun", "agreement", "bracket"),
}
"""Text -> the tasks that whoever has read it should solve."""
FINAL, MIDWAY = 1_000, 200
"""Prompts of each task at the end and on the way."""
EVERY_STEPS = 100
SEED = 7
"""Of the prompts; studies draw theirs from other seeds."""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """How often the right word is likelier than the wrong one."""

    accuracy: float
    low: float
    high: float
    """95 % interval over prompts (Wilson)."""
    num_prompts: int
    num_skipped: int
    """Prompts that the tokenizer does not read as asked."""


def examined(
    model: nn.Module, tokenizer: PreTrainedTokenizerFast, source: str, count: int
) -> dict[str, Mark]:
    """Return the mark of every task that goes with a text; none for a text without tasks."""
    tasks = EXAMS.get(source, ())
    if not tasks:
        return {}
    is_training = model.training
    subject = load_subject(model, tokenizer=tokenizer)
    marks = {}
    for task in tasks:
        prompts = read_pairs(subject, pairs_of(task, count, SEED))
        right = int((preferences(subject, prompts) > 0).sum())
        found = wilson(right, len(prompts))
        assert found.ends is not None, "prompts were read"
        marks[task] = Mark(
            accuracy=found.value,
            low=found.ends[0],
            high=found.ends[1],
            num_prompts=len(prompts),
            num_skipped=sum(prompts.skipped.values()),
        )
    model.train(is_training)
    return marks


class LearningCurve:
    """The marks on the way, kept beside the state of a training that may be stopped."""

    def __init__(self, folder: Path | None) -> None:
        """Read what was kept in ``folder``, if anything."""
        self.path = None if folder is None else folder / "exam.json"
        kept = self.path is not None and self.path.exists()
        self.accuracies: dict[str, dict[str, float]] = (
            json.loads(self.path.read_text()) if kept and self.path else {}
        )
        """Step -> accuracy of each task."""

    def examine(
        self, step: int, model: nn.Module, tokenizer: PreTrainedTokenizerFast, source: str
    ) -> None:
        """Add the marks after a step, where one is due and not there yet."""
        due = step % EVERY_STEPS == 0 and str(step) not in self.accuracies
        if not due or source not in EXAMS:
            return
        marks = examined(model, tokenizer, source, MIDWAY)
        self.accuracies[str(step)] = {task: mark.accuracy for task, mark in marks.items()}
        if self.path is not None:
            write_atomically(self.path, json.dumps(self.accuracies))


def as_facts(marks: Mapping[str, Mark]) -> dict[str, dict[str, float]]:
    """Return marks as plain JSON."""
    return {task: asdict(mark) for task, mark in marks.items()}
