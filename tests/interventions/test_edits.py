"""An edit does its arithmetic where it is told to, and leaves every other bit alone."""

import pytest
import torch

from tacit.base.errors import UserError
from tacit.dictionaries.code import Code
from tacit.interventions.edits import ablate_feature, constant, substitute

from .conftest import WIDTH


def most_active(dictionary, rows):
    """The feature that fires on most rows, of those that do not fire on all."""
    count = dictionary.encode(rows).dense().count_nonzero(dim=0)
    return int((count * (count < len(rows))).argmax())


@pytest.fixture
def value():
    return torch.randn(3, 6, WIDTH, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def where():
    chosen = torch.zeros(3, 6, dtype=torch.bool)
    chosen[0, 2:] = chosen[2, :3] = True
    return chosen


def edits_of(dictionary, value, where):
    feature = most_active(dictionary, value[where])
    without = ablate_feature(dictionary, feature, where, keep_error=False)
    return {
        "substitute": substitute(dictionary, where),
        "constant": constant(torch.ones(WIDTH), where),
        "ablate": ablate_feature(dictionary, feature, where),
        "ablate without error": without,
    }


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_other_positions_keep_their_value_to_the_bit(lossy, value, where, dtype):
    value = value.to(dtype)
    value[1, 0, 0] = torch.nan  # padding may hold anything
    before = value.clone()
    for name, edit in edits_of(lossy, value, where).items():
        edited = edit(value)
        assert edited.dtype == dtype
        assert edited[~where].view(torch.uint8).equal(before[~where].view(torch.uint8)), (
            name
        )
        assert not edited[where].equal(before[where]), name
        # The value that came in is not written to: a model may use it elsewhere.
        assert value.view(torch.uint8).equal(before.view(torch.uint8)), name


def test_nothing_changes_where_no_position_is_named(lossy, value, where):
    for edit in edits_of(lossy, value, where & False).values():
        assert edit(value).equal(value)


def test_substitution_puts_the_reconstruction_in_place(lossy, exact, value, where):
    edited = substitute(lossy, where)(value)
    torch.testing.assert_close(edited[where], lossy.rebuild(value[where]))
    torch.testing.assert_close(substitute(exact, where)(value), value)


def test_a_constant_stands_at_every_place(value, where):
    vector = torch.arange(float(WIDTH))
    edited = constant(vector, where)(value)
    assert edited[where].equal(vector.expand(int(where.sum()), -1))
    with pytest.raises(UserError, match="width 3 .* width 32"):
        constant(torch.zeros(3), where)(value)


def test_ablation_takes_away_exactly_the_features_part(lossy, value, where):
    """x minus value times scale times atom, the value read off the dense code."""
    feature = most_active(lossy, value[where])
    size = lossy.encode(value[where]).dense()[:, feature]
    assert 0 < size.count_nonzero() < len(size)
    edited = ablate_feature(lossy, feature, where)(value)
    expected = value[where] - torch.outer(size * lossy.scale, lossy.atoms[feature])
    torch.testing.assert_close(edited[where], expected, rtol=0, atol=1e-6)
    silent = size == 0
    assert edited[where][silent].equal(value[where][silent])


def test_ablation_without_the_error_decodes_the_code_without_the_feature(
    lossy, value, where
):
    feature = most_active(lossy, value[where])
    dense = lossy.encode(value[where]).dense()
    dense[:, feature] = 0
    every = torch.arange(lossy.num_atoms).expand(len(dense), -1)
    expected = lossy.decode(Code(dense, every, lossy.num_atoms))
    edited = ablate_feature(lossy, feature, where, keep_error=False)(value)
    torch.testing.assert_close(edited[where], expected)


def test_a_feature_of_an_exact_dictionary_can_be_ablated_either_way(exact, value, where):
    """Without error to keep, both ways agree: one coordinate goes to the centre's."""
    kept = ablate_feature(exact, 7, where)(value)
    torch.testing.assert_close(
        ablate_feature(exact, 7, where, keep_error=False)(value), kept
    )
    torch.testing.assert_close(kept[where][:, 7], exact.centre[7].expand(int(where.sum())))


@pytest.mark.parametrize("feature", [-1, 48])
def test_a_feature_that_is_not_there_is_refused(lossy, where, feature):
    with pytest.raises(UserError, match="features 0 to 47"):
        ablate_feature(lossy, feature, where)
