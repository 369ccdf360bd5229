"""Slices of a step: the same numbers on any number of threads, and nothing left behind."""

import pytest
import torch

from tacit.dictionaries import ReluL1, TopK
from tacit.dictionaries.parallel import sharing


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("worth_it", [False, True])
def test_answers_come_in_order(two_threads, worth_it):
    with sharing(worth_it=worth_it) as over:
        found = over(10, 3, lambda part: (part.start, part.stop))
    assert found == [(0, 3), (3, 6), (6, 9), (9, 10)]


def test_threads_are_given_back_also_after_an_error(two_threads):
    def fail(part):
        raise ValueError(str(part.start))

    with pytest.raises(ValueError, match="0"), sharing(worth_it=True) as over:
        assert torch.get_num_threads() == 1
        over(4, 2, fail)
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize(
    "method",
    [
        TopK(num_atoms=4096, k=8, dead_after_steps=1, learning_rate=0.01),
        ReluL1(num_atoms=4096, penalty=0.5, tied=True, learning_rate=0.01),
    ],
)
def test_shared_steps_equal_steps_of_one_thread(monkeypatch, method):
    # Slices do not depend on the number of threads; two of them are enough to show an error.
    monkeypatch.setattr("tacit.dictionaries.descent.WORTH_SHARING", 0)
    monkeypatch.setattr("tacit.dictionaries.learned_method.SPARSE_BELOW", 1.1)
    block = torch.randn(700, 16, generator=torch.Generator().manual_seed(0))
    before, ends = torch.get_num_threads(), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        state = method.initial(0, block, num_steps=10)
        for _ in range(4):
            state, report = method.step(state, block)
        ends.append((state, report))
    torch.set_num_threads(before)
    (one, first), (two, second) = ends
    assert first.loss == pytest.approx(second.loss, rel=1e-6)
    for name, tensor in one.tensors.items():
        torch.testing.assert_close(
            tensor, two.tensors[name], rtol=1e-4, atol=1e-6, msg=name
        )
