"""The update: its gradient by hand, and what is never run."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tacit.base.errors import UserError
from tacit.training.grpo import GrpoSettings, Role
from tacit.training.grpo.losses import k3_divergences, policy_losses, ratios
from training.grpo.micro_policies import episodes, graded, gradients_of, policy

REWARDS = np.arange(16.0) % 5


def by_hand(subject, given, advantages, roles):
    """The gradient of minus the advantage-weighted log likelihood, a row at a time."""
    subject.model.zero_grad()
    total, tokens = torch.zeros(()), 0
    for row, advantage in enumerate(advantages):
        stands = given.roles[row] != Role.PADDING
        ids, own = given.ids[row][stands][None], given.roles[row][stands]
        logs = subject.model(input_ids=ids).logits[0, :-1].log_softmax(dim=-1)
        taken = torch.isin(own[1:], torch.tensor([int(role) for role in roles]))
        if not given.is_excluded[row]:
            total = total - advantage * logs.gather(1, ids[0, 1:, None])[taken].sum()
            tokens += int(taken.sum())
    (total / tokens).backward()
    found = {name: value.grad.clone() for name, value in subject.model.named_parameters()}
    subject.model.zero_grad()
    return found


def assert_equal(one, other):
    for name, value in one.items():
        torch.testing.assert_close(value, other[name], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("names", [("scratchpad",), ("output", "scratchpad"), ("answer",)])
def test_the_gradient_is_that_of_the_roles_trained_and_of_rows_not_excluded(names):
    subject, given = policy(), episodes(excluded=(2, 9))
    settings = GrpoSettings(trained_roles=names, scale_by_deviation=False, rows_at_once=3)
    _, (found,) = gradients_of(subject, graded(given, REWARDS), settings)
    kept = ~given.is_excluded
    advantages = [
        reward - REWARDS[(given.groups == group) & kept].mean()
        for reward, group in zip(REWARDS, given.groups, strict=True)
    ]
    assert_equal(found, by_hand(subject, given, advantages, settings.roles))


def test_what_stands_in_excluded_rows_and_after_the_last_counted_token_is_not_read():
    subject, given = policy(), episodes(excluded=(2, 9))
    settings = GrpoSettings()
    ids = given.ids.clone()
    ids[[2, 9]] = 7
    ids[given.roles >= Role.QUESTION] = 9
    _, (one,) = gradients_of(subject, graded(given, REWARDS), settings)
    _, (other,) = gradients_of(subject, graded(replace(given, ids=ids), REWARDS), settings)
    assert_equal(one, other)


def rows_run(subject, action):
    """Rows of each pass of the model, with a gradient and without."""
    seen = []
    handle = subject.model.register_forward_pre_hook(
        lambda _, __, given: seen.append(
            (len(given["input_ids"]), torch.is_grad_enabled())
        ),
        with_kwargs=True,
    )
    action()
    handle.remove()
    return [sum(rows for rows, learns in seen if learns is kind) for kind in (True, False)]


def test_rows_with_nothing_to_teach_are_not_run_and_are_counted():
    subject, given = policy(), episodes(rows=24, excluded=(0, 17))
    rewards = np.concatenate([np.arange(8.0) ** 2, np.ones(16)])
    rewards[17] = 5
    found = []

    def learn(reference=None, **settings):
        made = GrpoSettings(**settings)
        found.append(gradients_of(subject, graded(given, rewards), made, reference)[0])

    assert rows_run(subject, learn) == [7, 0]
    (figures,) = found
    assert (figures.rows, figures.rows_trained, figures.excluded_rows) == (24, 7, 2)
    assert figures.equal_groups == 2
    counted = given.of_roles({Role.SCRATCHPAD, Role.OUTPUT})
    assert figures.counted_tokens == counted.sum()
    assert figures.tokens_trained == counted[:8].sum()
    assert figures.reward == pytest.approx((140 + 15) / 22)
    assert figures.entropy == pytest.approx(0.5) and figures.kl is None
    # A reference is measured against on a row of each group; its weight trains every row.
    assert rows_run(subject, lambda: learn(policy(1))) == [7, 3]
    assert rows_run(subject, lambda: learn(policy(1), kl_weight=0.1)) == [22, 0]
    assert found[1].rows_trained == 7 and found[2].rows_trained == 22
    assert found[1].kl == pytest.approx(found[2].kl, rel=0.5)
    assert rows_run(subject, lambda: learn(minibatches=2)) == [7, 7]


def test_a_step_of_equal_rewards_moves_nothing():
    subject, given = policy(), episodes()
    figures, gradients = gradients_of(subject, graded(given, np.ones(16)), GrpoSettings())
    assert gradients == [] and figures.loss == 0 and figures.gradient_norm == 0
    assert figures.equal_groups == 2 and figures.rows_trained == 0


def test_where_every_row_is_excluded_nothing_is_measured():
    given = episodes(excluded=range(16))
    figures, gradients = gradients_of(policy(), graded(given, REWARDS), GrpoSettings())
    assert gradients == []
    assert (figures.loss, figures.reward, figures.entropy) == (None, None, None)
    assert figures.excluded_rows == 16 and not figures.parts


def test_minibatches_of_still_weights_add_up_to_one_batch():
    """Their gradients are of disjoint rows over the same mean number of tokens."""
    subject, given = policy(), episodes(rows=32)
    rewards = np.arange(32.0) % 7
    one, (whole,) = gradients_of(subject, graded(given, rewards), GrpoSettings())
    four, parts = gradients_of(
        subject, graded(given, rewards), GrpoSettings(minibatches=4, rows_at_once=3)
    )
    assert len(parts) == 4 and four.loss == pytest.approx(one.loss, abs=1e-6)
    assert_equal(whole, {name: sum(p[name] for p in parts) / 4 for name in whole})


def test_losses_by_hand():
    old, new = torch.log(torch.tensor([0.5, 0.2])), torch.log(torch.tensor([0.8, 0.1]))
    moved = ratios(new, old)
    torch.testing.assert_close(moved, torch.tensor([1.6, 0.5]))
    gains, losses = torch.ones(2), -torch.ones(2)
    torch.testing.assert_close(policy_losses(moved, gains, 0.2), torch.tensor([-1.2, -0.5]))
    torch.testing.assert_close(policy_losses(moved, losses, 0.2), torch.tensor([1.6, 0.8]))
    assert ratios(new, None).tolist() == [1, 1]


def test_k3_is_the_divergence_in_the_mean():
    p, q = torch.tensor([0.6, 0.3, 0.1]), torch.tensor([0.2, 0.3, 0.5])
    found = (p * k3_divergences(p.log(), q.log())).sum()
    torch.testing.assert_close(found, (p * (p / q).log()).sum())


def test_weighted_by_its_ratio_k3_has_the_gradient_of_the_divergence():
    """In the mean over tokens drawn from the policy; without the ratio it is another's."""
    logits = torch.tensor([0.3, -0.2, 1.0], requires_grad=True)
    q = torch.tensor([0.2, 0.3, 0.5])
    log_p = logits.log_softmax(dim=0)
    (exact,) = torch.autograd.grad((log_p.exp() * (log_p - q.log())).sum(), logits)
    drawn = logits.log_softmax(dim=0)
    terms = ratios(drawn, None) * k3_divergences(drawn, q.log())
    (found,) = torch.autograd.grad((drawn.detach().exp() * terms).sum(), logits)
    torch.testing.assert_close(found, exact)


def test_a_loss_that_is_not_finite_names_the_step():
    subject, given = policy(), episodes()
    with torch.no_grad():
        next(subject.model.parameters())[:] = float("nan")
    with pytest.raises(
        UserError, match="GRPO's loss is nan at step 0; lower learning_rate"
    ):
        gradients_of(subject, graded(given, REWARDS), GrpoSettings())
