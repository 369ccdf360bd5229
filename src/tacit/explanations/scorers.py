"""The scorers that need nothing but exhibits and a reader.

To add one, write its file, then its line here; the contract suite picks it up. ``Contrastive``,
``Intervening`` and ``KnownTruth`` are given more: fragments and neighbours, a subject, labels.
"""

from __future__ import annotations

from tacit.explanations.detection import Detection
from tacit.explanations.fuzzing import Fuzzing
from tacit.explanations.scorer import Scorer
from tacit.explanations.simulation import Simulation

SCORERS: dict[str, type[Scorer]] = {
    scorer.name: scorer for scorer in (Simulation, Detection, Fuzzing)
}
"""Every such scorer by its name."""
