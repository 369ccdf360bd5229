"""What do readings say of a class beyond its concepts, linearly or not?

Axes: n images, t of them to train on, r readings, g groups.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from tacit.bottlenecks.groups import ConceptGroups

_ROUNDS = 40
_LEAVES = 8
_RATE = 0.1


def fit_boosted(
    groups: ConceptGroups,
    readings: Float[np.ndarray, "n r"],
    images: Int[np.ndarray, " t"],
) -> Float[np.ndarray, " n"]:
    """Return the losses of all images, of small boosted trees fitted on some of them.

    The trees see the readings less their mean in the group, the group, and how common its classes
    are. They take images of groups with two classes; others cost what their shares do.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    log_shares = groups.log_shares(images)
    losses = -log_shares[groups.of_image, groups.place]
    paired = np.flatnonzero(groups.is_pair)
    train = np.intersect1d(images, paired)
    if len(np.unique(groups.place[train])) < 2:
        return losses
    centred = readings - groups.centres(readings, images)[groups.of_image]
    sign = _sides(groups, centred, train)[groups.of_image]
    is_first = (groups.place == 0) == (sign > 0)
    odds = sign * (log_shares[:, 0] - log_shares[:, 1])[groups.of_image]
    seen = np.column_stack([centred, odds, groups.of_image])
    trees = HistGradientBoostingClassifier(
        max_iter=_ROUNDS,
        max_leaf_nodes=_LEAVES,
        learning_rate=_RATE,
        early_stopping=False,  # type: ignore[arg-type]
        random_state=0,
    )
    trees.fit(seen[train], is_first[train])
    chance = trees.predict_proba(seen[paired])[:, 1]
    losses[paired] = -np.log(np.where(is_first[paired], chance, 1 - chance))
    return losses


def _sides(
    groups: ConceptGroups, centred: Float[np.ndarray, "n r"], train: Int[np.ndarray, " t"]
) -> Float[np.ndarray, " g"]:
    """Return 1 or -1 for each group, so that first classes differ from second ones alike.

    Which of two classes is named first is arbitrary; along the direction in which pairs differ
    most, all are turned the same way round.
    """
    scaled = centred[train] / np.maximum(centred[train].std(axis=0), 1e-12)
    first = np.where(groups.place[train] == 0, 1.0, -1.0)
    apart = np.zeros((groups.num_groups, centred.shape[1]))
    np.add.at(apart, groups.of_image[train], scaled * first[:, None])
    main = np.linalg.svd(apart, full_matrices=False)[2][0]
    return np.where(apart @ main >= 0, 1.0, -1.0)
