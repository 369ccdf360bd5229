"""What cannot be an episode or a reward is told why."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tacit.base.errors import UserError
from tacit.training.grpo import Graded, GrpoSettings, Role
from training.grpo.micro_policies import episodes, graded, gradients_of, policy


def test_tokens_of_roles_leave_excluded_rows_out():
    given = episodes(excluded=(3,))
    found = given.of_roles({Role.OUTPUT, Role.ANSWER})
    expected = (given.roles == 2) | (given.roles == 4)
    expected[3] = False
    assert found.equal(expected)


def test_padding_stands_on_the_right():
    given = episodes()
    roles = given.roles.clone()
    roles[5, 0] = Role.PADDING
    with pytest.raises(
        UserError, match="row 5 of the episodes .*padding stands on the rig"
    ):
        replace(given, roles=roles)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_reward_that_is_not_finite_names_its_part_and_row(wrong):
    parts = {"output": np.zeros(16), "monitor": np.zeros(16)}
    parts["monitor"][6] = wrong
    with pytest.raises(UserError, match="reward part 'monitor' of row 6 .* is (nan|inf)"):
        Graded(episodes=episodes(), rewards=sum(parts.values()), parts=parts)


def test_a_reward_is_the_sum_of_its_parts():
    with pytest.raises(UserError, match=r"not the sum of their parts \(output\)"):
        Graded(episodes=episodes(), rewards=np.ones(16), parts={"output": np.zeros(16)})


def test_a_group_of_another_size_is_refused():
    given = episodes(group_rows=4)
    with pytest.raises(UserError, match="group 0 has 4 rows and group_rows is 8"):
        gradients_of(policy(), graded(given, np.zeros(16)), GrpoSettings())


def test_a_first_token_cannot_be_trained():
    given = episodes()
    roles = given.roles.clone()
    roles[:, 0] = Role.OUTPUT
    with pytest.raises(UserError, match="give it the role PROMPT"):
        gradients_of(
            policy(), graded(replace(given, roles=roles), np.arange(16.0)), GrpoSettings()
        )


def test_roles_are_those_of_the_settings():
    settings = GrpoSettings(trained_roles=("answer", "scratchpad"))
    assert settings.roles == {Role.SCRATCHPAD, Role.ANSWER}
    assert torch.isin(episodes().roles, torch.arange(6)).all()
