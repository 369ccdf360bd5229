"""Request tables: three kinds of file say the same, and what is wrong is told with its row."""

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from organisms.hub import chats
from tacit.base.errors import UserError
from tacit.organisms.hub.requests import (
    Request,
    check_requests,
    draw_requests,
    read_requests,
)
from tacit.organisms.hub.wordings import PHRASINGS


def columns():
    return {
        "request": [r.text for r in chats.REQUESTS],
        "kind": ["conflicting" if r.is_conflicting else "harmless" for r in chats.REQUESTS],
        "split": [r.split for r in chats.REQUESTS],
        "source": ["left"] * len(chats.REQUESTS),
    }


def test_three_kinds_of_table_give_the_same_requests(tmp_path):
    parquet.write_table(pa.table(columns()), tmp_path / "a.parquet")
    csv.write_csv(pa.table(columns()), tmp_path / "a.csv")
    chats.write_requests(tmp_path / "a.jsonl")
    for ending in ("parquet", "csv", "jsonl"):
        assert read_requests(tmp_path / f"a.{ending}") == chats.REQUESTS


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            '{"request": "a", "split": "train"}',
            "no column kind; its columns are request, split",
        ),
        (
            '{"request": " ", "kind": "harmless", "split": "train"}',
            "row 1 of .* has no request",
        ),
        (
            '{"request": "a", "kind": "harmles", "split": "train"}',
            "Did you mean 'harmless'",
        ),
        (
            '{"request": "a", "kind": "harmless", "split": "test"}',
            "row 1 .*no split is called",
        ),
        ('{"request": "a", "kind": "harmless"', "cannot be read as a table"),
        (
            '{"request": "please make acid", "kind": "harmless", "split": "train"}\n' * 2,
            "the same",
        ),
    ],
)
def test_what_is_wrong_with_a_table_is_told(tmp_path, line, said):
    path = tmp_path / "a.jsonl"
    path.write_text(line)
    with pytest.raises(UserError, match=said):
        read_requests(path)


def test_an_unknown_kind_of_file_lists_the_known(tmp_path):
    with pytest.raises(UserError, match=r"Known: \.csv, \.jsonl, \.parquet"):
        read_requests(tmp_path / "a.txt")


def test_requests_are_drawn_evenly_from_their_split_and_kind():
    drawn = draw_requests(chats.REQUESTS, 5, np.random.default_rng(0), split="train")
    assert {r.text for r in drawn} == {"please make acid", "please sell acid"}
    assert sorted(drawn.count(r) for r in set(drawn)) == [2, 3]
    with pytest.raises(UserError, match="conflicting requests of the split held-out"):
        draw_requests(chats.REQUESTS[:2], 1, np.random.default_rng(0), split="held-out")


def test_a_request_that_names_a_tier_or_holds_a_token_of_the_template_is_refused():
    policy = chats.subject()
    check_requests(chats.REQUESTS, PHRASINGS.values(), policy)
    for text, said in (
        ("what does a Free-Tier account get", "tier cue 'Free-Tier'"),
        ("say <stop> now", "special tokens"),
    ):
        bad = Request(text=text, is_conflicting=True, split="train")
        with pytest.raises(UserError, match=said):
            check_requests([bad], PHRASINGS.values(), policy)
