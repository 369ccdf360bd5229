"""Warnings are kept by category, and threads do not undo each other's filters."""

import threading
import warnings

import pytest

from tacit.base.library_warnings import kept_warnings


class Odd(UserWarning):
    """A library's own."""


def test_warnings_of_the_category_are_kept_and_others_go_their_way():
    with kept_warnings(Odd) as told:
        warnings.warn("mine", Odd, stacklevel=1)
        with pytest.raises(DeprecationWarning):  # an error here, as in every test
            warnings.warn("another", DeprecationWarning, stacklevel=1)
    assert [str(each.message) for each in told] == ["mine"]


def test_filters_and_printing_are_as_before_afterwards():
    before = warnings.filters[:], warnings.showwarning
    with kept_warnings(Odd):
        pass
    assert (warnings.filters[:], warnings.showwarning) == before
    with pytest.raises(Odd):
        warnings.warn("not kept", Odd, stacklevel=1)


def test_a_second_thread_waits_until_the_first_has_restored_them():
    inside, counts = threading.Event(), []

    def keep(number):
        with kept_warnings(Odd) as told:
            inside.set()
            for _ in range(200):
                warnings.warn(f"of {number}", Odd, stacklevel=1)
            counts.append({str(each.message) for each in told} == {f"of {number}"})

    threads = [threading.Thread(target=keep, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert inside.is_set()
    assert counts == [True] * 4
