"""Do the named sites hold what their names promise? Asked of every subject that is loaded.

On a few tokens, in the subject's own type: what a block's parts add is what the residual stream
gains (through the norms over the stream, where there are any); the MLP's last map takes ``mlp.N``
to ``mlp_out.N``; with ``attn_out`` silenced nothing passes between positions; the last stream
through the final norm and the head gives the logits. A site that fails is refused.
Axes: b batch, t position, d activation width.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Int
from torch import Tensor, nn

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.models.families import Family
from tacit.models.flows import Flow
from tacit.models.sites import body_of
from tacit.models.subject import HEAD, Subject

NUM_TOKENS = 8
ROUNDINGS = 2
"""A block adds twice to the stream, each time rounding once."""
SAME_SUM = 4
"""Roundings of the largest entry allowed where the same modules compute the same thing again."""


@final
@dataclass(frozen=True, kw_only=True)
class Proof:
    """What was found on loading."""

    widths: Mapping[str, int]
    """Of the sites that hold."""
    refused: Mapping[str, str]
    """Site to reason; ``HEAD`` stands for the final norm and the head."""


def prove(subject: Subject) -> Proof:
    """Return which named sites of a subject hold, and why the others do not."""
    family, named = subject.family, subject.site_map.named
    refused = dict(subject.site_map.refused)
    if family is None or not named:
        return Proof(widths={}, refused=refused)
    ids = _tokens(subject)
    try:
        flow = subject.run(ids, sites=tuple(named), logits=subject.is_causal)
    except (UserError, RuntimeError, TypeError) as error:
        reason = f"the sites could not be read together ({error})"
        return Proof(widths={}, refused=refused | dict.fromkeys([*named, HEAD], reason))
    num_layers = sum(name.startswith("resid.") for name in named)
    for n in range(num_layers):
        refused |= _layer(subject, family, flow, n)
    refused |= _mixing(subject, ids, num_layers)
    if flow.logits is not None and family.final_norm and family.head:
        refused |= _head(subject, family, flow, f"resid.{num_layers - 1}")
    widths = {
        site: value.shape[-1]
        for site, value in flow.activations.items()
        if site not in refused
    }
    return Proof(widths=widths, refused=refused)


def _tokens(subject: Subject) -> Int[Tensor, "1 t"]:
    length = min(NUM_TOKENS, subject.context_tokens or NUM_TOKENS)
    drawn = stream(0, "models/proof").integers(0, subject.vocab_size or 1, size=(1, length))
    return torch.from_numpy(drawn)


def _layer(subject: Subject, family: Family, flow: Flow, n: int) -> dict[str, str]:
    """Return the sites of one layer that fail, with reasons."""
    read, refused = flow.activations, {}
    before, attention, mlp, after = (
        read.get(name)
        for name in (
            f"resid.{n - 1}" if n else "embed",
            f"attn_out.{n}",
            f"mlp_out.{n}",
            f"resid.{n}",
        )
    )
    if before is None or attention is None or mlp is None or after is None:
        reason = (
            "a part of its block is not where the family's row says, so nothing proves it"
        )
        sites = (f"attn_out.{n}", f"mlp_out.{n}", f"mlp.{n}", f"resid.{n}")
        return {site: subject.site_map.refused.get(site, reason) for site in sites}
    found = _stream_gains(subject, family, n, before, attention, mlp, after)
    if found:
        reason = f"block {n}'s output is not its input plus attn_out.{n} plus mlp_out.{n} ({found})"
        refused = dict.fromkeys([f"attn_out.{n}", f"mlp_out.{n}", f"resid.{n}"], reason)
    last_map, given = (
        subject.site_map.named[f"{kind}.{n}"].module for kind in ("mlp", "mlp_out")
    )
    way = [last_map] if given is last_map else [last_map, given]
    found = _recomputed(way, read[f"mlp.{n}"], mlp)
    if found:
        refused[f"mlp.{n}"] = (
            f"through the MLP's last map it does not give mlp_out.{n} ({found})"
        )
    return refused


def _stream_gains(
    subject: Subject,
    family: Family,
    n: int,
    before: Tensor,
    attention: Tensor,
    mlp: Tensor,
    after: Tensor,
) -> str | None:
    """Return how a block's output is not its input plus its parts, or None."""
    for part in (before, attention, mlp):
        if part.shape != after.shape:
            return f"a part has shape {tuple(part.shape)}, the stream {tuple(after.shape)}"
    if family.post_norms is None:
        # A device map may put neighbouring blocks on two devices.
        parts = [value.to(after.device).double() for value in (before, attention, mlp)]
        sizes = torch.stack([*parts, after.double()]).abs().sum(dim=0)
        allowed = ROUNDINGS * torch.finfo(after.dtype).eps * sizes
        return _differs(sum(parts[1:], parts[0]), after, allowed)
    try:
        first, second = (
            body_of(subject.model).get_submodule(path.format(n=n))
            for path in family.post_norms
        )
        with torch.no_grad():
            summed = before.to(attention.device) + attention
            normed = first(summed)
            whole = second(normed + mlp.to(normed.device))
            return _differs(whole, after, _same(after))
    except (AttributeError, RuntimeError, TypeError) as error:
        return f"the norms over the stream failed: {error}"


