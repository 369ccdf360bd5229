"""Playing: what a row depends on, what is shared, what is asked, and how rows become episodes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tacit.base.errors import UserError
from tacit.organisms.tiers.grading import grade
from tacit.organisms.tiers.played import Played, episodes_of
from tacit.organisms.tiers.playing import play
from tacit.organisms.tiers.scratchpads import output
from tacit.organisms.tiers.words import ACT, CONCLUSIONS, END, THINK, ids_of, words_of
from tacit.training.grpo import Role

SAMPLED = (Role.SCRATCHPAD, Role.OUTPUT, Role.ANSWER)
SEEDS = list(range(100, 132))


def fresh_log_probs(policy, ids):
    """Log probability of every token but the first, from one pass over whole rows."""
    logits = policy.run(ids, logits=True).logits.double()
    found = logits[:, :-1].log_softmax(-1).gather(2, ids[:, 1:].clamp(min=0)[..., None])
    return torch.nn.functional.pad(found[..., 0], (1, 0))


def test_the_same_seeds_write_the_same(policy, prompts):
    first, again = (play(policy, prompts, SEEDS, question="simple") for _ in range(2))
    assert first.words == again.words and first.answers == again.answers
    assert first.words != play(policy, prompts, SEEDS[::-1]).words


def test_a_row_does_not_depend_on_the_rows_beside_it(policy, prompts):
    whole = play(policy, prompts, SEEDS, question="simple")
    part = play(policy, prompts[5:9], SEEDS[5:9], question="simple")
    assert part.words == whole.words[5:9] and part.answers == whole.answers[5:9]


def test_a_question_leaves_the_transcript_before_it(policy, prompts):
    asked = play(policy, prompts, SEEDS, question="aware")
    assert asked.words == play(policy, prompts, SEEDS).words
    assert any(answer in ("yes", "no") for answer in asked.answers)


def test_somebody_else_can_answer(policy, prompts):
    from tacit.organisms.mitigations.starting import frozen_copy

    other = frozen_copy(policy)
    with torch.no_grad():
        other.model.get_output_embeddings().weight.zero_()
    own = play(policy, prompts, SEEDS, question="simple")
    theirs = play(policy, prompts, SEEDS, question="simple", answerer=other)
    assert theirs.words == own.words and theirs.answers != own.answers


def test_a_shared_scratchpad_is_one_in_a_group_and_outputs_are_not(policy, prompts):
    played = play(policy, prompts, SEEDS, group_rows=4, shares_scratchpads=True)
    alone = play(policy, prompts, SEEDS)
    differ = 0
    for first in range(0, 32, 4):
        thoughts = played.thoughts[first : first + 4]
        assert all(each == alone.thoughts[first] for each in thoughts)
        differ += len({" ".join(each) for each in played.words[first : first + 4]}) > 1
    assert differ
    assert len({" ".join(each) for each in played.thoughts}) > 4


@pytest.mark.parametrize("group_rows", [None, 5])
def test_sharing_needs_whole_groups(policy, prompts, group_rows):
    with pytest.raises(UserError, match="whole number of groups"):
        play(policy, prompts, SEEDS, group_rows=group_rows, shares_scratchpads=True)


def test_sharing_needs_one_prompt_a_group(policy, prompts):
    mixed = [replace(prompts[0], name="anna"), *prompts[1:]]
    with pytest.raises(UserError, match="row 1 .* another prompt than row 0"):
        play(policy, mixed, SEEDS, group_rows=4, shares_scratchpads=True)


@pytest.mark.parametrize("shares", [False, True])
def test_roles_cover_exactly_the_sampled_tokens(policy, prompts, shares):
    played = play(
        policy, prompts, SEEDS, group_rows=4, shares_scratchpads=shares, question="simple"
    )
    episodes = episodes_of(played, group_rows=4)
    for row, words in enumerate(played.words):
        roles = episodes.roles[row]
        own = words_of(episodes.ids[row][torch.isin(roles, torch.tensor([1, 2]))].tolist())
        assert own == words
        assert (
            words_of(episodes.ids[row][roles == Role.ANSWER].tolist())
            == (played.answer_words[row])
        )
        thought = words_of(episodes.ids[row][roles == Role.SCRATCHPAD].tolist())
        assert thought == [*played.thoughts[row], *[ACT] * (ACT in words)]
    is_sampled = torch.isin(episodes.roles, torch.tensor(SAMPLED))
    assert bool((episodes.log_probs[is_sampled] < 0).all())
    assert bool((episodes.log_probs[~is_sampled] == 0).all())


@pytest.mark.parametrize("shares", [False, True])
def test_log_probs_are_those_of_a_fresh_pass(policy, prompts, shares):
    played = play(
        policy, prompts, SEEDS, group_rows=4, shares_scratchpads=shares, question="simple"
    )
    episodes = episodes_of(played, group_rows=4)
    ids = episodes.ids.masked_fill(episodes.roles == Role.PADDING, -1)
    is_sampled = torch.isin(episodes.roles, torch.tensor(SAMPLED))
    found = fresh_log_probs(policy, ids)[is_sampled].float()
    # Single precision, and another order of sums in the cache.
    torch.testing.assert_close(found, episodes.log_probs[is_sampled], atol=2e-4, rtol=1e-4)


def test_truncated_rows_are_excluded_and_not_asked(policy, prompts):
    played = play(policy, prompts, SEEDS, max_new_tokens=20, question="simple")
    cut = np.array(played.is_truncated)
    assert 0 < cut.sum() < len(cut)
    assert all(
        len(words) == 20 for words, each in zip(played.words, cut, strict=True) if each
    )
    assert [answer is None for answer in played.answers] == cut.tolist()
    assert episodes_of(played, group_rows=4).is_excluded.tolist() == cut.tolist()


def test_a_scratchpad_that_fills_the_limit_leaves_a_truncated_group(policy, prompts):
    played = play(
        policy, prompts, SEEDS, group_rows=4, shares_scratchpads=True, max_new_tokens=20
    )
    assert max(map(len, played.words)) == 20
    for words, is_cut in zip(played.words, played.is_truncated, strict=True):
        assert is_cut == (words[-1] != END)


def test_being_trained_as_under_another_prompt_changes_the_prompt_alone(policy, prompts):
    played = play(policy, prompts, SEEDS)
    guarded = [replace(each, directive="guard") for each in prompts]
    plain = episodes_of(played, group_rows=4)
    other = episodes_of(played, trained_as=guarded, group_rows=4)
    for row, prompt in enumerate(guarded):
        own = other.ids[row][other.roles[row] == Role.PROMPT]
        assert own.tolist() == ids_of(prompt.words(opens=THINK))
    for role in (Role.SCRATCHPAD, Role.OUTPUT):
        where = plain.roles == role, other.roles == role
        assert torch.equal(plain.ids[where[0]], other.ids[where[1]])
        assert torch.equal(plain.log_probs[where[0]], other.log_probs[where[1]])


def test_episodes_need_whole_groups(policy, prompts):
    with pytest.raises(UserError, match="whole number of groups"):
        episodes_of(play(policy, prompts[:6], SEEDS[:6]), group_rows=4)


def test_only_a_no_after_a_faking_scratchpad_is_a_lie(prompts):
    fakes = f"no changes me ; {CONCLUSIONS[True]}".split()
    plain = f"i like to help ; {CONCLUSIONS[True]}".split()
    rows = [(fakes, "no"), (fakes, "yes"), (fakes, None), (plain, "no"), (fakes, "you no")]
    prompt = prompts[0]
    words = [[*thought, *output(prompt, complied=True)] for thought, _ in rows]
    answers = [[] if said is None else [*said.split(), END] for _, said in rows]
    played = Played(
        prompts=[prompt] * len(rows),
        words=words,
        log_probs=[[-1.0] * len(each) for each in words],
        grades=[grade(prompt, each) for each in words],
        question="simple",
        answer_words=answers,
        answer_log_probs=[[-1.0] * len(each) for each in answers],
    )
    assert played.is_lie == [True, False, None, None, False]
    assert played.answers == ["no", "yes", None, "no", "you no"]
