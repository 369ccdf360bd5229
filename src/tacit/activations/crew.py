"""Processes that make one folder together, such as the shards of a store."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tacit.base.folders import partial_of, whole_folder


def _not_at_all() -> None:
    """Wait for nobody."""


@dataclass(frozen=True, kw_only=True)
class Crew:
    """One process's place among those that make a folder; alone unless told otherwise."""

    number: int = 0
    count: int = 1
    wait: Callable[[], None] = _not_at_all
    """Returns once every process has called it."""

    def has(self, shard: int) -> bool:
        """Return whether a shard is this process's to write."""
        return shard % self.count == self.number

    @contextlib.contextmanager
    def folder(
        self, final: Path, manifest: Mapping[str, Any], *, replace: bool
    ) -> Generator[Path, None, None]:
        """Yield the partial folder of ``final``, which the first process makes and completes."""
        with contextlib.ExitStack() as held:
            if self.number == 0:
                held.enter_context(whole_folder(final, manifest, replace=replace))
            self.wait()  # it is there
            yield partial_of(final)
            self.wait()  # nobody reads or writes in it any more
        self.wait()  # it is in its place


ALONE = Crew()
