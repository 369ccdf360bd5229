"""The parts of the study of automatic interpretation, each against what it must be."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tacit.activations.store import Store
from tacit.base.records import Gap, Result
from tacit.dictionaries import Dictionary
from tacit.dictionaries.selections import Relu, TopKPositive
from tacit.explanations.exhibits import Excerpt, Exhibits, Piece
from tacit.explanations.explanation import Explanation
from tacit.explanations.fragments import Fragments
from tacit.explanations.ledger import Ledger
from tacit.explanations.ledger_records import record_of
from tacit.explanations.lexical import LexicalExplainer, LexicalReader
from tacit.explanations.scorer import Score
from tacit.explanations.scripted import Script, scripted_chat
from tacit.models.spending import Usage
from tacit.studies.autointerpretation import instruments
from tacit.studies.autointerpretation.bases import (
    BASELINES,
    LARGEST,
    NO_BIAS,
    SPARSE,
    directions_alone,
    forms_of,
)
from tacit.studies.autointerpretation.claims import moment_correlations, published_of
from tacit.studies.autointerpretation.codes import coded, l0_of
from tacit.studies.autointerpretation.controls import controlled_of
from tacit.studies.autointerpretation.figures import Group, Tables, minus
from tacit.studies.autointerpretation.judging import above, advantage, below, within
from tacit.studies.autointerpretation.matched import APART, matched_of, pairs_of
from tacit.studies.autointerpretation.rows import FeatureRow
from tacit.studies.autointerpretation.score_pages import layer_pages
from tacit.studies.autointerpretation.scoring import counted, scores_of_nothing
from tacit.studies.autointerpretation.settings import AutointerpretationSettings
from tacit.studies.question import read_question

FOLDER = Path(instruments.__file__).parent
UNITS = (("a", 1), ("a", 2))


def row(feature=0, score=0.5, unit=UNITS[0], **others):
    given = {
        "subject": unit[0],
        "seed": unit[1],
        "arm": "trained",
        "site": "resid.0",
        "basis": SPARSE,
        "explainer": "lexical",
        "atoms": 8,
        "ratio": 2.0,
        "share": 1.0,
        "is_swept": False,
        "feature": feature,
        "density": 0.1,
        "skew": 1.0,
        "kurtosis": 1.0,
        "num_active": 30,
        "top_and_random": score,
        "any_text": None,
        "top_only": None,
        "random_only": None,
        "detection": None,
        "fuzzing": None,
        "says_nothing": False,
        "unanswered": 0,
        "text": "",
    }
    return FeatureRow(**{**given, **others})


def tables(*rows, **settings):
    given = {"subjects": (("a", "text"),), "seeds": (1, 2), "sites": ("resid.0",)}
    made = AutointerpretationSettings(**{**given, **settings})
    return Tables(settings=made, features=rows, labels=(), bases=())


def test_a_basis_mean_leaves_out_what_is_missing_and_its_unit_stays():
    found = tables(row(0, 0.2), row(1, 0.6), row(2, None), row(3, None, UNITS[1]))
    assert found.means(found.group("resid.0")) == {
        UNITS[0]: pytest.approx(0.4),
        UNITS[1]: None,
    }


def test_swept_sizes_are_no_part_of_the_studys_own():
    swept = {"is_swept": True, "ratio": 0.5}
    found = tables(row(0, 0.2), row(0, 0.9, **swept))
    assert found.means(found.group("resid.0"))[UNITS[0]] == pytest.approx(0.2)
    other = Group(site="resid.0", explainer="lexical", ratio=0.5, share=1.0)
    assert found.means(other)[UNITS[0]] == pytest.approx(0.9)


def test_an_advantage_is_the_mean_difference_over_sites():
    rows = [
        row(0, score, site=site, basis=basis)
        for site, scores in (("resid.0", (0.9, 0.5)), ("resid.1", (0.7, 0.6)))
        for basis, score in zip((SPARSE, "ica"), scores, strict=True)
    ]
    found = tables(*rows)
    assert advantage(found, ("resid.0", "resid.1"), SPARSE, "ica") == {
        UNITS[0]: pytest.approx((0.4 + 0.1) / 2)
    }
    assert advantage(found, ("resid.0", "resid.2"), SPARSE, "ica") == {UNITS[0]: None}
    assert found.best_of(("pca", "ica"), ("resid.0",)) == "ica"
    assert advantage(found, (), SPARSE, "ica") == {}


def test_differences_are_of_units_that_both_have():
    assert minus({UNITS[0]: 0.5, UNITS[1]: None}, {UNITS[0]: 0.2, UNITS[1]: 0.1}) == {
        UNITS[0]: pytest.approx(0.3),
        UNITS[1]: None,
    }
    assert minus({UNITS[0]: 0.5}, {UNITS[1]: 0.2}) == {}


def test_moments_go_with_scores_as_numpy_has_it():
    rng = np.random.default_rng(0)
    skews, scores = rng.normal(size=9), rng.normal(size=9)
    pairs = zip(skews, scores, strict=True)
    found = tables(*[row(n, s, skew=float(k)) for n, (k, s) in enumerate(pairs)])
    told = moment_correlations(found, SPARSE, "skew")[UNITS[0]]
    assert told == pytest.approx(np.corrcoef(skews, scores)[0, 1])
    assert moment_correlations(found, SPARSE, "kurtosis")[UNITS[0]] is None


def numbers(ours, theirs):
    return [
        (one.feature, other.feature)
        for one, other in pairs_of(ours, theirs, "top_and_random")
    ]


def test_pairs_of_like_density_are_the_nearest_and_none_is_used_twice():
    ours = [row(n, density=d) for n, d in enumerate((0.010, 0.100, 0.105))]
    theirs = [row(n, density=d) for n, d in enumerate((0.011, 0.099, 0.5))]
    assert numbers(ours, theirs) == [(1, 1), (0, 0)]
    assert numbers(ours, theirs[2:]) == []
    assert numbers(ours[1:], theirs[1:2]) == [(1, 1)]
    assert numbers([], theirs) == []
    assert numbers([row(0, None)], [row(0)]) == []


def test_a_score_due_to_density_alone_all_but_vanishes_in_pairs():
    rng = np.random.default_rng(1)
    sparse, dense = rng.uniform(0.01, 0.1, 60), rng.uniform(0.03, 0.3, 60)

    def side(basis, densities):
        return [
            row(n, float(-np.log(d)), density=float(d), basis=basis)
            for n, d in enumerate(densities)
        ]

    found = tables(*side(SPARSE, sparse), *side("ica", dense))
    whole = advantage(found, ("resid.0",), SPARSE, "ica")[UNITS[0]]
    pairs = matched_of(found, ("resid.0",), SPARSE, "ica")
    assert whole > 0.9
    assert abs(pairs.values[UNITS[0]]) < 0.2
    assert 10 < pairs.pairs < pairs.features == 60
    # Here the score is minus the log of the density.
    assert np.log(pairs.density_ratio) == pytest.approx(-pairs.values[UNITS[0]])
    assert 1 / APART < pairs.density_ratio < APART


def measured(low, high):
    return Result(
        name="explanation_advantage", value=(low + high) / 2, unit="1", better="higher",
        n=6, interval=(low, high),
    )  # fmt: skip


def test_alike_is_within_a_band_and_the_rest_on_one_side():
    judge = within(0.05)
    assert judge(measured(-0.04, 0.04)) == "reproduced"
    assert judge(measured(0.06, 0.2)) == judge(measured(-0.2, -0.06)) == "not reproduced"
    assert judge(measured(-0.01, 0.08)) == "inconclusive"
    assert judge(Gap(name="x", reason="none")) == "inconclusive"
    assert above(0.1)(measured(0.11, 0.2)) == below(0)(measured(-0.2, -0.1)) == "reproduced"
    assert above(0.1)(measured(0.05, 0.09)) == "not reproduced"


def excerpt(values, kind, fragment):
    values = np.array(values, dtype=np.float32)
    ids = np.arange(len(values))
    piece = Piece(tokens=tuple("abcd"[: len(values)]), ids=ids, rows=ids)
    known = np.ones(len(values), dtype=bool)
    return Excerpt(piece=piece, values=values, known=known, fragment=fragment, kind=kind)


def exhibits(*scored):
    return Exhibits(
        feature=0, dictionary="d", shown=(), learned=(), scored=scored, largest=1.0,
        num_active=9, num_fragments=9,
    )  # fmt: skip


def score(figure, value=None, gaps=0):
    return Score(
        feature=0, explainer="e", reader="r", scorer="simulation", figure=figure, value=value,
        low=None, high=None, chance=0.0, n=2, gaps=gaps,
    )  # fmt: skip


def test_an_explanation_that_says_nothing_scores_its_chance_only_where_there_is_a_question():
    shown = exhibits(
        excerpt([0, 1, 0], "top", 0),
        *[excerpt([0, 1], "random", n) for n in range(1, 4)],
        *[excerpt([0, 0], "silent", n) for n in range(4, 7)],
        excerpt([0, 0], "any", 7),
    )
    assert counted(score("top-only"), shown) == 0
    assert counted(score("any"), shown) is None, "the feature is silent there"
    assert counted(score("top-only", gaps=1), shown) is None, "not answered"
    assert counted(score("any", value=0.3), shown) == 0.3
    assert scores_of_nothing(shown) == {
        "top-and-random": 0,
        "any": None,
        "top-only": 0,
        "random-only": 0,
        "detection": 0.5,
        "fuzzing": 0.5,
    }


class Rows(Store):
    """A store of given vectors, four tokens a fragment, whose last row is not usable."""

    def __init__(self, rows):
        super().__init__(Path(), {"num_tokens": len(rows)})
        object.__setattr__(self, "rows", rows)

    def usable(self, _site):
        return np.arange(self.num_tokens) < self.num_tokens - 1

    def vectors(self, _site, rows):
        return self.rows[torch.from_numpy(rows)]


@pytest.fixture
def store():
    generator = torch.Generator().manual_seed(0)
    return Rows(torch.randn(41, 3, generator=generator))


def dictionary(selection=None, **others):
    generator = torch.Generator().manual_seed(1)
    atoms = torch.nn.functional.normalize(torch.randn(5, 3, generator=generator))
    given = {
        "atoms": atoms,
        "encoder": 2 * atoms,
        "encoder_bias": torch.full((5,), -0.3),
        "centre": torch.ones(3),
        "scale": 1.5,
        "selection": selection or Relu(),
        "method": "made",
        "seed": 0,
    }
    return Dictionary(**{**given, **others})


def fragments():
    rows = np.arange(40).reshape(10, 4)
    return Fragments(
        rows=rows, ids=rows % 7, known=np.ones_like(rows, dtype=bool),
        document=np.arange(10), held_out=np.arange(10) % 2 == 1, num_left_out=0,
        vocabulary=tuple("abcdefg"), dictionary="",
    )  # fmt: skip


@pytest.mark.parametrize("selection", [Relu(), TopKPositive(k=2)])
def test_what_is_known_of_a_code_is_what_its_dense_form_says(store, selection):
    made = dictionary(selection)
    found = coded(made, store, "resid.0", fragments())
    dense = made.encode(store.rows[:40]).dense().numpy()
    np.testing.assert_allclose(found.firing.density(), (dense > 0).mean(axis=0))
    by_fragment = dense.reshape(10, 4, 5).max(axis=1) > 0
    np.testing.assert_array_equal(found.num_active, by_fragment.sum(axis=0))
    np.testing.assert_allclose(
        found.moments.mean(), dense.mean(axis=0), rtol=1e-5, atol=1e-7
    )
    assert l0_of(made, store, "resid.0") == pytest.approx((dense > 0).sum() / 40)
    for feature, (rows, values) in found.fired([3, 0]).items():
        own = np.zeros(40, dtype=np.float32)
        own[rows] = values
        np.testing.assert_allclose(own, dense[:, feature], rtol=1e-6)
        placed = found.placed((rows, values))
        assert len(placed.active) == found.num_active[feature]


def test_directions_alone_are_products_with_the_atoms_cut_at_zero(store):
    made = dictionary()
    alone = directions_alone(made)
    expected = (store.rows @ made.atoms.T / made.scale).clamp_min(0)
    torch.testing.assert_close(alone.encode(store.rows).dense(), expected)


def test_every_baseline_has_a_plain_form_and_one_of_the_k_largest(store):
    signed = dictionary(TopKPositive(k=5))
    made = {name: signed for name in (SPARSE, "top-k", "pca", "neurons")}
    forms = forms_of(made, 2)
    plain, largest = (
        forms["pca"].encode(store.rows),
        forms["pca, k largest"].encode(store.rows),
    )
    projected = (store.rows - 1) / 1.5 @ signed.encoder.T - 0.3
    torch.testing.assert_close(plain.dense(), projected.clamp_min(0))
    assert (largest.l0() == plain.l0().clamp_max(2)).all()
    # Neurons know no mean, as published.
    torch.testing.assert_close(
        forms["neurons"].encode(store.rows).dense(),
        directions_alone(signed).encode(store.rows).dense(),
    )
    assert "random" not in forms


def test_what_a_stopped_run_spent_counts_when_it_goes_on(tmp_path, monkeypatch):
    script = Script(LexicalExplainer(), LexicalReader(), tokens_of=str.split)
    monkeypatch.setattr(instruments, "chat_of", lambda *_: scripted_chat(script))
    ledger = Ledger(tmp_path / "ledgers" / "some.jsonl")
    usage = Usage(input_tokens=100, output_tokens=10, dollars=0.5)
    said = Explanation(
        feature=1, dictionary="d", explainer="p/m", version="1", text="it", usage=usage
    )
    ledger.append("explain/p/m/1/1", record_of(said))
    unread = {"kind": "count", "feature": 2, "input_tokens": 40, "output_tokens": 4}
    gap = Gap(name="explanation", reason="prose", of={**unread, "dollars": 0.25})
    ledger.append("explain/p/m/1/2", record_of(gap))
    paid = replace(score("any"), input_tokens=7, output_tokens=3, dollars=0.125)
    ledger.append("score/simulation/p/m/p/m/1/1", {"scores": [asdict(paid)]})
    settings = AutointerpretationSettings(explainer="p/m", most_tokens=1_000)
    made = instruments.instruments_of(settings, tmp_path)
    assert made.budget is not None
    assert made.budget.spent.tokens == 100 + 10 + 40 + 4 + 7 + 3
    assert made.budget.spent.dollars == pytest.approx(0.875)


def published_world():
    """Tables in which every claim holds as it was published, of two subjects and two seeds."""
    sites = ("resid.0", "resid.1", "resid.2", "resid.3", "mlp.1")
    settings = AutointerpretationSettings(
        subjects=(("a", "text"), ("b", "text")), seeds=(100, 101), sites=sites
    )
    level = {"neurons": 0.30, "random": 0.31, "pca": 0.32, "ica": 0.40, "nmf": 0.33}
    ahead = dict(zip(sites, (0.30, 0.20, 0.02, 0.01, 0.15), strict=True))
    rng = np.random.default_rng(0)
    rows = []

    def add(site, basis, score, unit, **others):
        for feature in range(6):
            size = float(rng.normal())
            own = score + 0.01 * size
            rows.append(
                row(
                    feature,
                    own,
                    unit,
                    site=site,
                    basis=basis,
                    random_only=own - 0.1,
                    skew=size + 0.1 * float(rng.normal()),
                    kurtosis=size + 0.1 * float(rng.normal()),
                    **others,
                )
            )

    for unit in settings.units:
        for site in (*sites, "embed"):
            gain = ahead.get(site, 0.0)
            for basis in BASELINES:
                add(site, basis, level[basis], unit)
                add(site, basis + LARGEST, level[basis] + 0.1 * gain, unit)
                add(site, basis, level[basis], unit, arm="random weights")
            add(site, SPARSE, 0.40 + gain, unit)
            add(site, SPARSE + NO_BIAS, 0.40 + gain / 2, unit)
            add(site, SPARSE, 0.41, unit, arm="random weights")
            add(site, SPARSE, 0.3, unit, explainer="unigram")
        for ratio in settings.sizes:
            swept = {"is_swept": True, "ratio": ratio}
            add("resid.2", SPARSE, 0.42, unit, **swept)
    return Tables(settings=settings, features=rows, labels=(), bases=())


def test_a_world_as_published_reproduces_every_claim():
    found = published_world()
    findings = [*published_of(found), *controlled_of(found)]
    assert {each.claim for each in findings} == set(read_question(FOLDER).rules)
    # These pool layers, whose mean scores differ in this world by more than moments explain.
    pooled = {"skew-tells-score", "kurtosis-tells-score"}
    missed = {each.claim for each in findings if each.judgement != "reproduced"}
    assert missed <= pooled
    for each in findings:
        assert each.measured.n == 4


def test_layers_are_drawn_for_each_subject():
    found, plots = layer_pages(published_world())
    assert [plot.group for plot in plots] == ["series 0", "series 1"]
    assert {row["layer"] for row in found["layers"]} == {0, 1, 2, 3}
    first = [row for row in found["layers"] if row["series 0"] == SPARSE]
    assert [row["series 1"] for row in first] == [None] * 4
    scores = {row["layer"]: row["score"] for row in first}
    assert scores[0] == pytest.approx(0.7, abs=0.02)
    assert scores[3] == pytest.approx(0.41, abs=0.02)
    assert all(row["low"] < row["score"] < row["high"] for row in first)
