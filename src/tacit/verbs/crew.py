"""Processes that fit together, as those that make a folder together."""

from __future__ import annotations

from tacit.activations.crew import Crew
from tacit.dictionaries.ranks import Ranks


def crew_of(ranks: Ranks) -> Crew:
    """Return the same processes, waiting for each other by what they hear of each other."""

    def wait() -> None:
        ranks.heard(own=True)

    return Crew(number=ranks.number, count=ranks.count, wait=wait)
