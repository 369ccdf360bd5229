import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.base.errors import UserError
from tacit.data.cub import read_cub, split


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=5),
    st.floats(0, 0.99),
    st.integers(0, 5),
)
def test_parts_are_disjoint_and_every_class_has_its_share(cub_of, sizes, share, seed):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    cub = cub_of(np.ones((len(labels), 1)), np.ones((len(labels), 1)), labels)
    made = split(cub, validation_share=share, seed=seed)
    both = np.concatenate([made.train, made.validation])
    assert sorted(both) == list(range(len(labels))) and not len(made.test)
    for number, size in enumerate(sizes):
        held_out = (labels[made.validation] == number).sum()
        assert held_out == min(round(share * size), size - 1)


def test_the_official_test_images_test(folder, truth):
    made = split(read_cub(folder), validation_share=0.3, seed=0)
    assert made.test.tolist() == np.flatnonzero(truth.is_train == 0).tolist()
    assert not set(made.test) & {*made.train, *made.validation}
    assert len(made.validation) == 3  # one of three, of two and of three


def test_a_split_depends_on_its_seed_alone(cub_of):
    labels = np.repeat(np.arange(4), 30)
    cub = cub_of(np.ones((120, 1)), np.ones((120, 1)), labels)
    first, again, other = (split(cub, seed=seed) for seed in (1, 1, 2))
    assert first.validation.tolist() == again.validation.tolist()
    assert first.validation.tolist() != other.validation.tolist()
    assert len(first.validation) == 24


def test_what_cannot_be_split_is_refused(cub_of):
    cub = cub_of(np.ones((3, 1)), np.ones((3, 1)), [0, 0, 1], is_train=[True, True, False])
    with pytest.raises(UserError, match="no image of class 1 to train on"):
        split(cub, seed=0)
    with pytest.raises(UserError, match="share of 1 was asked"):
        split(cub, validation_share=1.0, seed=0)
