"""How values are read and replaced while a model runs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, final

from torch import Tensor
from torch.utils.hooks import RemovableHandle

from tacit.base.errors import UserError
from tacit.models.sites import Place, Sites

Edit = Callable[[Tensor], Tensor]
"""A site's value to what stands in its stead: same shape, type and device."""


class _EnoughError(Exception):
    """Everything asked for has been seen; the rest of the pass is not needed."""


@contextlib.contextmanager
def hooked(
    sites: Sites,
    reads: Iterable[str] = (),
    edits: Mapping[str, Edit] | None = None,
    *,
    stop: bool = False,
    keep_graph: bool = False,
) -> Iterator[dict[str, Tensor]]:
    """Read and edit sites during the passes run inside; yield what is read, by name.

    A site both edited and read is read as edited. With ``stop`` the pass ends, and the block is
    left, once every site has been seen; it goes on where one is a module path, to be sure that
    the module runs once. With ``keep_graph`` values stay in the graph, the shallowest as its
    leaves; else they are detached.
    """
    edits = edits or {}
    edited = {name: sites.find(name) for name in edits}
    places = {name: sites.find(name) for name in reads}
    watch = _Watch(
        reads=places,
        edits=edits,
        stop=stop and all(place.is_named for place in [*edited.values(), *places.values()]),
        keep_graph=keep_graph,
    )
    handles: list[RemovableHandle] = []
    try:
        # Hooks run in the order they were placed, so a read comes after the edits.
        for name, place in edited.items():
            handles.append(_attach(name, place, watch.edit))
        for name, place in places.items():
            handles.append(_attach(name, place, watch.read))
        with contextlib.suppress(_EnoughError):
            yield watch.values
    finally:
        for handle in handles:
            handle.remove()


@final
@dataclass(kw_only=True)
class _Watch:
    """What has been seen of the passes that run inside ``hooked``."""

    reads: Mapping[str, Place]
    edits: Mapping[str, Edit]
    stop: bool
    keep_graph: bool
    values: dict[str, Tensor] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)

    def edit(self, name: str, value: Tensor) -> Tensor:
        """Return what stands in the value's stead."""
        replaced = _checked(name, value, self.edits[name](value))
        # A site that is read too is only seen once that has happened.
        if name not in self.reads:
            self._seen(name)
        return replaced

    def read(self, name: str, value: Tensor) -> Tensor:
        """Keep the value, and return what the model goes on with."""
        if name in self.values:
            raise UserError(
                f"site {name!r} runs more than once in a pass, so its value is ambiguous; "
                "name a module that runs once."
            )
        if self.keep_graph and not value.requires_grad:
            value = value.detach().requires_grad_()
        self.values[name] = value if self.keep_graph else value.detach()
        # What follows an arbitrary module may overwrite its output in place.
        going_on = value if self.reads[name].is_named else value.clone()
        self._seen(name)
        return going_on

    def _seen(self, name: str) -> None:
        self.done.add(name)
        if self.stop and self.done >= self.reads.keys() | self.edits.keys():
            raise _EnoughError


def _attach(
    name: str, place: Place, change: Callable[[str, Tensor], Tensor]
) -> RemovableHandle:
    """Put what ``change`` makes of the place's value in its stead, whenever the module runs."""

    def replace(held: Any) -> Any:
        found = held[0] if isinstance(held, tuple) and held else held
        if not isinstance(found, Tensor):
            raise UserError(
                f"site {name!r} holds a {type(found).__name__}, not a tensor; "
                "name a module whose first input or output is a tensor."
            )
        value = change(name, found)
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
