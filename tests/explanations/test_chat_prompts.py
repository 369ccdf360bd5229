"""What prompts show can be read back, and answers are read as asked for or not at all."""

import asyncio
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explanations import wordly
from tacit.base.records import Gap
from tacit.explanations.answers import Items, Numbers, Places, Said, read, stated
from tacit.explanations.prompts import PROMPTS, marked_text, one_line
from tacit.explanations.prompts_read import plain, sections, split_at_marks
from tacit.explanations.scripted import Script
from tacit.models.chat import Reply
from tacit.models.spending import Usage


def reply(text, stop="complete"):
    return Reply(text=text, stop=stop, usage=Usage(), seconds=0.0)


def script():
    return Script(wordly.WordExplainer(), wordly.WordReader(), tokens_of=wordly.split)


@given(st.text())
def test_text_on_one_line_is_read_back(text):
    line = one_line(text)
    assert not set(line) & set("\n\r\t")
    assert plain(line) == text


@given(st.lists(st.tuples(st.text(min_size=1), st.booleans()), min_size=1))
def test_marks_enclose_exactly_the_marked_tokens(pairs):
    tokens = [token for token, _ in pairs]
    where = np.array([marked for _, marked in pairs])
    parts = split_at_marks(marked_text(tokens, where))
    inside = "".join(plain(part) for part in parts[1::2])
    outside = "".join(plain(part) for part in parts[0::2])
    assert inside == "".join(t for t, marked in pairs if marked)
    assert outside == "".join(t for t, marked in pairs if not marked)


@pytest.mark.parametrize("version", sorted(PROMPTS))
@pytest.mark.parametrize("feature", range(len(wordly.WORDS)))
def test_explaining_shows_enough_to_find_the_rule(version, feature):
    prompt = PROMPTS[version].explain(wordly.exhibits(feature))
    said = read(reply(asyncio.run(script().answer(prompt.text))), Said)
    assert json.loads(said.explanation.partition("rule ")[2]) == {
        "token": wordly.word_of(feature)
    }


def test_pairs_show_every_token_with_its_level():
    shown = wordly.exhibits(1)
    parts = sections(PROMPTS["fragments-1"].explain(shown).text)
    assert len(parts) == len(shown.shown)
    for lines, each in zip(parts.values(), shown.shown, strict=True):
        tokens, levels = zip(*(line.rsplit("\t", 1) for line in lines), strict=True)
        assert tuple(map(plain, tokens)) == each.piece.tokens
        assert list(map(int, levels)) == [
            10 if token == wordly.word_of(1) else 0 for token in each.piece.tokens
        ]


@pytest.mark.parametrize("version", sorted(PROMPTS))
def test_stated_numbers_come_back_as_the_reader_gave_them(version):
    prompts, piece = PROMPTS[version], wordly.piece(0, 1)
    prompt = prompts.numbers(f'x -- by the rule {{"token": "{wordly.word_of(1)}"}}', piece)
    answer = reply(asyncio.run(script().answer(prompt.text)))
    found = stated(answer, prompt.form, len(piece.tokens))
    assert found.tolist() == [10.0 * (t == wordly.word_of(1)) for t in piece.tokens]


@pytest.mark.parametrize("given_numbers", [[0, 1], [0, 1, 2, 3], []])
def test_fewer_or_more_numbers_than_tokens_are_a_gap_with_the_raw_text(given_numbers):
    raw = json.dumps({"activations": given_numbers})
    found = stated(reply(raw), Numbers, 3)
    assert isinstance(found, Gap)
    assert found.of["kind"] == "count"
    assert repr(raw) in found.reason


@pytest.mark.parametrize("tokens", [[0], [4], [1, 1]])
def test_a_place_outside_or_named_twice_is_a_gap(tokens):
    active = [{"token": token, "activation": 3} for token in tokens]
    found = stated(reply(json.dumps({"active": active})), Places, 3)
    assert isinstance(found, Gap)
    assert found.of["kind"] == "count"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0 0 10",
        "The activations are [0, 0, 10].",
        '{"activations": [0, 0, 10]} I hope this helps.',
        '{"activations": [0, 0, 11]}',
        '{"activations": [0, 0, -1]}',
        '{"activations": [0, 0, NaN]}',
        '{"activations": [0, 0, "10"]}',
        '{"activations": [0, 0, true]}',
        '{"activations": [0, 0, 10], "note": 1}',
        '{"numbers": [0, 0, 10]}',
        "[0, 0, 10]",
        "[" * 100_000,
        '```json\n{"activations": [0, 0, 10]}\n``` as asked',
    ],
)
def test_what_is_not_the_json_asked_for_is_malformed(text):
    found = stated(reply(text), Numbers, 3)
    assert isinstance(found, Gap)
    assert found.of["kind"] == "malformed"
    assert repr(text) in found.reason


@pytest.mark.parametrize(
    "text",
    ['{"activations": [0, 0.5, 10]}', '\n```json\n{"activations": [0, 0.5, 10]}\n```'],
)
def test_json_is_read_with_or_without_a_fence(text):
    assert stated(reply(text), Numbers, 3).tolist() == [0, 0.5, 10]


@pytest.mark.parametrize("stop", ["truncated", "refused"])
def test_an_answer_not_come_to_its_end_is_a_gap_even_if_it_parses(stop):
    found = stated(reply('{"activations": [1]}', stop), Numbers, 1)
    assert isinstance(found, Gap)
    assert found.of["kind"] == stop


def test_texts_named_twice_or_not_at_all_have_no_answer():
    answers = [(1, 80), (2, 10), (2, 20), (9, 50)]
    given_items = {"answers": [{"text": text, "percent": p} for text, p in answers]}
    found = read(reply(json.dumps(given_items)), Items)
    assert found.shares(3) == [0.8, None, None]
