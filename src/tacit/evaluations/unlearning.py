"""Can a dictionary's atoms make the model forget one thing, at little cost to all else?

Axes: m training rows, w windows, t positions, p predictions of tokens to be forgotten, k atoms.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from tacit.base.records import Gap
from tacit.base.seeds import stream
from tacit.evaluations.clamping import Clamp, clamp_of, clamp_of_means, sparse_atoms
from tacit.evaluations.concepts import UNKNOWN, Concept
from tacit.evaluations.evidence import Evidence, Live
from tacit.evaluations.measure import Measure, Readings
from tacit.evaluations.parts import by_document
from tacit.evaluations.read_windows import NONE, ReadWindows, next_truth, windows_of
from tacit.evaluations.readings import Reading
from tacit.interventions.loss import BATCH_WINDOWS, next_token_losses
from tacit.metrics.editing import dose_at_price

FEWEST_FIRINGS = 20
"""Training rows on which an atom must fire to be drawn as a control."""
FEWEST_TRAINING, FEWEST_HELD_OUT = 20, 10
"""Tokens to be forgotten, and others, that each side needs."""
Ways = Iterator[tuple[Mapping[str, str | int], Clamp | None]]
"""What tells a way from others, and what it clamps: nothing, where no atom is fit for it."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """Tokens to be forgotten: which training rows come before them, which predictions to read."""

    name: str
    rows: Int[np.ndarray, " m"]
    """Training rows whose next token is known to have it or not."""
    has_it: Bool[np.ndarray, " m"]
    forget: Bool[np.ndarray, "w t"]
    """Held-out positions whose next token has it."""
    retain: Bool[np.ndarray, "w t"]


@final
@dataclass(frozen=True, kw_only=True)
class Unlearning(Measure):
    """Atoms that fire before tokens of a label and hardly elsewhere, clamped below zero.

    How far has the loss of those tokens risen where that of all others has risen by ``price``?
    After Farrell et al. 2024, arXiv:2410.19278, who forget a field of knowledge.
    """

    name: ClassVar[str] = "unlearning"
    figures: ClassVar[tuple[str, ...]] = ("forgotten_at_price", "price_unreached")
    needs_model: ClassVar[bool] = True
    edits_rows: ClassVar[bool] = True

    labels: int = 4
    """Labels at most, drawn from those with enough tokens."""
    windows: int = 48
    """Held-out windows at most in which losses are read, evenly over the text."""
    atoms: tuple[int, ...] = (5, 20)
    """Atoms clamped at most, as fewer may fire so; beside, as many as the largest at random."""
    most_on_others: float = 0.01
    """Largest share of other rows on which a chosen atom may fire."""
    doses: tuple[float, ...] = (0.0, 2.0, 8.0, 32.0)
    """What fires is set to minus so many times its mean, rising until the price is paid."""
    price: float = 0.05
    """Rise of the loss of all other tokens, in nats a token."""
    largest_share: float = 0.3
    """Share of tokens above which a label is no one thing to be forgotten."""

    def read(self, evidence: Evidence, *, seed: int) -> Readings:
        """Return what is forgotten of each label, by document, and whether the price was paid."""
        live = evidence.live
        assert live is not None, "the suite gives the model to what needs it"
        if not live.subject.is_causal:
            return self._gaps(f"{live.subject.name} predicts no next token")
        windows = windows_of(evidence, live, held_out=True, most=self.windows)
        tasks, found = self._tasks(evidence, live, windows, seed)
        run = _Runs(live, windows)
        document = evidence.document[windows.rows]
        of = {"windows_left_out": windows.num_left_out}
        for task in tasks:
            for way, clamp in self._ways(evidence, task, seed):
                rise, is_paid = self._rise(run, clamp, task)
                found += by_document(
                    "forgotten_at_price",
                    task.name,
                    rise,
                    document[task.forget],
                    {**way, **of},
                )
                found.append(
                    Reading(
                        figure="price_unreached",
                        unit=task.name,
                        top=float(not is_paid),
                        of={**way, **of},
                    )
                )
        return found

    def _tasks(
        self, evidence: Evidence, live: Live, windows: ReadWindows, seed: int
    ) -> tuple[list[Task], list[Reading | Gap]]:
        """Return the labels to be forgotten, drawn from those that training text has enough of."""
        tasks: list[Task] = []
        gaps: list[Reading | Gap] = []
        rng = stream(seed, "evaluations/unlearning/labels")
        for place in rng.permutation(len(evidence.concepts)):
            concept = evidence.concepts[place]
            if (
                not concept.is_binary
                or concept.kind == "letter"
                or len(tasks) == self.labels
            ):
                continue
            made = self._task(evidence, live, windows, concept)
            if isinstance(made, Task):
                tasks.append(made)
            else:
                gaps += self._gaps(made, concept=concept.name)
        if not tasks:
            gaps += self._gaps("no label has tokens enough to be forgotten")
        return tasks, gaps

    def _task(
        self, evidence: Evidence, live: Live, windows: ReadWindows, concept: Concept
    ) -> Task | str:
        """Return the task of forgetting a label, or why there is none."""
        truth = next_truth(evidence, live, concept)
        rows = np.flatnonzero(evidence.train & (truth != UNKNOWN))
        has_it = truth[rows] == 1
        on_grid = np.where(windows.rows != NONE, truth[windows.rows], UNKNOWN)
        counts = [int(has_it.sum()), int((~has_it).sum())]
        held_out = [int((on_grid == wanted).sum()) for wanted in (1, 0)]
        if min(counts) < FEWEST_TRAINING or min(held_out) < FEWEST_HELD_OUT:
            return (
                f"{counts[0]} of {sum(counts)} training tokens and {held_out[0]} of "
                f"{sum(held_out)} held-out ones have it; either side needs {FEWEST_TRAINING} "
                f"and {FEWEST_HELD_OUT}"
            )
        if has_it.mean() > self.largest_share:
            return f"{has_it.mean():.0%} of tokens have it: no one thing to be forgotten"
        return Task(
            name=concept.name,
            rows=rows,
            has_it=has_it,
            forget=on_grid == 1,
            retain=on_grid == 0,
        )

    def _ways(self, evidence: Evidence, task: Task, seed: int) -> Ways:
        """Yield what is clamped: the dictionary's atoms, others at random, a step of means."""
        order = sparse_atoms(evidence, task.rows, task.has_it, self.most_on_others)
        for n in self.atoms:
            way = {"way": "dictionary", "atoms": n}
            yield way, clamp_of(evidence, order[:n]) if len(order) else None
        fired = np.bincount(
            evidence.codes[evidence.train].indices, minlength=evidence.num_atoms
        )
        alive, most = np.flatnonzero(fired >= FEWEST_FIRINGS), max(self.atoms)
        rng = stream(seed, f"evaluations/unlearning/random/{task.name}")
        drawn = rng.permutation(alive)[:most]
        yield (
            {"way": "random atoms", "atoms": most},
            clamp_of(evidence, drawn) if len(drawn) else None,
        )
        means = clamp_of_means(evidence, task.rows, task.has_it)
        yield {"way": "difference of means", "atoms": 1}, means

    def _rise(
        self, run: _Runs, clamp: Clamp | None, task: Task
    ) -> tuple[Float[np.ndarray, " p"], bool]:
        """Return each forgotten token's rise at the price, and whether any dose cost so much."""
        costs, rises = [0.0], [np.zeros(int(task.forget.sum()))]
        # A loss above that of a guess at random among all tokens is no more forgotten.
        known = run.clean[task.forget]
        most = np.maximum(known, np.log(run.live.subject.vocab_size or np.inf))
        for dose in self.doses if clamp is not None else ():
            losses = run.losses(clamp, dose)
            costs.append(float((losses - run.clean)[task.retain].mean()))
            rises.append(np.minimum(losses[task.forget], most) - known)
            if costs[-1] >= self.price:
                break
        found = dose_at_price(np.array(costs), self.price)
        if found is None:
            return rises[-1], False
        before, share = found
        return (1 - share) * rises[before] + share * rises[before + 1], True

    def _gaps(self, reason: str, **of: str | int) -> list[Reading | Gap]:
        return [Gap(name=figure, reason=reason, of=of) for figure in self.figures]


@final
class _Runs:
    """The held-out windows, run clean once and under clamps."""

    def __init__(self, live: Live, windows: ReadWindows) -> None:
        self.live, self.windows = live, windows
        self.clean = self.losses()

    @torch.no_grad()
    def losses(
        self, clamp: Clamp | None = None, dose: float = 0.0
    ) -> Float[np.ndarray, "w t"]:
        """Return each position's loss for the token after it, atoms clamped at usable ones."""
        found = []
        for first in range(0, len(self.windows.ids), BATCH_WINDOWS):
            span = slice(first, first + BATCH_WINDOWS)
            where = torch.from_numpy(self.windows.usable[span])
            edits = {} if clamp is None else {self.live.site: clamp.edit(dose, where)}
            ids = torch.from_numpy(self.windows.ids[span])
            flow = self.live.subject.run(ids, edits=edits, logits=True)
            assert (
                flow.logits is not None and flow.ids is not None and flow.mask is not None
            )
            found.append(next_token_losses(flow.logits, flow.ids, flow.mask).double().cpu())
        return torch.cat(found).numpy()
