"""What drives a feature: a tree of features, each resting on some of the next shallower site.

Every edge is an ablation that was run. Beside the edges of a feature stand the drop when all of
them are ablated at once, and when as many other active features are.
Axes: b windows, n contexts, t positions, f features of the shallower site.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float

from tacit.activations.store import Store
from tacit.activations.windows import Windows, windows_in
from tacit.base.errors import UserError
from tacit.base.progress import Progress, silent
from tacit.base.seeds import stream
from tacit.dictionaries.dictionary import Dictionary
from tacit.dictionaries.selections import Largest
from tacit.interventions.ablations import Contexts, Target, ablations_of, contexts_of
from tacit.interventions.causes import By, Cause, Causes, Growth, causes_of
from tacit.interventions.differences import check_fits
from tacit.interventions.edits import check_feature
from tacit.interventions.features import activations_of
from tacit.interventions.loss import BATCH_WINDOWS
from tacit.models.sites import listing
from tacit.models.subject import Subject


@final
@dataclass(frozen=True, kw_only=True)
class Node:
    """A feature of the tree in its own contexts."""

    site: str
    feature: int
    contexts: Contexts
    causes: Causes | None
    """None for a leaf: at the shallowest site, or where the tree was to end."""

    @property
    def name(self) -> str:
        """Site and number of the feature."""
        return f"{self.site}/{self.feature}"


@final
@dataclass(frozen=True, kw_only=True)
class CausalTree:
    """A feature and its causes; a feature that several others rest on stands there once."""

    growth: Growth
    sites: tuple[str, ...]
    """Shallow to deep, the root's last."""
    nodes: tuple[Node, ...]
    """The root first, then site by site."""

    @property
    def root(self) -> Node:
        """The feature that was asked about."""
        return self.nodes[0]

    def node(self, site: str, feature: int) -> Node:
        """Return a feature of the tree."""
        return next(n for n in self.nodes if (n.site, n.feature) == (site, feature))

    def edges(self) -> Iterator[tuple[Node, Cause, Node]]:
        """Yield every feature with each of its causes, and that one's own node."""
        for node in self.nodes:
            for cause in node.causes.kept if node.causes else ():
                yield node, cause, self.node(cause.site, cause.feature)

    def rows(self) -> list[dict[str, Any]]:
        """Return the root and every edge as a flat row: a table that a report draws."""
        rows = [_row(self.root)]
        for parent, cause, node in self.edges():
            rows.append(_row(node, parent.name, cause))
        return rows


def causal_tree(
    subject: Subject,
    windows: Windows,
    dictionaries: Mapping[str, Dictionary],
    site: str,
    feature: int,
    *,
    contexts: int = 20,
    children: int = 3,
    depth: int = 3,
    smallest: float = 0.01,
    by: By = "ablation",
    seed: int = 0,
    progress: Progress = silent,
) -> CausalTree:
    """Return the features that ``feature`` of ``site`` rests on, and what those rest on, and so on.

    A feature is looked at in contexts where its activation is at least half its largest; every
    feature of the next shallower site of ``dictionaries`` that is active there is ablated alone.
    The causes with the largest mean drop are looked at in the same way. Cunningham et al. 2023,
    arXiv:2309.08600, section 5; there a drop is kept from .01 in units of the activation, here
    ``smallest`` is a share of it. By attribution, what only decides where hard attention looks is
    missed: its gradient there is 0.

    Raises:
        NeverActive: where the feature is active at none of the usable positions.
        UserError: with no dictionary of a shallower site, or one that cannot be edited.
    """
    growth = Growth(
        contexts=contexts,
        children=children,
        depth=depth,
        smallest=smallest,
        by=by,
        seed=seed,
    )
    sites = _from_root(subject, dictionaries, site)[: depth + 1]
    check_feature(dictionaries[site], feature)
    nodes: list[Node] = []
    level = [feature]
    for place, own in enumerate(sites):
        if not level:
            break
        shallower = sites[place + 1] if place + 1 < len(sites) else None
        values = _values(subject, windows, own, dictionaries[own], level)
        found = []
        for number, column in zip(level, values, strict=True):
            rng = stream(seed, f"interventions/trees/contexts/{own}/{number}")
            target = Target(site=own, dictionary=dictionaries[own], feature=number)
            at = contexts_of(windows, column, number, contexts, rng)
            causes = None
            if shallower is not None:
                below = dictionaries[shallower]
                runs = ablations_of(subject, windows, at, target, shallower, below)
                causes = causes_of(runs, at, growth, progress=progress)
            found.append(Node(site=own, feature=number, contexts=at, causes=causes))
        nodes += found
        kept = [cause for node in found if node.causes for cause in node.causes.kept]
        level = list(dict.fromkeys(cause.feature for cause in kept))
    return CausalTree(growth=growth, sites=sites[::-1], nodes=tuple(nodes))


