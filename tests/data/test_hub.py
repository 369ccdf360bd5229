"""Datasets by name: what is asked of the library, what is kept, and what each failure says."""

import json

import datasets
import pytest

from tacit.base.errors import UserError
from tacit.data.hub import HubText, parse
from tacit.data.text import load_text


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A dataset in a local folder of two splits, and a cache of its own."""
    monkeypatch.setenv("TACIT_CACHE", str(tmp_path / "cache"))
    made = tmp_path / "birds"
    made.mkdir()
    for split, count in (("train", 5), ("test", 2)):
        rows = [{"text": f"{split} {n}", "note": "n"} for n in range(count)]
        (made / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return made


@pytest.fixture
def hub(folder, monkeypatch):
    """A network whose datasets are those of the folder; calls are noted, and it can fail."""
    calls, real = [], datasets.load_dataset

    def load(name, config, **given):
        calls.append((name, config, given["split"], given["revision"], given["streaming"]))
        if load.down:
            raise ConnectionError("no route")
        return real(str(folder), split=given["split"], streaming=given["streaming"])

    load.down = False
    monkeypatch.setattr(datasets, "load_dataset", load)
    return load, calls


def texts(source: str) -> list[str]:
    return [each.text for each in load_text(source).documents]


def test_a_source_says_everything_that_is_asked():
    assert parse(
        "hub:a/b?config=en&split=test&column=body&revision=v1&documents=7"
    ) == HubText(
        name="a/b", config="en", split="test", column="body", revision="v1", documents=7
    )
    assert parse("hub:a/b") == HubText(name="a/b")


def test_a_folder_is_read_by_split_and_column(folder):
    assert texts(f"hub:{folder}?split=test") == ["test 0", "test 1"]
    assert texts(f"hub:{folder}?column=note&documents=2") == ["n", "n"]


def test_rows_beyond_the_number_are_said_and_exactly_enough_is_not(folder):
    assert load_text(f"hub:{folder}?documents=4").skipped == {
        "or more after the first 4": 1
    }
    assert load_text(f"hub:{folder}?documents=5").skipped == {}


def test_a_dataset_is_streamed_once_and_then_needs_no_network(hub):
    load, calls = hub
    source = "hub:owner/birds?config=en&revision=v1&documents=3"
    first = load_text(source)
    load.down = True
    again = load_text(source)
    assert again == first
    assert first.documents[2].text == "train 2"
    assert calls == [("owner/birds", "en", "train", "v1", True)]
    with pytest.raises(UserError, match="cannot be read: no route. It needs a network"):
        load_text(source.replace("v1", "v2"))


def test_classes_are_kept_with_the_text_and_what_is_none_is_counted(folder, hub):
    load, _ = hub
    rows = [
        {"text": f"row {n}", "note": "n", "label": label}
        for n, label in enumerate(["good", "bad", None, "", "good"])
    ]
    (folder / "train.jsonl").write_text("\n".join(map(json.dumps, rows)))
    first = load_text("hub:owner/birds")
    load.down = True
    assert load_text("hub:owner/birds") == first
    assert [each.class_name for each in first.documents] == [
        *("good", "bad"),
        *(None, None),
        "good",
    ]
    assert first.skipped == {"labels that are no class": 1}


def test_a_failed_reading_leaves_nothing_in_the_cache(hub, tmp_path):
    load, _ = hub
    load.down = True
    with pytest.raises(UserError):
        load_text("hub:owner/birds")
    assert not list(tmp_path.glob("cache/**/*.json"))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("split=valid", r"split valid.*Available splits: \['t.*', 't.*'\]"),
        ("config=en", "config en.*'en' not found. Available: .'default'"),
        ("column=words", "has no column 'words'; its columns are text, note"),
        ("documents=none", "documents=none of .* must be a number, 1 or more"),
        ("size=4", "no setting of a hub source is called 'size'"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(folder, query, said):
    with pytest.raises(UserError, match=said):
        load_text(f"hub:{folder}?{query}")


def test_a_source_without_a_name_is_refused():
    with pytest.raises(UserError, match="names no dataset"):
        load_text("hub:?split=train")
