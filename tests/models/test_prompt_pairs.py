"""Pairs of prompts as a subject reads them: what is kept, what is left out, where roles stand."""

import json

import pytest
import torch

from tacit.base.errors import UserError
from tacit.data.pairs import Pair, pairs_in
from tacit.data.stories.tasks import TASKS, pairs_of
from tacit.models import load_subject
from tacit.models.prompt_pairs import PADDING, last_logits, preferences, read_pairs
from tacit.training.exam import EXAMS, examined


@pytest.fixture(scope="module")
def stories():
    return load_subject("stories")


def pair(clean, counterfactual, answer=" 3", other=" 4", **more):
    given = {"clean": clean, "counterfactual": counterfactual}
    return Pair(task="by hand", **given, answer=answer, other=other, **more)


@pytest.mark.parametrize("task", TASKS)
def test_every_prompt_of_every_task_can_be_read(stories, task):
    prompts = read_pairs(stories, pairs_of(task, 200, 11))
    assert len(prompts) == 200
    assert not prompts.skipped
    differ = (prompts.clean != prompts.counterfactual).sum(dim=1)
    assert (differ >= 1).all()
    assert (differ <= 3).all()
    words = stories.tokenizer.decode(prompts.answer[0]), prompts.pairs[0].answer
    assert words[0] == words[1]
    for row, each in enumerate(prompts.pairs[:20]):
        for role, (start, end) in each.roles.items():
            ids = prompts.clean[row, prompts.at(role)[row]]
            assert stories.tokenizer.decode(ids).strip() == each.clean[start:end].strip()


def test_what_cannot_be_read_is_left_out_and_counted(tiny_subject):
    good = pair("class Shape3:\n    sides =", "class Shape4:\n    sides =")
    prompts = read_pairs(
        tiny_subject,
        [
            pair("class Shape3:", "class Shape3 and more:"),
            good,
            pair(good.clean, good.counterfactual, answer=" unheard of"),
        ],
    )
    assert prompts.pairs == (good,)
    assert prompts.skipped == {
        "whose prompts differ in length": 1,
        "whose answer is not one token": 1,
    }
    with pytest.raises(UserError, match=r"none of 1 pairs.*1 whose prompts differ"):
        read_pairs(tiny_subject, [pair("class Shape3:", "class Shape3 and more:")])


def test_an_encoder_is_refused(tmp_path, tiny):
    from transformers import AutoTokenizer, BertConfig, BertModel

    config = BertConfig(
        vocab_size=400,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(tiny).save_pretrained(tmp_path)
    with pytest.raises(UserError, match="predicts no next token"):
        read_pairs(load_subject(tmp_path), pairs_of("ioi", 2, 0))


def test_parts_and_choices_keep_what_belongs_together(stories):
    prompts = read_pairs(stories, pairs_of("ioi", 30, 1))
    lengths = prompts.mask.sum(dim=1)
    assert len(set(lengths.tolist())) > 1
    parts = list(prompts.parts(7))
    assert [len(part) for part in parts] == [7, 7, 7, 7, 2]
    assert tuple(each for part in parts for each in part.pairs) == prompts.pairs
    some = prompts.some(torch.tensor([5, 2]))
    assert some.pairs == (prompts.pairs[5], prompts.pairs[2])
    assert some.clean.shape[1] == max(lengths[5], lengths[2])
    assert prompts.at("last").sum(dim=1).eq(1).all()
    assert (prompts.clean[prompts.at("last")] != PADDING).all()


def test_logits_after_a_prompt_do_not_depend_on_the_others(stories):
    prompts = read_pairs(stories, pairs_of("ioi", 6, 1))
    together = last_logits(stories, prompts.clean, batch=4)
    for row, ids in enumerate(prompts.clean):
        alone = stories.run(ids[ids != PADDING][None], logits=True).logits[0, -1]
        torch.testing.assert_close(together[row], alone, atol=1e-4, rtol=0)
    liking = preferences(stories, prompts)
    by_hand = together[range(6), prompts.answer] - together[range(6), prompts.other]
    torch.testing.assert_close(liking, by_hand)


def test_the_shipped_teller_solves_its_tasks(stories):
    """What the card says, on other prompts than the card's."""
    marks = examined(stories.model, stories.tokenizer, "stories", 200)
    assert set(marks) == set(EXAMS["stories"])
    assert all(mark.accuracy >= 0.95 for mark in marks.values()), marks


def test_prompts_of_ones_own_are_read_from_a_file(tmp_path):
    file = tmp_path / "mine.jsonl"
    row = {"clean": "a b", "counterfactual": "c b", "answer": " a", "other": " c"}
    file.write_text(json.dumps(row | {"roles": {"first": [0, 1]}}) + "\n\n")
    (found,) = pairs_in(file)
    assert (found.task, found.roles) == ("mine", {"first": (0, 1)})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no prompts"),
        ("{}", "line 1 .* no pair of prompts"),
        ("nonsense", "line 1 .* no pair of prompts"),
        ("[1]", "line 1 .* no pair of prompts"),
        (
            '{"clean": "a", "counterfactual": "", "answer": 3, "other": "b"}',
            "no text in counterfactual, answer",
        ),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path, text, said):
    file = tmp_path / "mine.jsonl"
    file.write_text(text)
    with pytest.raises(UserError, match=said):
        pairs_in(file)
    with pytest.raises(UserError, match="cannot be read"):
        pairs_in(tmp_path / "none.jsonl")