def windows_for(
    store: Store, sites: Sequence[str], *, max_windows: int | None = None
) -> Windows:
    """Return held-out windows in which what is usable at every site is usable."""
    found = [
        windows_in(store, site, held_out=True, max_windows=max_windows) for site in sites
    ]
    usable = np.logical_and.reduce([each.usable for each in found])
    return replace(found[0], usable=usable)


def _from_root(
    subject: Subject, dictionaries: Mapping[str, Dictionary], site: str
) -> tuple[str, ...]:
    """Return the sites with a dictionary from ``site`` down to the shallowest, all checked."""
    if site not in dictionaries:
        raise UserError(
            f"a feature of {site} was to be traced, with dictionaries of "
            f"{', '.join(dictionaries) or 'no site'}; give one of {site} too."
        )
    for name, dictionary in dictionaries.items():
        check_fits(subject, name, dictionary)
        if isinstance(dictionary.selection, Largest):
            raise UserError(
                f"the dictionary of {name} is signed, and the two sides of a feature are two "
                "causes; give both as features: tacit.dictionaries.bases.halves."
            )
    known = subject.sites()
    unknown = [name for name in dictionaries if name not in known]
    if unknown:
        raise UserError(
            f"{subject.name} does not tell how deep {', '.join(unknown)} is; give dictionaries of "
            f"its named sites: {listing(known)}."
        )
    depth = known.index(site)
    found = [name for name in known[: depth + 1] if name in dictionaries]
    if len(found) < 2:
        raise UserError(
            f"no dictionary of a site before {site} was given, and features of one are what a "
            f"feature of {site} can be traced to; give one, or trace a feature of a deeper site."
        )
    return tuple(found[::-1])


@torch.no_grad()
def _values(
    subject: Subject,
    windows: Windows,
    site: str,
    dictionary: Dictionary,
    features: Sequence[int],
) -> Float[np.ndarray, "k b t"]:
    """Return the activations of k features at every usable position, 0 at the others."""
    found = np.zeros((len(features), *windows.usable.shape), dtype=np.float32)
    for first in range(0, len(windows.ids), BATCH_WINDOWS):
        span = slice(first, first + BATCH_WINDOWS)
        ids, where = (
            torch.from_numpy(each[span]) for each in (windows.ids, windows.usable)
        )
        value = subject.run(ids, sites=(site,)).activations[site]
        rows = value[where.to(value.device)].to(dictionary.atoms)
        own = activations_of(dictionary, rows, features)
        found[:, span][:, windows.usable[span]] = own.T.cpu().numpy()
    return found


def _row(
    node: Node, parent: str | None = None, cause: Cause | None = None
) -> dict[str, Any]:
    drop = cause.drop if cause else None
    low, high = (drop.share.ends if drop else None) or (None, None)
    return {
        "node": node.name,
        "parent": parent,
        "site": node.site,
        "feature": node.feature,
        "largest": node.contexts.largest,
        "contexts": len(node.contexts.position),
        "share": drop.share.value if drop else None,
        "low": low,
        "high": high,
        "documents": drop.share.n if drop else None,
        "effect": drop.mean.value if drop else None,
        "attributed": cause.attributed if cause else None,
        "active_in": cause.num_active if cause else None,
    }