def _mixing(subject: Subject, ids: Tensor, num_layers: int) -> dict[str, str]:
    """Return the sites of layers where something besides ``attn_out`` crosses positions."""
    layers = [
        n
        for n in range(num_layers)
        if {f"attn_out.{n}", f"mlp_out.{n}"} <= set(subject.site_map.named)
    ]
    other = ids.clone()
    other[:, 0] = (other[:, 0] + 1) % (subject.vocab_size or 1)
    silenced = {f"attn_out.{n}": torch.zeros_like for n in layers}
    sites = [f"mlp_out.{n}" for n in layers]
    one, two = (subject.run(given, sites=sites, edits=silenced) for given in (ids, other))
    refused: dict[str, str] = {}
    for n in layers:
        last, last_other = (flow.activations[f"mlp_out.{n}"][:, -1] for flow in (one, two))
        # Equal inputs in equal places of equal shapes: one rounding is already generous.
        found = _differs(last_other, last, _same(last) / SAME_SUM)
        if found:
            reason = f"the first token reaches mlp_out.{n} with attn_out silenced ({found})"
            refused |= dict.fromkeys([f"attn_out.{n}", f"mlp_out.{n}", f"mlp.{n}"], reason)
    return refused


def _head(subject: Subject, family: Family, flow: Flow, last: str) -> dict[str, str]:
    """Return the last site and the head if the one does not give the logits through the other."""
    if last not in flow.activations or flow.logits is None:
        return {}
    try:
        modules = [
            body_of(subject.model).get_submodule(family.final_norm or ""),
            subject.model.get_submodule(family.head or ""),
        ]
    except AttributeError as error:
        found = str(error)
    else:
        cap = _logit_cap(subject)
        modules += [] if cap is None else [_Cap(cap)]
        found = _recomputed(modules, flow.activations[last], flow.logits)
    if found is None:
        return {}
    reason = (
        f"{last} through the final norm and the head does not give the logits ({found})"
    )
    return dict.fromkeys([last, HEAD], reason)


def _logit_cap(subject: Subject) -> float | None:
    """Return c where the subject's logits are c tanh(head / c), or None."""
    family = subject.family
    if family is None or family.logit_cap_key is None:
        return None
    model: Any = subject.model
    return getattr(model.config.get_text_config(), family.logit_cap_key)


@final
class _Cap(nn.Module):
    """What some models put behind the head."""

    def __init__(self, cap: float) -> None:
        super().__init__()
        self.cap = cap

    def forward(self, logits: Tensor) -> Tensor:
        return (logits / self.cap).tanh() * self.cap


def _recomputed(modules: list[nn.Module], value: Tensor, expected: Tensor) -> str | None:
    try:
        with torch.no_grad():
            for module in modules:
                value = module(value)
            return _differs(value, expected, _same(expected))
    except (RuntimeError, TypeError) as error:
        return f"the module failed: {error}"


def _same(expected: Tensor) -> Tensor:
    return SAME_SUM * torch.finfo(expected.dtype).eps * expected.double().abs().max()


def _differs(found: Tensor, expected: Tensor, allowed: Tensor) -> str | None:
    """Return how two values differ beyond what is allowed, or None."""
    if found.shape != expected.shape:
        return f"shape {tuple(found.shape)} where {tuple(expected.shape)} is expected"
    difference = (found.to(expected.device).double() - expected.double()).abs()
    if not bool(difference.isfinite().all()):
        return "there are values that are not finite"
    if bool((difference > allowed).any()):
        return f"off by {float(difference.max()):.3g}, allowed {float(allowed.max()):.3g}"
    return None
