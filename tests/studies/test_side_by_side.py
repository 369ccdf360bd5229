"""Pieces of work beside one another: all done, one error for all, threads as before."""

import threading

import pytest
import torch

from tacit.base.errors import UserError
from tacit.studies.side_by_side import run_side_by_side


@pytest.fixture(autouse=True)
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def counting():
    told: list[tuple[int, bool]] = []

    def advance(done: int = 1, *, earlier: bool = False) -> None:
        told.append((done, earlier))

    return told, advance


def test_pieces_run_beside_one_another_on_one_thread_each():
    together = threading.Barrier(2, timeout=20)
    threads = []

    def piece(progress):
        with progress("any", 3, "steps") as report:
            report(2, earlier=True)
            together.wait()  # passes only if both are under way
            threads.append(torch.get_num_threads())
            report(1)

    told, advance = counting()
    run_side_by_side([piece, piece], advance)
    assert sorted(told) == [(1, False), (1, False), (2, True), (2, True)]
    assert threads == [1, 1]
    assert torch.get_num_threads() == 2


def test_an_error_of_one_ends_the_others():
    begun = threading.Event()

    def failing(_):
        begun.wait(20)
        raise UserError("this one cannot")

    def endless(progress):
        with progress("any", 1, "steps") as report:
            begun.set()
            while True:
                report(0)

    with pytest.raises(UserError, match="this one cannot"):
        run_side_by_side([failing, endless, endless], counting()[1])
    assert torch.get_num_threads() == 2
