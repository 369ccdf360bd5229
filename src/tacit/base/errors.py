"""How a mistake of the user is told: what was asked, what was found, what to change."""

import difflib
from collections.abc import Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")


class UserError(Exception):
    """A mistake that the user can mend. The command line prints it alone and exits with 2."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """Return the error for a name that is not known, with the nearest one and all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    listed = ", ".join(names) if names else "none"
    return UserError(f"no {kind} is called {name!r}.{hint} Known: {listed}.")


def look_up(table: Mapping[str, T], name: str, kind: str) -> T:
    """Return ``table[name]``, or raise the error that lists the names there are."""
    if name in table:
        return table[name]
    raise unknown(kind, name, table)
