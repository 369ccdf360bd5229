"""Explains and scores many features at once: each one kept in the ledger as soon as it is done.

What is in the ledger is not done again, whether an explanation or a gap; so a run that was killed,
ran into its budget or was stopped goes on where it was.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar, final

from tacit.base.errors import UserError
from tacit.base.progress import Progress, Task, silent
from tacit.base.records import Gap
from tacit.base.seeds import stream
from tacit.explanations.exhibits import Exhibits
from tacit.explanations.explanation import Explainer, Explanation, check_same_dictionary
from tacit.explanations.ledger import Ledger
from tacit.explanations.ledger_records import (
    explained_key,
    is_wanting,
    record_of,
    scored_key,
)
from tacit.explanations.reader import Reader
from tacit.explanations.scorer import Scorer
from tacit.models.spending import Budget, BudgetReached

AT_ONCE = 50
"""Features under way; their fragments are all that is held of the text."""
T = TypeVar("T")


@final
@dataclass(kw_only=True, eq=False)
class Worked:
    """What a stretch of work came to."""

    num_before: int = 0
    """Records, of those asked for, that the ledger had already."""
    num_done: int = 0
    """Records added, gaps among them."""
    gaps: Counter[str] = field(default_factory=Counter[str])
    """Gaps added, by kind."""
    stopped: str | None = None
    """Why not all was begun; None where it was."""


async def explain_all(
    features: Iterable[int],
    exhibits: Callable[[int], Exhibits | Gap],
    explainer: Explainer,
    ledger: Ledger,
    *,
    at_once: int = AT_ONCE,
    budget: Budget | None = None,
    again: bool = False,
    progress: Progress = silent,
) -> Worked:
    """Explain every feature that the ledger lacks.

    ``exhibits`` is asked for a feature when its turn comes. ``budget``: the one that the
    explainer's chat model counts in. ``again``: also those that ended in a gap.
    """

    async def one(feature: int) -> None:
        shown = exhibits(feature)
        said = shown if isinstance(shown, Gap) else await explainer.explain(shown)
        await keep(explained_key(explainer, feature), record_of(said))
        _count(worked, said)

    worked, keep = Worked(), _keeper(ledger)
    left = [
        each
        for each in dict.fromkeys(features)
        if _is_left(ledger, explained_key(explainer, each), worked, again=again)
    ]
    with progress("explain", len(left) + worked.num_before, "features") as advance:
        advance(worked.num_before, earlier=True)
        worked.stopped = await _each(left, one, advance, at_once=at_once, budget=budget)
    return worked


async def score_all(
    explanations: Iterable[Explanation],
    exhibits: Callable[[int], Exhibits | Gap],
    reader: Reader,
    scorers: Sequence[Scorer],
    ledger: Ledger,
    *,
    seed: int = 0,
    at_once: int = AT_ONCE,
    budget: Budget | None = None,
    again: bool = False,
    progress: Progress = silent,
) -> Worked:
    """Score every explanation by every scorer, where the ledger lacks their scores.

    A scorer added later is asked alone. ``again``: also scorings that have a row without a value
    or with fragments left unanswered.
    """

    async def one(task: tuple[Explanation, list[Scorer]]) -> None:
        explanation, missing = task
        shown = exhibits(explanation.feature)
        if isinstance(shown, Exhibits):
            check_same_dictionary(explanation, shown)
        for scorer in missing:
            key = scored_key(scorer, reader, explanation)
            if isinstance(shown, Gap):
                await keep(key, record_of(shown))
                _count(worked, shown)
                continue
            rng = stream(seed, f"explanations/{scorer.name}/{explanation.feature}")
            rows = await scorer.score(explanation, shown, reader, rng)
            await keep(key, {"scores": [asdict(row) for row in rows]})
            worked.num_done += 1

    worked, keep, asked = Worked(), _keeper(ledger), list(explanations)
    tasks: list[tuple[Explanation, list[Scorer]]] = []
    for explanation in asked:
        missing = [
            scorer
            for scorer in scorers
            if _is_left(
                ledger, scored_key(scorer, reader, explanation), worked, again=again
            )
        ]
        if missing:
            tasks.append((explanation, missing))
    with progress("score", len(asked), "features") as advance:
        advance(len(asked) - len(tasks), earlier=True)
        worked.stopped = await _each(tasks, one, advance, at_once=at_once, budget=budget)
    return worked


def _keeper(ledger: Ledger) -> Callable[[str, dict[str, Any]], Awaitable[None]]:
    """Return what appends a record while other answers come in: the disk takes milliseconds."""
    one_writes = asyncio.Lock()

    async def keep(key: str, record: dict[str, Any]) -> None:
        async with one_writes:
            await asyncio.to_thread(ledger.append, key, record)

    return keep


def _is_left(ledger: Ledger, key: str, worked: Worked, *, again: bool) -> bool:
    if key in ledger and not (again and is_wanting(ledger.records[key])):
        worked.num_before += 1
        return False
    return True


def _count(worked: Worked, said: Explanation | Gap) -> None:
    worked.num_done += 1
    if isinstance(said, Gap):
        worked.gaps[str(said.of.get("kind", "left out"))] += 1


async def _each(
    tasks: Sequence[T],
    do: Callable[[T], Awaitable[None]],
    advance: Task,
    *,
    at_once: int,
    budget: Budget | None,
) -> str | None:
    """Do every task, some at once; return why not all were begun, where the budget is reached.

    Tasks under way are then brought to their end, as they are when one fails, so that what is
    paid for is kept; cancelling this, as Ctrl-C does, cancels them.
    """
    if at_once < 1:
        raise UserError(f"{at_once} features at once were asked for; give 1 or more.")
    pace = _Pace(budget)
    under_way: set[asyncio.Task[None]] = set()

    async def one(task: T) -> None:
        with budget.work() if budget else contextlib.nullcontext():
            await do(task)
        pace.num_done += 1
        advance()

    try:
        for task in tasks:
            while under_way and not (
                len(under_way) < at_once and pace.has_room(len(under_way))
            ):
                under_way = await _some_done(under_way)
            if budget is not None:
                budget.check()
            under_way.add(asyncio.create_task(one(task)))
        while under_way:
            under_way = await _some_done(under_way)
    except BudgetReached as reached:
        return str(reached)
    except asyncio.CancelledError:
        for each in under_way:
            each.cancel()
        raise
    finally:
        await asyncio.gather(*under_way, return_exceptions=True)
    return None


async def _some_done(under_way: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
    """Return the tasks still under way, once some are done; raise what one of those raised."""
    done, left = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
    return left


@final
class _Pace:
    """Begins no more work than the rest of the budget is likely to pay for."""

    def __init__(self, budget: Budget | None) -> None:
        self.budget = budget
        self.before = budget.share if budget else 0.0
        self.num_done = 0

    def has_room(self, num_under_way: int) -> bool:
        """Whether one more fits, each costing the mean of those done; yes while none is."""
        if self.budget is None or self.num_done == 0:
            return True
        mean = (self.budget.share - self.before) / self.num_done
        return self.before + mean * (self.num_done + num_under_way + 1) <= 1
