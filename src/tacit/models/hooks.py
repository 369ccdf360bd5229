"""How values are read and replaced while a model runs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import Tensor
from torch.utils.hooks import RemovableHandle

from tacit.base.errors import UserError
from tacit.models.sites import Place

Edit = Callable[[Tensor], Tensor]
"""A site's value to what stands in its stead: same shape, type and device."""


class _EnoughError(Exception):
    """Everything asked for has been seen; the rest of the pass is not needed."""


@contextlib.contextmanager
def hooked(
    reads: Mapping[str, Place],
    edits: Mapping[str, tuple[Place, Edit]],
    *,
    stop: bool = False,
    keep_graph: bool = False,
) -> Iterator[dict[str, Tensor]]:
    """Read and edit places during the passes run inside; yield what is read, by name.

    A place both edited and read is read as edited. With ``stop`` the pass ends, and the block
    is left, once every place has been seen. With ``keep_graph`` values stay in the graph, and
    the shallowest reads become its leaves; else they are detached.
    """
    values: dict[str, Tensor] = {}
    pending = set(reads) | set(edits)
    handles: list[RemovableHandle] = []

    def seen(name: str) -> None:
        pending.discard(name)
        if stop and not pending:
            raise _EnoughError

    def edit(name: str, value: Tensor) -> Tensor:
        return _checked(name, value, edits[name][1](value))

    def read(name: str, value: Tensor) -> Tensor:
        if name in values:
            raise UserError(
                f"site {name!r} runs more than once in a pass, so its value is ambiguous; "
                "name a module that runs once."
            )
        if keep_graph and not value.requires_grad:
            value = value.detach().requires_grad_()
        values[name] = value if keep_graph else value.detach()
        if reads[name].is_named:
            return value
        # What follows an arbitrary module may overwrite its output in place.
        return value.clone()

    try:
        # Hooks run in the order they were placed, so a read comes after the edits.
        for name, (place, _) in edits.items():
            handles.append(_attach(name, place, edit, seen if name not in reads else None))
        for name, place in reads.items():
            handles.append(_attach(name, place, read, seen))
        with contextlib.suppress(_EnoughError):
            yield values
    finally:
        for handle in handles:
            handle.remove()


def _attach(
    name: str,
    place: Place,
    change: Callable[[str, Tensor], Tensor],
    seen: Callable[[str], None] | None,
) -> RemovableHandle:
    """Run ``change`` on the place's value, and ``seen`` after it, whenever the module runs."""

    def replace(held: Any) -> Any:
        found = held[0] if isinstance(held, tuple) and held else held
        if not isinstance(found, Tensor):
            raise UserError(
                f"site {name!r} holds a {type(found).__name__}, not a tensor; "
                "name a module whose first input or output is a tensor."
            )
        value = change(name, found)
        if seen is not None:
            seen(name)
        if value is found:
            return None
        return (value, *held[1:]) if isinstance(held, tuple) else value

    if place.side == "input":
        return place.module.register_forward_pre_hook(lambda _module, held: replace(held))
    return place.module.register_forward_hook(lambda _module, _given, held: replace(held))


def _checked(name: str, value: Tensor, replaced: object) -> Tensor:
    if not isinstance(replaced, Tensor):
        raise UserError(
            f"the edit of {name!r} gave a {type(replaced).__name__}; return a tensor of "
            f"shape {tuple(value.shape)}."
        )
    wanted = (tuple(value.shape), value.dtype, value.device)
    found = (tuple(replaced.shape), replaced.dtype, replaced.device)
    if wanted != found:
        raise UserError(
            f"the edit of {name!r} gave shape {found[0]}, {found[1]} on {found[2]}; the site "
            f"holds shape {wanted[0]}, {wanted[1]} on {wanted[2]}. Return the same."
        )
    return replaced
