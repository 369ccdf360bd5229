"""Features and directions are moved by what was asked, in a pass and while a subject writes."""

import pytest
import torch

from tacit.base.errors import UserError
from tacit.dictionaries.selections import TopKPositive
from tacit.interventions.edits import ablate_feature
from tacit.interventions.features import (
    cap_features,
    change_features,
    clamp_features,
    scale_features,
    steer,
)
from tacit.models.sampling import sample

from .conftest import WIDTH, dictionary_of, directions


@pytest.fixture
def value():
    return torch.randn(3, 6, WIDTH, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def where():
    chosen = torch.zeros(3, 6, dtype=torch.bool)
    chosen[0, 2:] = chosen[2, :3] = True
    return chosen


FEATURES = (0, 5, 11)


def moved(dictionary, value, where, edit):
    """By how much each feature's coordinate was moved, the rest having stayed."""
    change = (edit(value) - value)[where]
    assert (edit(value) - value)[~where].eq(0).all()
    parts = dictionary.atoms[list(FEATURES)] * dictionary.scale
    found = torch.linalg.lstsq(parts.T, change.T).solution.T
    torch.testing.assert_close(found @ parts, change, atol=1e-4, rtol=0)
    return found


def test_activations_become_what_was_asked(lossy, value, where):
    old = lossy.encode(value[where]).dense()[:, list(FEATURES)]
    assert old.ne(0).any()
    wanted = {
        2.5 * old: scale_features(lossy, FEATURES, 2.5, where),
        torch.full_like(old, 0.7): clamp_features(lossy, FEATURES, 0.7, where),
        old.clamp(max=0.01): cap_features(lossy, FEATURES, 0.01, where),
        old + 1: change_features(lossy, FEATURES, lambda own: own + 1, where),
    }
    for after, edit in wanted.items():
        found = moved(lossy, value, where, edit)
        torch.testing.assert_close(found, after - old, atol=1e-4, rtol=0)


def test_a_factor_of_nought_ablates(lossy, value, where):
    for feature in FEATURES:
        torch.testing.assert_close(
            scale_features(lossy, (feature,), 0.0, where)(value),
            ablate_feature(lossy, feature, where)(value),
        )
        torch.testing.assert_close(
            scale_features(lossy, (feature,), 1.0)(value), value, atol=1e-6, rtol=0
        )


def test_steering_adds_the_direction(value, where):
    direction = torch.linspace(-1, 1, WIDTH)
    edited = steer(direction, 3.0, where)(value)
    torch.testing.assert_close(
        edited - value, 3 * direction * where[..., None], atol=1e-6, rtol=0
    )
    assert steer(direction, 0.0)(value).equal(value)


def test_an_edit_holds_while_a_subject_writes(tiny_subject):
    """With the cache of keys and values, as in one pass over what was written."""
    dictionary = dictionary_of(directions(48), TopKPositive(k=5), scale=2.0)
    prefix = [0, 7, 30, 41]
    for edit in (
        clamp_features(dictionary, (3, 9), 6.0),
        scale_features(dictionary, tuple(range(48)), -3.0),
        steer(directions(1)[0], 9.0),
    ):
        edits = {"mlp.1": edit}
        written = sample(
            tiny_subject, [prefix], max_new_tokens=8, seeds=[0], edits=edits, stop_ids=()
        )
        ids = torch.tensor([prefix + written.ids[0]])
        logits = tiny_subject.run(ids, edits=edits, logits=True).logits[0]
        logs = logits.log_softmax(-1)[len(prefix) - 1 : -1]
        own = logs.gather(1, torch.tensor(written.ids[0])[:, None])[:, 0]
        torch.testing.assert_close(own, torch.tensor(written.log_probs[0]).float())
        plain = tiny_subject.run(ids, logits=True).logits[0]
        assert not torch.allclose(plain, logits, atol=1e-3)


def test_what_cannot_be_edited_is_refused(lossy, value, where):
    for features, said in (((), "one or more"), ((2, 2), "each once"), ((48,), "0 to 47")):
        with pytest.raises(UserError, match=said):
            scale_features(lossy, features, 0.0)
    with pytest.raises(UserError, match=r"width 3 .* width 32"):
        steer(torch.zeros(3), 1.0)(value)
    with pytest.raises(UserError, match=r"\(3, 6\) met a value of \(3, 5\)"):
        scale_features(lossy, (1,), 0.0, where)(value[:, :5])
