"""What the names of sites mean in one model: which module, and its input or its output.

``embed``: what enters block 0. ``resid.N``: what leaves block N, before any final norm.
``attn_out.N``, ``mlp_out.N``: what attention and the MLP add to the residual stream.
``mlp.N``: what enters the MLP's last linear map. A dotted module path: what that module gives.
Where several are read, ``resid.*`` stands for all that it matches.
"""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, final

from torch import nn

from tacit.base.errors import UserError
from tacit.models.families import Family

PATTERN = frozenset("*?[")
"""Characters that make a site's name a pattern, as in a shell."""
LISTED_PATHS = 12
"""Module paths that an error prints before it only counts the rest."""


@final
@dataclass(frozen=True, kw_only=True)
class Place:
    """A value that flows through a model."""

    module: nn.Module = field(repr=False)
    side: Literal["input", "output"]
    """Whether the value is the module's first input or its (first) output."""
    is_named: bool
    """Named sites run once a pass; nothing is known of an arbitrary module path."""


@final
@dataclass(frozen=True, kw_only=True)
class Sites:
    """The sites of one model."""

    of: str
    """The subject's name, for errors."""
    model: nn.Module = field(repr=False)
    named: Mapping[str, Place]
    """The family's sites, shallow to deep; empty where the family is not known."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Sites that did not prove themselves, with the reason."""
    rowless: str | None = None
    """What transformers calls the model's family, where no row is kept of it."""

    def names(self) -> tuple[str, ...]:
        """Return the named sites that may be used, else every module path."""
        if self.named:
            return tuple(name for name in self.named if name not in self.refused)
        return tuple(path for path, _ in self.model.named_modules() if path)

    def expand(self, sites: Sequence[str]) -> tuple[str, ...]:
        """Return sites with every pattern (``resid.*``, ``mlp.[02]``) as what it matches, once.

        Raises ``UserError`` for a pattern that matches nothing; a plain name is left to ``find``.
        """
        found: list[str] = []
        for site in sites:
            if not set(site) & PATTERN:
                found.append(site)
                continue
            matches = fnmatch.filter(self.names(), site)
            if not matches:
                raise UserError(
                    f"no site of {self.of} matches the pattern {site!r}. "
                    f"Known: {listing(self.names())}."
                )
            found += matches
        return tuple(dict.fromkeys(found))

    def find(self, site: str) -> Place:
        """Return the place a site's name stands for, or raise the error that lists them."""
        if site in self.refused:
            raise UserError(
                f"site {site!r} of {self.of} is refused: {self.refused[site]}. "
                "Correct the family's row in tacit.models.families, or name a module path."
            )
        if site in self.named:
            return self.named[site]
        modules = dict(self.model.named_modules())
        if site and site in modules:
            return Place(module=modules[site], side="output", is_named=False)
        raise UserError(self._unknown(site, modules))

    def _unknown(self, site: str, modules: Mapping[str, nn.Module]) -> str:
        known = self.names()
        several = fnmatch.filter(known, site) if set(site) & PATTERN else []
        if several:
            return (
                f"{site!r} stands for {len(several)} sites of {self.of} where one is needed; "
                f"name one of {listing(several)}."
            )
        kind = re.fullmatch(r"(\w+)\.(\d+)", site)
        if kind and f"{kind[1]}.0" in self.named:
            layers = sum(name.startswith(f"{kind[1]}.") for name in self.named)
            return (
                f"{self.of} has no site {site!r}: it has {layers} layers, so use "
                f"{listing(name for name in self.named if name.startswith(f'{kind[1]}.'))}."
            )
        near = difflib.get_close_matches(site, [*known, *filter(None, modules)], n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        paths = ", or a module path" if self.named else ""
        family = (
            f" Its family, {self.rowless}, has no row in tacit.models.families, so only module "
            "paths are known: a row with the paths of its blocks, norms and head gives it sites "
            "such as resid.0."
            if self.rowless
            else ""
        )
        return (
            f"no site of {self.of} is called {site!r}.{hint} Known: {listing(known)}{paths}."
            f"{family}"
        )


def body_of(model: nn.Module) -> nn.Module:
    """Return the module that the paths of a family's row start from."""
    from transformers import PreTrainedModel

    return model.base_model if isinstance(model, PreTrainedModel) else model


def named_places(
    body: nn.Module, family: Family, num_layers: int
) -> tuple[dict[str, Place], dict[str, str]]:
    """Return the family's sites in ``body``, shallow to deep, and why any cannot be placed."""
    places: dict[str, Place] = {}
    missing: dict[str, str] = {}

    def place(name: str, path: str, side: Literal["input", "output"]) -> None:
        try:
            module = body.get_submodule(path)
        except AttributeError:
            missing[name] = f"there is no module at {path!r}"
        else:
            places[name] = Place(module=module, side=side, is_named=True)

    place("embed", family.block.format(n=0), "input")
    for n in range(num_layers):
        place(f"attn_out.{n}", family.attention_out.format(n=n), "output")
        place(f"mlp.{n}", family.mlp_last.format(n=n), "input")
        place(f"mlp_out.{n}", (family.mlp_norm or family.mlp_last).format(n=n), "output")
        place(f"resid.{n}", family.block.format(n=n), "output")
    return places, missing


def listing(names: Iterable[str]) -> str:
    """Return names in short: numbered ones as ranges, e.g. ``embed, resid.0 to resid.3``."""
    parts: list[str] = []
    runs: dict[str, list[int]] = {}
    for name in names:
        stem, _, number = name.rpartition(".")
        if stem and number.isdigit() and "." not in stem:
            if stem not in runs:
                parts.append(stem)
            runs.setdefault(stem, []).append(int(number))
        else:
            parts.append(name)
    parts = [_run(part, runs[part]) if part in runs else part for part in parts]
    more = f" and {len(parts) - LISTED_PATHS} more" if len(parts) > LISTED_PATHS else ""
    return (", ".join(parts[:LISTED_PATHS]) or "none") + more


def _run(stem: str, numbers: list[int]) -> str:
    if len(numbers) > 1 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{stem}.{numbers[0]} to {stem}.{numbers[-1]}"
    return ", ".join(f"{stem}.{number}" for number in numbers)
