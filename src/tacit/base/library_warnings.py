"""Warnings of other libraries, silenced or kept: by one thread at a time.

Python's filters belong to the whole process: two threads that change and restore them at once
would undo each other's.
"""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Generator
from typing import Any

_ONE_THREAD = threading.RLock()


@contextlib.contextmanager
def kept_warnings(
    category: type[Warning] = Warning,
) -> Generator[list[warnings.WarningMessage]]:
    """Keep the warnings of a category in the list that is yielded; others go their way."""
    kept: list[warnings.WarningMessage] = []
    with _ONE_THREAD, warnings.catch_warnings():
        warnings.simplefilter("always", category)
        usual = warnings.showwarning

        def show(message: Warning | str, kind: type[Warning], *where: Any) -> None:
            if issubclass(kind, category):
                kept.append(warnings.WarningMessage(message, kind, *where))
            else:
                usual(message, kind, *where)

        warnings.showwarning = show
        yield kept
