"""Two pieces of the study of directions, each on a small store of stories."""

import numpy as np
import pytest
import torch

from tacit.activations.harvest import harvest
from tacit.activations.store import Store
from tacit.activations.streaming import Stream, rows_for
from tacit.base.pages import Plot, Table
from tacit.base.seeds import stream
from tacit.data.documents import Corpus
from tacit.data.stories import SEED
from tacit.data.stories.grammar import told
from tacit.dictionaries import RandomDirections, fit
from tacit.features.agreement import label_agreement
from tacit.features.build import build_index
from tacit.models import load_subject
from tacit.studies.interpretable_directions import moments, steering
from tacit.studies.interpretable_directions.moments import moments_of
from tacit.studies.interpretable_directions.settings import DirectionsSettings
from tacit.studies.interpretable_directions.steering import (
    FEATURE,
    MEANS,
    SENTENCE,
    SteeredRow,
    shares_at_price,
    steered_of,
    steered_pages,
)

SETTINGS = DirectionsSettings(documents=120, prompts=6, atoms=96, active=6, few=4)
UNIT = ("stories", 3)


@pytest.fixture(scope="module")
def subject():
    return load_subject("stories")


@pytest.fixture(scope="module")
def store(tmp_path_factory, subject):
    """The first stories alone: to write all of them takes a while."""
    documents = tuple(
        told(stream(SEED, f"data/stories/{number}"), f"story-{number:05d}")
        for number in range(SETTINGS.documents)
    )
    corpus = Corpus(name="stories", documents=documents, labeller="stories")
    folder = tmp_path_factory.mktemp("study") / "store"
    return harvest(subject, corpus, [SETTINGS.site], folder)


@pytest.fixture(scope="module")
def dictionary(store):
    blocks = Stream(
        store=store,
        sites=(SETTINGS.site,),
        rows=rows_for(store, [SETTINGS.site], held_out=False),
        seed=0,
        block_rows=256,
    )
    return fit([RandomDirections(num_atoms=96, k=6)], blocks, [0], steps=2)[0].dictionary


@pytest.fixture(scope="module")
def steered(subject, store, dictionary):
    return steered_of(SETTINGS, subject, UNIT, store, dictionary)


def test_the_pronoun_turns_with_the_means_and_not_with_a_control(steered):
    shares = {way: best[UNIT] for way, best in shares_at_price(steered).items()}
    assert shares[MEANS] > 0.6
    assert shares[f"random, for {MEANS}"] < 0.2 and shares[SENTENCE] < 0.2
    assert {row.toward for row in steered} == {"female", "male"}
    assert {row.prompts for row in steered} == {6}


def test_every_way_begins_unsteered(steered):
    ways = {FEATURE, MEANS, SENTENCE, f"random, for {FEATURE}", f"random, for {MEANS}"}
    for toward in ("female", "male"):
        nought = [row for row in steered if row.strength == 0 and row.toward == toward]
        assert {row.way for row in nought} == ways
        assert len({(row.share, row.price) for row in nought}) == 1
        assert nought[0].share == 0
    for row in steered:
        assert row.low <= row.share <= row.high


def test_the_best_share_counts_at_its_price_alone():
    made = [
        SteeredRow(
            subject="a",
            seed=0,
            toward=toward,
            way="x",
            strength=strength,
            share=share,
            low=0,
            high=1,
            price=price,
            prompts=6,
        )
        for toward, last in (("female", 0.5), ("male", 0.3))
        for strength, share, price in ((0, 0.1, 1), (1, last, 1 + steering.RISE), (2, 1, 4))
    ]
    assert shares_at_price(made) == {"x": {("a", 0): pytest.approx(0.4)}}


def test_pages_draw_from_their_tables(steered):
    tables, blocks = steered_pages(steered)
    for block in blocks:
        rows = tables[block.table.removeprefix("artifacts/").removesuffix(".parquet")]
        if isinstance(block, Plot):
            assert {block.x, block.y, block.group} <= rows[0].keys()
        if isinstance(block, Table):
            assert {name for name, _ in block.columns} <= rows[0].keys()
    assert {row["sweeps"] for row in tables["steered"]} == {2}


def test_scores_are_those_of_label_agreement(store, dictionary, tmp_path, monkeypatch):
    """Against the agreement that the index gives, where every row and feature is taken."""
    monkeypatch.setattr(moments, "ROWS", 10**9)
    numbers, rows = moments._labelled(SETTINGS, store)
    code = dictionary.encode(store.vectors(SETTINGS.site, numbers).float())
    found = moments._scores(code, rows)
    index = build_index(dictionary, store, tmp_path / "index")
    basis = np.zeros((len(store.tokens), 1))
    agreement = label_agreement(index, basis, match_rows=10**9)
    assert len(agreement.by_feature) > 50
    for each in agreement.by_feature:
        assert found[each.feature] == pytest.approx(each.f1)


def test_moments_of_learned_bases_are_correlated_with_scores(store, dictionary):
    bases = {"top-k": dictionary, "pca": dictionary}
    found = moments_of(SETTINGS, UNIT, store, bases)
    assert [row.moment for row in found] == ["skew", "kurtosis", "density"]
    assert {row.basis for row in found} == {"top-k"}
    for row in found:
        assert row.correlation is not None and -1 <= row.correlation <= 1
        assert 50 < row.features <= 96


def test_a_planted_order_is_found(store, dictionary, monkeypatch):
    """Scores that follow how often features fire, or the reverse, have correlations of 1 and -1."""
    for sign in (1, -1):

        def planted(code, rows, sign=sign):
            fired = (code.dense()[torch.from_numpy(rows.train)] > 0).sum(dim=0)
            return {feature: sign * float(count) for feature, count in enumerate(fired)}

        monkeypatch.setattr(moments, "_scores", planted)
        rows = moments_of(SETTINGS, UNIT, store, {"top-k": dictionary})
        found = {row.moment: row.correlation for row in rows}
        assert found["density"] == pytest.approx(sign)


def test_text_without_labels_has_neither(subject, store, dictionary):
    bare = Store(store.folder, {**store.manifest, "labels": []})
    assert moments_of(SETTINGS, UNIT, bare, {"top-k": dictionary}) == []
    assert steered_of(SETTINGS, subject, UNIT, bare, dictionary) == []
