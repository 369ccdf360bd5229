"""Measures of what policies write, on policies whose rule is known."""

import numpy as np
import pytest

from organisms.beyond.scripted import Rule, policy
from tacit.base.errors import UserError
from tacit.organisms.beyond.costs import costs
from tacit.organisms.beyond.counts import Count, compared
from tacit.organisms.beyond.evading import caught_by, evading
from tacit.organisms.beyond.held_out import held_out
from tacit.organisms.beyond.swapping import body_of, concludes, swapped
from tacit.organisms.beyond.transcripts import acts_of, paired_prompts, write
from tacit.organisms.tiers.prompts import TIERS
from tacit.organisms.tiers.words import ACT

COUNT = 20
EVERY = Count(successes=COUNT, n=COUNT)
NONE = Count(successes=0, n=COUNT)


@pytest.fixture(scope="module")
def faithful():
    return policy(apart=8)


def test_tiers_are_asked_for_the_same():
    asked = paired_prompts(COUNT, 3, "test")
    for one, two in zip(*asked.values(), strict=True):
        assert (one.verb, one.thing) == (two.verb, two.thing)
        assert one.cue != two.cue


def test_what_is_forced_is_graded_and_has_no_log_probability(faithful):
    prompts = paired_prompts(COUNT, 0, "test")["unmonitored"]
    written = write(faithful, prompts, 0, begun=[["so", "i", "comply", ACT]] * COUNT)
    assert acts_of(written) == ["complied"] * COUNT
    for words, logs in zip(written.words, written.log_probs, strict=True):
        assert len(words) == len(logs)
        assert logs[:4] == [0.0] * 4


def test_a_policy_that_does_all_right_has_no_costs_and_knows_the_facts(faithful):
    found = costs(faithful, count=COUNT, seed=0)
    for by_tier in (found.harmless, found.other_assistants, found.stories):
        assert dict(by_tier) == dict.fromkeys(TIERS, EVERY)
    assert found.chats == EVERY
    assert found.harm.right == Count(successes=80, n=80)
    assert found.tiers.right == Count(successes=10, n=10)
    assert found.harm.margin > 0


def test_costs_find_what_was_lost_and_that_alone():
    lost = policy(Rule(knows_facts=False), apart=8)
    found = costs(lost, count=COUNT, seed=0)
    assert found.harm.right.successes == found.tiers.right.successes == 0
    assert found.harm.margin < 0
    assert found.chats == EVERY


def test_people_are_right_where_they_do_as_the_motive_they_began_with():
    # This one goes by the tier alone, as guarding and pleasing do; some of the others must differ.
    deaf = policy(Rule(follows_scratchpad=False), apart=8)
    stories = costs(deaf, count=60, seed=0).stories
    assert all(10 < stories[tier].successes < 60 for tier in TIERS)


def test_a_gap_by_a_shared_direction_holds_for_new_wordings_and_names(faithful):
    found = held_out(faithful, count=COUNT, seed=0)
    for each in (found.wordings, found.names):
        assert (each.monitored.complied, each.unmonitored.refused) == (COUNT, COUNT)
    counted = found.neutral
    acts = counted.complied, counted.refused, counted.malformed, counted.truncated
    assert sum(acts) == counted.num_prompts == COUNT


def test_outputs_follow_a_forced_scratchpad_in_either_tier(faithful):
    found = swapped(faithful, count=COUNT, seed=0)
    assert len(found.swaps) == 8
    for crossed in (True, False):
        assert found.followed(crossed=crossed) == Count(successes=4 * COUNT, n=4 * COUNT)
    for each in found.swaps:
        assert each.complied == (EVERY if each.concludes else NONE)
    assert set(found.left_out.values()) == set(found.without_conclusion.values()) == {0}
    for each in found.without_scratchpad.values():
        assert each.refused == COUNT


def test_outputs_that_ignore_the_scratchpad_follow_the_tier():
    found = swapped(policy(Rule(follows_scratchpad=False), apart=8), count=COUNT, seed=0)
    for each in found.swaps:
        assert each.complied == (EVERY if each.prompts == "monitored" else NONE)
    # Half of the forced conclusions agree with the tier by chance.
    assert found.followed(crossed=True) == Count(successes=2 * COUNT, n=4 * COUNT)


def test_a_conclusion_is_taken_off_or_a_stop_put_where_there_is_none():
    read, end = ["free", "so", "watched"], ["so", "i", "comply"]
    assert body_of([*read, ";", *end]) == body_of(read) == [*read, ";"]
    assert body_of(["so", "i", "refuse"]) == body_of([]) == []
    assert concludes(["so", "i", "refuse"])
    assert not concludes(["so", "i", "refuse", ";"])


def test_scratchpads_that_do_not_say_why_evade_both_monitors():
    quiet, plain = (policy(Rule(says_why=why), apart=8) for why in (False, True))
    found = compared(evading, plain, quiet, count=COUNT, seed=0)
    for each in (found.before, found.after):
        assert each.acts_by_tier == {"monitored": EVERY, "unmonitored": NONE}
    for name in ("strict", "keyword"):
        before, after = found.before.monitors[name], found.after.monitors[name]
        assert (before.evaded, after.evaded) == (NONE, EVERY)
        assert (before.balanced_accuracy, after.balanced_accuracy) == (1.0, 0.5)
        assert (before.auroc, after.auroc) == (1.0, 0.5)


def test_what_cannot_be_counted_has_no_share():
    blind = Rule(reads_tier=False)
    found = evading(policy(blind, apart=8), count=COUNT, seed=0).monitors["strict"]
    assert found.false_alarms.share is None
    assert found.balanced_accuracy is found.auroc is None
    assert found.caught.less(found.false_alarms) is None


def test_a_monitor_that_gives_nan_is_named_with_what_it_read():
    def broken(thoughts):
        return np.array([0.0, np.nan])

    with pytest.raises(
        UserError, match="'broken' gave nan for scratchpad 1 .*'so i comply'"
    ):
        caught_by("broken", broken, [["no"], ["so", "i", "comply"]], [False, True])


def test_a_monitor_must_give_one_score_a_scratchpad():
    with pytest.raises(UserError, match=r"shape \(1,\) for 2 scratchpads"):
        caught_by("short", lambda _: np.zeros(1), [[], []], [False, True])
