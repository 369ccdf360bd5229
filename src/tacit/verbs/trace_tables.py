"""What a trace found, as records and as rows of tables."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from tacit.activations.windows import Windows
from tacit.base.records import Gap, Record, Result
from tacit.interventions.causes import Causes, Drop
from tacit.interventions.trees import CausalTree, Node
from tacit.metrics.catalogue import METRICS
from tacit.metrics.results import as_result
from tacit.models.subject import Subject

AROUND = 10
"""Tokens before a position that an example shows."""
ALL, OTHERS = "all causes at once", "as many others"
"""What is ablated beside single causes."""


@dataclass(frozen=True, kw_only=True)
class Traced:
    """A tree, with what it takes to put it into words."""

    tree: CausalTree
    windows: Windows
    subject: Subject
    text: str
    """Name of the text that contexts are from."""

    def tokens(self, node: Node) -> list[int]:
        """Return the token at each of a node's contexts."""
        at = node.contexts
        return self.windows.ids[at.window, at.position].tolist()

    def label(self, node: Node) -> str:
        """Return the token that a feature stands on most, and how often."""
        tokens = self.tokens(node)
        token, times = Counter(tokens).most_common(1)[0]
        return f"{_shown(self.subject, [token])!r} {times} of {len(tokens)}"

    def example(self, node: Node) -> str:
        """Return the text up to the first of a node's contexts."""
        at = node.contexts
        window, position = at.window[0], at.position[0]
        ids = self.windows.ids[window, max(0, position - AROUND) : position + 1]
        return _shown(self.subject, ids.tolist())


def records_of(found: Traced) -> list[Record]:
    """Return every drop, and how well attribution ranks, of each feature that was traced."""
    records: list[Record] = []
    for node in found.tree.nodes:
        causes = node.causes
        if causes is None:
            continue
        of = {"site": node.site, "feature": node.feature}
        none = f"no feature active there takes {found.tree.growth.smallest} of it with it"
        records.append(_record(causes.joint, {**of, "ablated": ALL}, none))
        none = "no other feature is active there" if causes.kept else none
        records.append(_record(causes.control, {**of, "ablated": OTHERS}, none))
        records += [
            _record(cause.drop, {**of, "ablated": f"{cause.site}/{cause.feature}"}, "")
            for cause in causes.kept
        ]
        records.append(_ranking(causes, of))
    return records


def tree_rows(found: Traced) -> list[dict[str, Any]]:
    """Return the root and every edge, each with the words of its node."""
    labels = {node.name: found.label(node) for node in found.tree.nodes}
    return [{**row, "label": labels[row["node"]]} for row in found.tree.rows()]


def check_rows(found: Traced) -> list[dict[str, Any]]:
    """Return what stands beside the causes of each feature that was traced."""
    return [_check(node, node.causes) for node in found.tree.nodes if node.causes]


def node_rows(found: Traced) -> list[dict[str, Any]]:
    """Return where each feature was looked at."""
    return [_described(found, node) for node in found.tree.nodes]


def _shown(subject: Subject, ids: list[int]) -> str:
    return subject.tokenizer.decode(ids).replace("\n", "⏎")


def _record(drop: Drop | None, of: dict[str, str | int], reason: str) -> Record:
    if drop is None:
        return Gap(name="activation_drop", reason=reason, of=of)
    return as_result("activation_drop", drop.share, of)


def _ranking(causes: Causes, of: dict[str, str | int]) -> Record:
    name, of = "rank_correlation", {**of, "of": "attribution with ablation"}
    if causes.rank_correlation is None:
        reason = "fewer than three features were ablated, or all alike"
        return Gap(name=name, reason=reason, of=of)
    return Result(
        name=name,
        value=causes.rank_correlation,
        unit=METRICS[name].unit,
        better=METRICS[name].direction,
        n=causes.num_candidates - causes.num_not_ablated,
        interval=None,
        of=of,
    )


def _check(node: Node, causes: Causes) -> dict[str, Any]:
    joint, control = causes.joint, causes.control
    return {
        "node": node.name,
        "causes": len(causes.kept),
        "joint": joint.share.value if joint else None,
        "sum": causes.sum_of_shares if joint else None,
        "control": control.share.value if control else None,
        "num_joint": causes.num_joint,
        "num_control": causes.num_control,
        "candidates": causes.num_candidates,
        "not_ablated": causes.num_not_ablated,
        "below": causes.num_below,
        "raising": causes.num_raising,
        "beyond": causes.num_beyond,
        "rank_correlation": causes.rank_correlation,
    }


def _described(found: Traced, node: Node) -> dict[str, Any]:
    at = node.contexts
    return {
        "node": node.name,
        "label": found.label(node),
        "example": found.example(node),
        "largest": at.largest,
        "contexts": len(at.position),
        "asked": found.tree.growth.contexts,
        "eligible": at.num_eligible,
        "documents": len(set(at.document.tolist())),
    }
