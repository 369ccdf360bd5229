"""A feature that is a label is found, by an honest score; what cannot be scored is left out."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_recall_curve, roc_auc_score

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.features.agreement import best_cuts, label_agreement, score
from tacit.features.index import BY_FEATURE, BY_ROW, Index
from tacit.features.truth import rows_of

from .conftest import SITE

NUM_ROWS, NUM_TRAIN = 600, 400
HELD_OUT = np.arange(NUM_ROWS) >= NUM_TRAIN


def index_of(folder, dense, labels, *, special=None) -> Index:
    """An index made by hand, of a dense code and its truth; the last third is held out."""
    special = np.zeros(NUM_ROWS, dtype=bool) if special is None else special
    row, feature = np.nonzero(np.where(special[:, None], 0, dense))
    value = dense[row, feature].astype(np.float32)
    columns = {
        "special": special,
        "held_out": HELD_OUT,
        f"high_norm.{SITE}": special & False,
    }
    columns |= {f"label.{name}": truth for name, truth in labels.items()}
    pq.write_table(pa.table(columns), folder / "tokens.parquet")
    order = np.lexsort((row, -abs(value), feature))
    fired = {"feature": feature, "value": value, "row": row, "document": row * 0}
    table = pa.table({name: each[order] for name, each in fired.items()})
    pq.write_table(table, folder / BY_FEATURE)
    pq.write_table(table, folder / BY_ROW)
    manifest = {
        "configuration": {"site": SITE},
        "num_atoms": dense.shape[1],
        "num_rows": int((~special).sum()),
        "labels": list(labels),
    }
    return Index(folder, manifest)


@pytest.fixture
def world():
    """Sparse noise, two labels, and a random basis in which neither stands out."""
    rng = stream(0, "tests/agreement")
    dense = rng.random((NUM_ROWS, 12)) * (rng.random((NUM_ROWS, 12)) < 0.2)
    labels = {"rare": rng.random(NUM_ROWS) < 0.1, "common": rng.random(NUM_ROWS) < 0.5}
    return dense, labels, rng.standard_normal((NUM_ROWS, 8)).astype(np.float32)


def planted(dense, truth, feature, *, sign=1):
    """The code with one feature that fires where the label is, and nowhere else."""
    out = dense.copy()
    sizes = 0.5 + stream(1, "tests/agreement").random(len(truth))
    out[:, feature] = np.where(truth, sign * sizes, 0)
    return out


def test_a_feature_that_is_the_label_is_found_with_f1_of_one(world, tmp_path):
    dense, labels, random = world
    found = label_agreement(
        index_of(tmp_path, planted(dense, labels["rare"], 7), labels), random
    )
    best = found.by_label["rare"]
    assert (best.feature, best.sign, best.f1, best.auroc, best.train_f1) == (7, 1, 1, 1, 1)
    assert best.num_positive == labels["rare"][HELD_OUT].sum()
    assert best.base_rate == labels["rare"][HELD_OUT].mean()
    (mine,) = (each for each in found.by_feature if each.feature == 7)
    assert mine == best
    assert found.by_label["common"].f1 < 0.7
    assert [each.feature for each in found.by_feature] == list(range(12))


def test_the_negative_side_of_a_signed_code_can_be_the_label(world, tmp_path):
    """Positive noise of the same feature on other rows does not hide it."""
    dense, labels, random = world
    both = planted(dense, labels["rare"], 7, sign=-1)
    both[:, 7] += np.where(labels["rare"], 0, dense[:, 7])
    found = label_agreement(index_of(tmp_path, both, labels), random)
    best = found.by_label["rare"]
    assert (best.feature, best.sign, best.f1, best.auroc) == (7, -1, 1, 1)
    (mine,) = (each for each in found.by_feature if each.feature == 7)
    assert mine == best


def test_the_random_basis_is_reported_with_the_side_that_tells_best(world, tmp_path):
    dense, labels, random = world
    found = label_agreement(index_of(tmp_path, dense, labels), random)
    assert set(found.random) == set(labels)
    random[:, 3] = np.where(labels["rare"], -2, 1) * (1 + np.abs(random[:, 3]))
    found = label_agreement(index_of(tmp_path, dense, labels), random)
    best = found.random["rare"]
    assert (best.feature, best.sign, best.f1, best.auroc) == (3, -1, 1, 1)


def dense_score(dense, feature, sign=1):
    return np.maximum(sign * dense[:, feature], 0)


def test_scores_are_those_of_sklearn_on_the_dense_vector(world, tmp_path):
    dense, labels, random = world
    dense = np.round(dense, 1).astype(np.float32)  # ties
    index = index_of(tmp_path, dense, labels)
    found = label_agreement(index, random)
    assert len(found.by_feature) == 12
    for each in (*found.by_feature, *found.by_label.values()):
        truth, values = labels[each.label], dense_score(dense, each.feature)
        held, said = truth[HELD_OUT], values[HELD_OUT] > each.threshold
        assert each.auroc == pytest.approx(roc_auc_score(held, values[HELD_OUT]))
        assert each.f1 == pytest.approx(f1_score(held, said))
        train = f1_score(truth[~HELD_OUT], values[~HELD_OUT] > each.threshold)
        assert each.train_f1 == pytest.approx(train)
    for each in found.random.values():
        values = dense_score(random, each.feature, each.sign)
        truth, said = labels[each.label], values > each.threshold
        assert each.auroc == pytest.approx(roc_auc_score(truth[HELD_OUT], values[HELD_OUT]))
        assert each.f1 == pytest.approx(f1_score(truth[HELD_OUT], said[HELD_OUT]))


def best_training_f1(truth, values):
    """The best F1 of any threshold at which a row that is silent is not named."""
    precision, recall, cuts = precision_recall_curve(truth, values)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return max(f1[:-1][cuts > 0], default=0.0)


def test_features_and_labels_are_matched_by_their_best_f1_in_training_text(world, tmp_path):
    dense, labels, random = world
    found = label_agreement(index_of(tmp_path, dense, labels), random)
    f1 = {
        (feature, name): best_training_f1(truth[~HELD_OUT], dense[~HELD_OUT, feature])
        for feature in range(12)
        for name, truth in labels.items()
    }
    for name, each in found.by_label.items():
        best = max(range(12), key=lambda feature: f1[feature, name])
        assert each.feature == best
        assert each.train_f1 == pytest.approx(f1[best, name])
    for each in found.by_feature:
        assert each.train_f1 == pytest.approx(max(f1[each.feature, n] for n in labels))


def test_nothing_held_out_moves_a_match_or_a_threshold(world, tmp_path):
    dense, labels, random = world
    first = label_agreement(index_of(tmp_path, dense, labels), random)
    dense, random = dense.copy(), random.copy()
    dense[HELD_OUT], random[HELD_OUT] = dense[HELD_OUT][::-1] * 3, -random[HELD_OUT]
    labels = {
        name: np.where(HELD_OUT, truth[::-1], truth) for name, truth in labels.items()
    }
    second = label_agreement(index_of(tmp_path, dense, labels), random)

    def chosen(found):
        return [
            (each.feature, each.sign, each.label, each.threshold, each.train_f1)
            for each in (
                *found.by_feature,
                *found.by_label.values(),
                *found.random.values(),
            )
        ]

    assert chosen(first) == chosen(second)
    assert first != second


def test_a_label_that_a_side_lacks_or_always_has_is_left_out_with_the_reason(
    world, tmp_path
):
    dense, labels, random = world
    common = labels["common"]
    wrong = {
        "never held out": common & ~HELD_OUT,
        "never trained": common & HELD_OUT,
        "always held out": common | HELD_OUT,
        "always trained": common | ~HELD_OUT,
        "nowhere": common & False,
        "everywhere": common | True,
    }
    found = label_agreement(index_of(tmp_path, dense, wrong | labels), random)
    assert set(found.left_out) == set(wrong)
    assert set(found.by_label) == set(found.random) == set(labels)
    num = int(common[~HELD_OUT].sum())
    assert found.left_out["always held out"] == (
        f"{num} of 400 training and 200 of 200 held-out tokens have it"
    )
    with pytest.raises(UserError, match="no label is known"):
        label_agreement(index_of(tmp_path, dense, wrong), random)


def test_rows_that_were_not_encoded_count_nowhere(world, tmp_path):
    """Whatever stands in the random basis there, and whatever is true of them."""
    dense, labels, random = world
    special = np.arange(NUM_ROWS) % 5 == 0
    index = index_of(tmp_path, dense, labels, special=special)
    first = label_agreement(index, random)
    random = np.where(special[:, None], 1e9, random)
    labels = {name: truth ^ special for name, truth in labels.items()}
    second = label_agreement(index_of(tmp_path, dense, labels, special=special), random)
    assert first == second
    assert first.by_label["rare"].num_positive < labels["rare"][HELD_OUT].sum()


def test_a_feature_that_fires_too_rarely_in_training_text_is_not_matched(world, tmp_path):
    dense, labels, random = world
    dense[:, 2] = np.where(HELD_OUT, 1.0, 0.0)
    dense[:19, 2] = 1.0
    index = index_of(tmp_path, dense, labels)
    kept = [each.feature for each in label_agreement(index, random).by_feature]
    assert kept == [feature for feature in range(12) if feature != 2]
    looser = label_agreement(index, random, smallest_count=19).by_feature
    assert [each.feature for each in looser] == list(range(12))
    none = label_agreement(index, random, smallest_count=NUM_ROWS)
    assert (none.by_feature, none.by_label, none.random) == ((), {}, {})


def test_a_feature_silent_on_held_out_text_is_at_chance(world, tmp_path):
    dense, labels, _ = world
    rows = rows_of(index_of(tmp_path, dense, labels))
    fired = np.flatnonzero(labels["rare"] & ~HELD_OUT)
    found = score(0, "rare", rows, fired, np.linspace(2, 1, len(fired)))
    assert (found.auroc, found.f1, found.train_f1) == (0.5, 0, 1)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from([0.5, 1.0, 1.5, 2.0]), st.booleans(), st.booleans()),
        max_size=12,
    ),
    st.integers(1, 5),
)
def test_best_cuts_are_those_of_every_threshold_tried(rows, num_missed):
    """Ties are never cut through, and positives that do not fire count against recall."""
    rows = sorted(rows, key=lambda row: -row[0])
    values = np.array([row[0] for row in rows])
    labels = np.array([row[1:] for row in rows], dtype=bool).reshape(-1, 2)
    num_positive = labels.sum(axis=0) + num_missed
    expected = []
    for label in range(2):
        tried = []
        for cut in set(values.tolist()):
            hits = sum(row[0] >= cut and row[1 + label] for row in rows)
            said = sum(value >= cut for value, *_ in rows)
            precision, recall = hits / said, hits / int(num_positive[label])
            tried.append(2 * precision * recall / (precision + recall) if hits else 0.0)
        expected.append(max(tried, default=0.0))
    np.testing.assert_allclose(best_cuts(values, labels, num_positive), expected)


def test_a_real_index_agrees_with_a_scan_of_its_dense_code(indexed):
    """Signed codes too: the better of the two sides."""
    random = np.ones((indexed.store.num_tokens, 1), dtype=np.float32)
    found = label_agreement(indexed.index, random)
    rows = rows_of(indexed.index)
    for name in ("keyword", "string"):
        truth = rows.truth[name][rows.train]
        tried = [
            best_training_f1(truth, dense_score(indexed.dense, feature, sign)[rows.train])
            for feature in range(indexed.dense.shape[1])
            for sign in (1, -1)
        ]
        assert found.by_label[name].train_f1 == pytest.approx(max(tried))
