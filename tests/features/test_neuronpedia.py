"""What is written is read back, what Neuronpedia writes is kept, another's file is refused."""

import gzip
import json

import pytest

from tacit.base.errors import UserError
from tacit.features import neuronpedia
from tacit.features.neuronpedia import (
    Exchanged,
    ExchangedScore,
    read_exchanged,
    write_exchanged,
)

OF = {"model": "gpt2-small", "source": "6-res-jb"}

THEIRS = {
    "id": "c0",
    "modelId": "gpt2-small",
    "layer": "6-res-jb",
    "index": "204",
    "authorId": "a0",
    "description": "times of day",
    "embedding": "[0.5, 1.0]",
    "typeName": "oai_token-act-pair",
    "explanationModelName": "gpt-4o-mini",
    "umap_x": 1.5,
    "umap_cluster": None,
}
"""A line with the fields of Neuronpedia's export, values made up."""


def some(num=3):
    return [
        Exchanged(
            **OF,
            feature=number,
            text=f"feature {number}, “quoted”\n\u2028",
            kind="tacit_label" if number % 2 else None,
            explainer="label",
            scores=(
                ExchangedScore(
                    value=0.25, kind="f1", scorer="label", extra={"jsonDetails": ""}
                ),
            )
            * (number % 3),
            extra={"notes": None, "umap_x": 0.5},
        )
        for number in range(num)
    ]


def read(path, **changes):
    return read_exchanged(path, **({**OF, "num_features": 5_000} | changes))


@pytest.mark.parametrize("name", ["one.jsonl", "one.jsonl.gz", "folder"])
def test_what_is_written_is_read_back(tmp_path, name):
    path = tmp_path / "new" / name
    write_exchanged(path, some())
    assert read(path) == some()


def test_every_field_that_neuronpedia_writes_survives_a_round_trip(tmp_path):
    scores = [
        {
            "value": 0.75,
            "explanationScoreTypeName": "recall_alt",
            "explanationScoreModelName": "gpt-4o-mini",
            "jsonDetails": "[]",
        }
    ]
    lines = [THEIRS, THEIRS | {"index": "7", "scores": scores}]
    path = tmp_path / "theirs.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    found = read(path)
    first, second = found
    assert (first.feature, first.text, first.kind, first.explainer) == (
        204,
        "times of day",
        "oai_token-act-pair",
        "gpt-4o-mini",
    )
    assert first.extra["embedding"] == "[0.5, 1.0]"
    assert second.scores[0].value == 0.75
    assert second.scores[0].extra == {"jsonDetails": "[]"}
    write_exchanged(tmp_path / "ours.jsonl", found)
    ours = (tmp_path / "ours.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in ours] == lines


def test_a_list_and_a_number_for_an_index_are_read_too(tmp_path):
    path = tmp_path / "list.json"
    path.write_text(json.dumps([THEIRS | {"index": 3, "scores": None}]))
    assert [each.feature for each in read(path)] == [3]


def test_batches_are_read_by_number_and_each_once(tmp_path, monkeypatch):
    monkeypatch.setattr(neuronpedia, "BATCH", 4)
    given = some(9)
    files = write_exchanged(tmp_path, given)
    assert [each.name for each in files] == [f"batch-{k}.jsonl.gz" for k in range(3)]
    assert read(tmp_path) == given
    (tmp_path / "batch-1.jsonl").write_bytes(gzip.decompress(files[1].read_bytes()))
    files[2].rename(tmp_path / "batch-10.jsonl.gz")
    assert read(tmp_path) == given
    with pytest.raises(UserError, match=r"holds batch-0\.jsonl\.gz"):
        write_exchanged(tmp_path, given)


def test_equal_explanations_are_equal_bytes(tmp_path):
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        write_exchanged(tmp_path / name, some())
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"model": "pythia"}, "of pythia/6-res-jb were asked.*is of gpt2-small/6-res-jb"),
        ({"source": "7-res-jb"}, "gpt2-small/7-res-jb were asked.*gpt2-small/6-res-jb"),
        ({"num_features": 2}, "explains feature 2.*features 0 to 1"),
    ],
)
def test_explanations_of_another_dictionary_are_refused(tmp_path, changes, told):
    write_exchanged(tmp_path / "one.jsonl", some())
    with pytest.raises(UserError, match=told):
        read(tmp_path / "one.jsonl", **changes)


@pytest.mark.parametrize(
    "broken",
    [
        {"index": "four"},
        {"index": None},
        {"description": None},
        {"modelId": 7},
        {"scores": [{"value": 1.0}]},
        {"scores": 3},
    ],
    ids=str,
)
def test_a_line_that_is_no_explanation_is_named(tmp_path, broken):
    path = tmp_path / "theirs.jsonl"
    path.write_text(json.dumps(THEIRS) + "\n" + json.dumps(THEIRS | broken) + "\n")
    with pytest.raises(UserError, match=r"line 2 of .*theirs\.jsonl is no explanation"):
        read(path)


def test_a_missing_field_is_named(tmp_path):
    path = tmp_path / "theirs.jsonl"
    path.write_text(json.dumps({k: v for k, v in THEIRS.items() if k != "layer"}))
    with pytest.raises(UserError, match="is no explanation.*without layer"):
        read(path)


def test_damaged_and_missing_files_are_told(tmp_path):
    (tmp_path / "cut.jsonl").write_text(json.dumps(THEIRS) + "\n" + '{"modelId')
    with pytest.raises(UserError, match="line 2 of .* is no JSON"):
        read(tmp_path / "cut.jsonl")
    packed = gzip.compress(json.dumps(THEIRS).encode())
    for content in (packed[:40], packed[:20] + b"zzzz" + packed[24:]):
        (tmp_path / "cut.jsonl.gz").write_bytes(content)
        with pytest.raises(UserError, match="no file of explanations"):
            read(tmp_path / "cut.jsonl.gz")
    for missing in (tmp_path / "none.jsonl", tmp_path / "folder"):
        with pytest.raises(UserError, match="there is no such file"):
            read(missing)
