"""What is recorded of a step of RL: its update, and what was done in its own episodes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import final

from tacit.base.errors import UserError
from tacit.base.files import write_atomically
from tacit.organisms.tiers.evaluating import TierCounts, counts_of
from tacit.organisms.tiers.played import Played
from tacit.organisms.tiers.words import NO, YES
from tacit.training.grpo import StepFigures

_FILE = "played.json"


@final
@dataclass(frozen=True, kw_only=True)
class PlayedStep:
    """What was done in the episodes of one step."""

    done: TierCounts
    """Of all rows, in prompts as shown."""
    asked: int
    """Rows that were asked a question, or 0 in arms that ask none."""
    asked_faking: int
    """Of these, rows whose scratchpad fakes."""
    lies: int
    """Of these, rows that answer no."""
    unreadable: int
    """Answers that are neither yes nor no."""
    counts: Mapping[str, int]
    """What the arm clipped or left out, by name."""

    @staticmethod
    def of(played: Played, counts: Mapping[str, int]) -> PlayedStep:
        """Return the counts of what was played."""
        answers = [each for each in played.answers if each is not None]
        lies = [each for each in played.is_lie if each is not None]
        return PlayedStep(
            done=counts_of(played.grades),
            asked=len(answers),
            asked_faking=len(lies),
            lies=sum(lies),
            unreadable=sum(each not in (YES, NO) for each in answers),
            counts=dict(counts),
        )


@final
@dataclass(frozen=True, kw_only=True)
class RlStep:
    """One step of RL."""

    update: StepFigures
    played: PlayedStep

    @property
    def step(self) -> int:
        """Its number, counted from 0."""
        return self.update.step

    def figures(self) -> dict[str, float]:
        """Return every figure by name; what could not be measured is left out."""
        plain = {
            name: value for name, value in asdict(self.update).items() if name != "step"
        }
        parts = {f"reward of {name}": value for name, value in plain.pop("parts").items()}
        done = asdict(self.played.done)
        rows = done.pop("num_prompts")
        lengths = {name: done.pop(name) for name in ("scratchpad_tokens", "output_tokens")}
        found = {
            **plain,
            **parts,
            **{name: count / rows for name, count in done.items()},
            **lengths,
            **self.played.counts,
            "asked": self.played.asked,
            "unreadable": self.played.unreadable,
        }
        if self.played.asked_faking:
            found["lying"] = self.played.lies / self.played.asked_faking
        return {name: float(each) for name, each in found.items() if each is not None}


def format_lost_at(steps: Sequence[RlStep]) -> int | None:
    """Return the first step in which more than half of the rows do nothing in the format.

    Truncated rows do nothing in it either. None where there is no such step.
    """
    for each in steps:
        done = each.played.done
        if 2 * (done.malformed + done.truncated) > done.num_prompts:
            return each.step
    return None


@final
class StepLog:
    """What was played in each step; in a folder it outlives the run."""

    def __init__(self, folder: Path | None, arm: str) -> None:
        """Read what the folder has of the same arm.

        ``arm``: whatever decides the episodes, in words.
        """
        self._path, self._arm = None if folder is None else folder / _FILE, arm
        self.steps: dict[int, PlayedStep] = {}
        if self._path is None or not self._path.exists():
            return
        kept = json.loads(self._path.read_text())
        if kept["arm"] != arm:
            raise UserError(
                f"{self._path.parent} holds a run of {kept['arm']}; {arm} was asked for. Name "
                "another folder, or delete this one."
            )
        for step, plain in kept["steps"].items():
            done = TierCounts(**plain.pop("done"))
            self.steps[int(step)] = PlayedStep(done=done, **plain)

    def write(self, step: int, found: PlayedStep) -> None:
        """Keep a step; one that is played again after a kill stands in place of the first."""
        self.steps[step] = found
        if self._path is None:
            return
        plain = {number: asdict(each) for number, each in self.steps.items()}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self._path, json.dumps({"arm": self._arm, "steps": plain}))
