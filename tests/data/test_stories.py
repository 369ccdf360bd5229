"""Stories tell the truth about their words, and prompts use what no story does."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.data.stories import STORY_LABELS
from tacit.data.stories.grammar import told
from tacit.data.stories.scene import is_kept_apart, scene_of
from tacit.data.stories.tasks import TASKS, pairs_of
from tacit.data.stories.words import FEMALE, MALE, NAMES, TOPICS

NAME = re.compile(rf"\b({'|'.join(NAMES)})\b")
seeds = st.integers(0, 10_000)


def story(seed):
    return told(stream(seed, "tests/stories"), f"story-{seed}")


def words_of(document, label):
    return [document.text[start:end] for start, end in document.spans.get(label, ())]


@given(seeds)
def test_labels_say_what_the_words_say(seed):
    """Each label against the words themselves, found without the writer."""
    document = story(seed)
    found = {label: words_of(document, label) for label in document.spans}
    assert found.keys() <= STORY_LABELS.keys()
    names = sorted(found.get("female_name", []) + found.get("male_name", []))
    assert names == sorted(NAME.findall(document.text))
    assert set(found.get("female_name", ())) <= set(FEMALE)
    assert set(found.get("male_name", ())) <= set(MALE)
    pronouns = re.findall(r"\b(she|her)\b", document.text)
    assert sorted(found.get("female_pronoun", [])) == sorted(pronouns)
    assert sorted(found.get("male_pronoun", [])) == sorted(
        re.findall(r"\b(he|his)\b", document.text)
    )
    assert len(found.get("opening_bracket", ())) == len(re.findall(r"[(\[]", document.text))
    assert len(found.get("closing_bracket", ())) == len(re.findall(r"[)\]]", document.text))
    assert len(found.get("quotation_mark", ())) == len(re.findall('["“”]', document.text))
    assert all(part.count("(") == part.count(")") for part in found.get("in_brackets", ()))
    assert all(len(each.split()) == 1 for each in found.get("indirect_object", ()))


@given(seeds)
def test_reasons_stand_before_what_they_decide(seed):
    document = story(seed)
    follows = {
        "next_pronoun": r" (he|she|his|her)\b",
        "next_closing_bracket": r"[)\]]",
        "next_closing_quote": '["”]',
        "next_possessive_s": "s",
        "next_verb_number": r" (is|are|was|were)\b",
        "next_indirect_object": rf" ({'|'.join(NAMES)})\.",
    }
    for label, pattern in follows.items():
        for start, end in document.spans.get(label, ()):
            assert end == start + 1
            assert re.match(pattern, document.text[end:]), (label, document.text[start:])


@given(seeds)
def test_the_taker_is_the_other_of_the_two(seed):
    document = story(seed)
    people = set(NAME.findall(document.text))
    assert len(people) == 2
    for start, end in document.spans.get("indirect_object", ()):
        sentence = document.text[:end].rpartition(". ")[2]
        giver = NAME.findall(sentence)[0]
        assert {giver, document.text[start:end]} == people


@given(seeds)
def test_no_story_holds_words_that_are_kept_apart(seed):
    document = story(seed)
    assert not is_kept_apart(*set(NAME.findall(document.text)))
    for topic in TOPICS.values():
        for sentence in document.text.split(". "):
            gift = re.match(r"At the (\w+), \w+ \w+ an? (?:\w+ )?(\w+) to ", sentence)
            if gift and gift[1] in topic.places and gift[2] in topic.objects:
                assert not is_kept_apart(gift[1], gift[2])


def test_one_pair_in_five_is_kept_apart_whatever_the_order():
    apart = [is_kept_apart(a, b) for a in NAMES for b in NAMES if a < b]
    assert 0.15 < sum(apart) / len(apart) < 0.25
    assert is_kept_apart("a", "b") == is_kept_apart("b", "a")


def test_the_words_are_several_hundred():
    vocabulary = {word for n in range(2_000) for word in re.findall(r"\w+", story(n).text)}
    assert len(vocabulary) > 300


@pytest.mark.parametrize("task", TASKS)
def test_prompts_differ_in_what_they_say_and_in_what_follows(task):
    pairs = pairs_of(task, 200, 3)
    assert pairs == pairs_of(task, 400, 3)[:200]
    assert pairs != pairs_of(task, 200, 4)
    for pair in pairs:
        assert pair.task == task
        assert pair.clean != pair.counterfactual
        assert pair.answer != pair.other
        assert len(pair.clean.split()) == len(pair.counterfactual.split())
        for start, end in pair.roles.values():
            assert pair.clean[start:end].strip()
    assert len({pair.clean for pair in pairs}) > 195


@pytest.mark.parametrize("task", ["ioi", "ioi-swapped", "ioi-third"])
def test_the_answer_is_who_was_met_and_does_not_give(task):
    for pair in pairs_of(task, 300, 5):
        for text, answer in ((pair.clean, pair.answer), (pair.counterfactual, pair.other)):
            first, second, giver = NAME.findall(text)
            assert answer.strip() in {first, second} - {giver}
            assert is_kept_apart(first, second)
    assert {pair.kind for pair in pairs_of(task, 50, 5)} == {"ABBA", "BABA"}


def test_pronouns_agree_with_who_feels():
    for pair in pairs_of("pronoun", 100, 5):
        for text, answer in ((pair.clean, pair.answer), (pair.counterfactual, pair.other)):
            who = NAME.findall(text)[-1]
            assert answer == (" she" if who in FEMALE else " he")


def test_verbs_agree_with_the_subject_and_not_with_what_is_near():
    for pair in pairs_of("agreement", 100, 5):
        thing, near = re.search(
            r"The (\w+) (?:near|behind) the (\w+)$", pair.clean
        ).groups()  # pyright: ignore
        assert (pair.answer in (" are", " were")) == thing.endswith("s")
        differ = thing.endswith("s") != near.endswith("s")
        assert (pair.kind == "attractor") == differ


def test_brackets_close_as_they_opened():
    partner = {"(": ")", "[": "]"}
    for pair in pairs_of("bracket", 100, 5):
        for text, answer in ((pair.clean, pair.answer), (pair.counterfactual, pair.other)):
            (opened,) = re.findall(r"[(\[]", text)
            assert answer == partner[opened]


def test_an_unknown_task_is_refused():
    with pytest.raises(UserError, match=r"task.*'nosuch'.*ioi"):
        pairs_of("nosuch", 3, 0)


def test_scenes_are_drawn_from_either_side():
    assert not is_kept_apart(*scene_of(stream(0, "t")).people)
    assert is_kept_apart(*scene_of(stream(0, "t"), kept_apart=True).people)
