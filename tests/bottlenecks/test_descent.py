"""The loop: its batches, rates, patience, and what goes side by side."""

import pytest
import torch
from torch import nn

from tacit.base.errors import UserError
from tacit.bottlenecks.descent import DescentSettings, Learner, by_learner, descend

ROWS = torch.arange(10, 21)
PLAIN = {"num_epochs": 3, "batch_images": 4, "patience": None, "learning_rate": 0.1}


def run(scores=(0.0, 0.1, 0.2), num_learners=1, **settings):
    """Push a weight up by its rate at every step, and judge each epoch by the scores given."""
    chosen = DescentSettings(**{**PLAIN, "momentum": 0.0, "weight_decay": 0.0, **settings})
    modules = [nn.Linear(1, 1, bias=False) for _ in range(num_learners)]
    for module in modules:
        nn.init.zeros_(module.weight)
    learners = [Learner(module=m, settings=chosen, seed=n) for n, m in enumerate(modules)]
    seen, told = [], iter(scores)

    def loss_of(rows, noises):
        seen.append(rows)
        return {"loss": torch.stack([-module.weight.sum() for module in modules])}

    def judge():
        score = next(told)
        return [{"score": score} for _ in learners]

    descend(learners, ROWS, loss_of, judge, stage="test", watch="score")
    return learners, seen, [module.weight.item() for module in modules]


def test_every_row_is_seen_once_an_epoch_in_no_small_batch():
    _, seen, _ = run()
    assert [batch.shape[1] for batch in seen] == [6, 5] * 3
    for first in range(0, 6, 2):
        assert (
            sorted(torch.cat(seen[first : first + 2], dim=1)[0].tolist()) == ROWS.tolist()
        )
    assert not torch.equal(seen[0], seen[2])


def test_learners_have_orders_of_their_own():
    _, seen, _ = run(num_learners=2)
    assert not torch.equal(seen[0][0], seen[0][1])


def test_a_constant_rate_adds_up_and_a_cosine_falls():
    assert run()[2] == [pytest.approx(0.6)]
    settings = DescentSettings(**PLAIN, schedule="cosine")
    assert [settings.rate_at(done) for done in (0, 0.5, 1)] == pytest.approx([0.1, 0.05, 0])
    # Steps at 0, 1/6, ..., 5/6 of the way: the cosines sum to 1.
    assert run(schedule="cosine")[2] == [pytest.approx(0.1 * (6 + 1) / 2)]


def test_the_weights_kept_are_the_first_best_ones():
    assert run(scores=(0.1, 0.9, 0.9))[2] == [pytest.approx(0.4)]
    assert run(scores=(0.1, 0.9, 0.9), keep_best=False)[2] == [pytest.approx(0.6)]


def test_it_ends_when_patience_does():
    learners, _, weights = run(scores=(0.9, 0.1, 0.1), patience=1, keep_best=False)
    assert len(learners[0].epochs) == 2
    assert weights == [pytest.approx(0.4)]
    assert run(scores=(0.9, 0.1, 0.1), patience=1)[2] == [pytest.approx(0.2)]


def test_what_is_measured_is_told_learner_by_learner():
    measured = {"a": torch.tensor([1.0, 2.0]), "b": torch.tensor([3.0, 4.0])}
    assert by_learner(measured) == [{"a": 1.0, "b": 3.0}, {"a": 2.0, "b": 4.0}]


def test_learners_of_unlike_length_are_refused():
    learners = [
        Learner(module=nn.Linear(1, 1), settings=DescentSettings(num_epochs=n), seed=0)
        for n in (1, 2)
    ]
    with pytest.raises(UserError, match=r"num_epochs \[1, 2\]"):
        descend(learners, ROWS, lambda *_: {}, list, stage="test", watch="score")
