"""Sums and means without an excerpt, against leaving it out by hand."""

import numpy as np

from explanations.spelled import excerpt
from tacit.base.seeds import stream
from tacit.explanations.pattern_evidence import Evidence, explained

PRIOR = 1.5


def some_evidence():
    rng = stream(0, "tests/evidence")
    excerpts = [
        excerpt(
            rng.choice(list("abc"), 9).tolist(), rng.random(9), known=rng.random(9) < 0.8
        )
        for _ in range(4)
    ]
    return excerpts, Evidence(excerpts, reach=2)


def flat(excerpts, back):
    """Of every known place: excerpt, token ``back`` before it (None at a start), activation."""
    return [
        (number, each.piece.tokens[place - back] if place >= back else None, value)
        for number, each in enumerate(excerpts)
        for place, value in enumerate(each.values.astype(float))
        if each.known[place]
    ]


def test_a_tokens_mean_elsewhere_is_that_of_the_other_excerpts():
    excerpts, evidence = some_evidence()
    for back in (0, 2):
        places = flat(excerpts, back)
        sums = evidence.sums(np.arange(len(evidence.value)), back)
        found = sums.means_elsewhere(0.3, PRIOR)
        for code, number, mean in zip(sums.code, sums.excerpt, found, strict=True):
            word = evidence.words[code] if code < len(evidence.words) else None
            other = [v for n, w, v in places if w == word and n != number]
            expected = (sum(other) + PRIOR * 0.3) / (len(other) + PRIOR)
            assert np.isclose(mean, 0.3 if word is None else expected)


def test_the_mean_elsewhere_leaves_each_excerpt_out():
    excerpts, evidence = some_evidence()
    places = np.arange(0, len(evidence.value), 2)
    found = evidence.mean_elsewhere(places, PRIOR)
    drawn = PRIOR * evidence.value[places].mean()
    for number in range(len(excerpts)):
        other = evidence.value[places[evidence.excerpt[places] != number]]
        assert np.isclose(found[number], (other.sum() + drawn) / (len(other) + PRIOR))


def test_what_is_explained_is_a_difference_of_squared_errors():
    values = np.array([0.2, 1.4, 0.9])
    found = explained(np.array([3.0]), np.array([values.sum()]), 0.5, np.array([0.8]))
    by_hand = np.square(values - 0.5).sum() - np.square(values - 0.8).sum()
    assert np.isclose(found[0], by_hand)


def test_places_of_unknown_activation_are_context_alone():
    known = [True, False, True]
    evidence = Evidence([excerpt("abc", [1, 99, 2], known=known)], reach=1)
    assert evidence.value.tolist() == [1, 2]
    assert [evidence.words[code] for code in evidence.codes[1][1:]] == ["b"]
