"""How much of a feature do labels account for, on documents that nothing was learned from?

Axes: n rows of the token table, k directions.
"""

from __future__ import annotations

from typing import final

import numpy as np
from jaxtyping import Bool, Float

from tacit.base.errors import UserError
from tacit.base.records import Gap
from tacit.explanations.exhibits import Exhibits
from tacit.explanations.explanation import Explanation, check_same_dictionary
from tacit.explanations.labelled import LabelExplainer, LabelReader
from tacit.explanations.literals import TokenLabels, held_out_f1, literals_of
from tacit.explanations.reader import Reader
from tacit.explanations.scorer import Score, Scorer
from tacit.features.index import Index

FIGURE = "held-out F1"
OF_DIRECTIONS = "held-out F1 of a random direction"


@final
class LabelScorer(Scorer):
    """F1 of an explanation's labels for "the feature is active", on every held-out token.

    Range: 0 to 1, higher is better; chance is what saying "active" of every token scores.
    Exact and without a reader: the whole of the held-out text is read, not the fragments alone,
    so that ``n`` counts documents and the interval is over them.
    """

    name = "label"

    def __init__(self, index: Index) -> None:
        """Read the labels of the index.

        Raises:
            UserError: where the index has no labels to tell by.
        """
        self.labels = TokenLabels(index)

    async def score(
        self,
        explanation: Explanation,
        exhibits: Exhibits,
        reader: Reader,
        rng: np.random.Generator,
    ) -> list[Score]:
        """Return the one figure; without a value where the explanation names no labels."""
        check_same_dictionary(explanation, exhibits)
        fired = self.labels.index.firings(explanation.feature)
        active = np.zeros(len(self.labels.context), dtype=bool)
        active[fired["row"][fired["value"] > 0]] = True
        return [_score(self.labels, explanation, active, rng, FIGURE)]


def scores_of_directions(
    explainer: LabelExplainer,
    random: Float[np.ndarray, "n k"],
    densities: Float[np.ndarray, " k"],
    rng: np.random.Generator,
) -> list[Score]:
    """Return the control: the same search and figure for random directions, one score each.

    ``random`` holds each row's coordinates in a random basis, as ``label_agreement`` takes
    them; direction i is active on its largest values, on a share ``densities[i]`` of training
    rows, so that it is as rare as the feature it is beside. Directions that no label tells are
    scores without a value, as features are: compare their share too.
    """
    if not ((densities > 0) & (densities < 1)).all():
        raise UserError(
            f"directions of densities {densities.min():g} to {densities.max():g} were asked for; "
            "give shares of tokens between 0 and 1: those of features that fire."
        )
    labels, found = explainer.labels, []
    counted = labels.rows.train | labels.rows.held_out
    for number, density in enumerate(densities.tolist()):
        values = random[:, number]
        cut = np.quantile(values[labels.rows.train], 1 - density)
        rows = np.flatnonzero(counted & (values > cut))
        active = np.zeros(len(values), dtype=bool)
        active[rows] = True
        made = explainer.explanation_of(number, rows, values[rows] - cut)
        found.append(_score(labels, made, active, rng, OF_DIRECTIONS))
    return found


def _score(
    labels: TokenLabels,
    made: Explanation | Gap,
    active: Bool[np.ndarray, " n"],
    rng: np.random.Generator,
    figure: str,
) -> Score:
    told = None
    if isinstance(made, Gap):
        reason = made.reason
    elif "labels" not in made.rule:
        reason = f"the explanation by {made.explainer} names no labels"
    else:
        told = held_out_f1(labels, literals_of(made.rule), active, rng)
        reason = None if told else "on held-out text it is never active nor said to be"
    rate = float(active[labels.rows.held_out].mean())
    is_made = isinstance(made, Explanation)
    return Score(
        feature=made.feature if is_made else int(made.of["feature"]),
        explainer=made.explainer if is_made else LabelExplainer.name,
        reader=LabelReader.name,
        scorer=LabelScorer.name,
        figure=figure,
        value=told.value if told else None,
        low=told.low if told else None,
        high=told.high if told else None,
        chance=2 * rate / (1 + rate),
        n=told.n if told else 0,
        gaps=0,
        reason=reason,
    )
