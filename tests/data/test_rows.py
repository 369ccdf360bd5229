"""Rows of tables as documents: which column, which chats, and what is wrong with a row."""

import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from tacit.base.errors import UserError
from tacit.data.documents import Message
from tacit.data.rows import corpus_of
from tacit.data.text import load_text

CHAT = [
    {"role": "user", "content": "Which bird is red?"},
    {"role": "assistant", "content": "A cardinal."},
]
TURNS = (
    Message(role="user", content="Which bird is red?"),
    Message(role="assistant", content="A cardinal."),
)


def lines(folder, *rows) -> str:
    path = folder / "rows.jsonl"
    path.write_text(
        "\n".join(each if isinstance(each, str) else json.dumps(each) for each in rows)
    )
    return str(path)


@given(st.lists(st.text(), min_size=1, max_size=8))
def test_every_row_is_a_document_or_counted(texts):
    texts.append("kept")
    found = corpus_of("trial", [{"text": each} for each in texts])
    kept = [each for each in texts if each.strip()]
    assert [each.text for each in found.documents] == kept
    assert found.skipped.get("empty", 0) == len(texts) - len(kept)


def test_json_lines_and_parquet_give_the_same_documents(tmp_path):
    rows = [{"number": n, "text": f"row {n}"} for n in range(12)]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    one = load_text(lines(tmp_path, *rows))
    two = load_text(tmp_path / "rows.parquet")
    assert one.documents == two.documents
    assert one.digest() == two.digest()
    assert one.documents[11].text == "row 11"


@pytest.mark.parametrize(
    "chat", [CHAT, [{"from": each["role"], "value": each["content"]} for each in CHAT]]
)
def test_chats_keep_their_turns(tmp_path, chat):
    found = load_text(lines(tmp_path, {"conversations": chat}, {"conversations": []}))
    assert [each.messages for each in found.documents] == [TURNS]
    assert found.skipped == {"empty": 1}


def test_a_chat_that_says_something_else_has_another_digest(tmp_path):
    one = load_text(lines(tmp_path, {"messages": CHAT}))
    two = load_text(lines(tmp_path, {"messages": [CHAT[0] | {"role": "system"}, CHAT[1]]}))
    assert one.digest() != two.digest()


def test_a_row_may_say_what_its_text_is(tmp_path):
    rows = [
        {"text": f"row {number}", "label": label}
        for number, label in enumerate([" good ", 3, True, None, "", [1], 0.5])
    ]
    found = load_text(lines(tmp_path, *rows, {"text": "row 7"}))
    assert [each.class_name for each in found.documents] == [
        *("good", "3", "true"),
        *[None] * 5,
    ]
    # The empty one, the list and the number that is not whole.
    assert found.skipped == {"labels that are no class": 3}


def test_a_chat_may_have_a_class_and_a_label_that_is_the_text_is_none(tmp_path):
    rows = [{"messages": CHAT, "label": "birds"}]
    assert load_text(lines(tmp_path, *rows)).documents[0].class_name == "birds"
    found = corpus_of("trial", [{"label": "said"}], column="label")
    assert (found.documents[0].text, found.documents[0].class_name) == ("said", None)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{", "line 2 of .* is no JSON"),
        ([1], "line 2 of .* is list, not a JSON object"),
        ({"words": "a"}, "none of the columns text, .* its columns are words"),
        ({"text": 3}, "row 1, column 'text' holds int"),
        ({"messages": [{"role": "user"}]}, "message 0 of .*found the keys role"),
        ({"messages": ["hello"]}, "message 0 of .*found 'hello'"),
    ],
)
def test_a_bad_row_is_named(tmp_path, row, said):
    with pytest.raises(UserError, match=said):
        load_text(lines(tmp_path, {"text": "good"}, row))


def test_a_file_that_is_no_table_is_refused(tmp_path):
    (tmp_path / "rows.parquet").write_text("no")
    with pytest.raises(UserError, match="is not a Parquet table"):
        load_text(tmp_path / "rows.parquet")
    (tmp_path / "rows.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="cannot be read as UTF-8"):
        load_text(tmp_path / "rows.jsonl")
    (tmp_path / "rows.jsonl").write_text("\n")
    with pytest.raises(UserError, match="has no text"):
        load_text(tmp_path / "rows.jsonl")
