"""What a reader predicts is kept, and what another process writes is read as it stands."""

import asyncio
import json

import numpy as np
import pytest

from explanations import wordly
from tacit.base.errors import UserError
from tacit.base.records import Gap
from tacit.explanations.ledger import Ledger, read_ledger
from tacit.explanations.reader import Answer, Reader
from tacit.explanations.remembering import Remembering, predicted_in, predicted_key


class Signed(Reader):
    """Predicts both signs and many digits; says nothing of the second piece."""

    name = "signed"

    async def activations(self, explanation, pieces):
        values = [np.linspace(-1, 2, len(each.tokens)) / 3 for each in pieces]
        return [
            Answer(value=Gap(name="answer", reason="none") if number == 1 else each)
            for number, each in enumerate(values)
        ]


def pieces_apart(num):
    """Pieces at rows of their own."""
    found = []
    for number in range(num):
        piece = wordly.piece(number, 3)
        found.append(
            type(piece)(tokens=piece.tokens, ids=piece.ids, rows=piece.rows + 100 * number)
        )
    return found


def test_predictions_come_back_to_four_digits_and_gaps_as_none(tmp_path):
    explanation = asyncio.run(wordly.WordExplainer().explain(wordly.exhibits(3)))
    pieces = pieces_apart(3)
    reader = Remembering(Signed(), Ledger(tmp_path / "kept.jsonl"))
    answers = asyncio.run(reader.activations(explanation, pieces))
    assert reader.name == "signed"
    record = read_ledger(tmp_path / "kept.jsonl")[predicted_key(explanation)]
    assert predicted_in(record, pieces[1]) is None
    for place in (0, 2):
        found = predicted_in(record, pieces[place])
        np.testing.assert_allclose(found, answers[place].value, rtol=1e-3, atol=0)


def test_other_questions_go_to_the_reader_itself(tmp_path):
    explanation = asyncio.run(wordly.WordExplainer().explain(wordly.exhibits(3)))
    pieces = pieces_apart(1)
    marks = [np.ones(len(pieces[0].tokens), dtype=bool)]
    plain, kept = (
        wordly.WordReader(),
        Remembering(wordly.WordReader(), Ledger(tmp_path / "kept.jsonl")),
    )

    async def both(reader):
        return (
            await reader.active(explanation, pieces),
            await reader.marked(explanation, pieces, marks),
        )

    assert asyncio.run(both(kept)) == asyncio.run(both(plain))
    assert not (tmp_path / "kept.jsonl").exists()


def test_reading_a_ledger_leaves_a_line_that_is_being_written(tmp_path):
    path = tmp_path / "kept.jsonl"
    assert read_ledger(path) == {}
    whole = json.dumps({"key": "a", "n": 1}) + "\n"
    path.write_text(whole + '{"key": "b", "n"')
    assert read_ledger(path) == {"a": {"n": 1}}
    assert path.read_text() == whole + '{"key": "b", "n"'
    assert Ledger(path).num_torn == 1  # one who will write drops it
    assert path.read_text() == whole
    path.write_text("nothing\n")
    with pytest.raises(UserError, match="line 1 of .* is no record"):
        read_ledger(path)
