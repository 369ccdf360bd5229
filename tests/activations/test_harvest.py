"""A store holds what flowed, row for row, and survives whatever happens while it is made."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from tacit.activations.harvest import HarvestSettings, harvest
from tacit.activations.store import open_store, shard_name, store_identity
from tacit.activations.windows import windows_in
from tacit.base.errors import UserError
from tacit.base.folders import partial_of
from tacit.data.text import load_text

SETTINGS = HarvestSettings(batch_contexts=4, contexts_per_shard=16)


def test_every_row_is_what_the_subject_says_of_its_window(tiny_store, tiny_subject):
    columns = {name: tiny_store.column(name) for name in ("context", "position", "token")}
    for context in (0, 7, int(columns["context"].max())):
        rows = np.flatnonzero(columns["context"] == context)
        ids = torch.from_numpy(columns["token"][rows].astype(np.int64))[None]
        flow = tiny_subject.run(ids, sites=["resid.0", "mlp.1"])
        for site in ("resid.0", "mlp.1"):
            expected = flow.activations[site][0].half().float()
            # Rows of one window are computed in batches of another size there: fp32 rounding,
            # seen through fp16 storage.
            torch.testing.assert_close(
                tiny_store.vectors(site, rows), expected, atol=2e-3, rtol=2e-3
            )


def test_tokens_are_the_text_they_point_at(tiny_store, programs):
    corpus = load_text(programs)
    vocabulary = json.loads((tiny_store.folder / "vocabulary.json").read_text())
    table = tiny_store.tokens.to_pylist()
    for row in table[:200] + table[-200:]:
        text = corpus.documents[row["document"]].text
        if not row["special"]:
            assert vocabulary[row["token"]] == text[row["start"] : row["end"]]
            assert row["line"] == 1 + text[: row["start"]].count("\n")


def test_bos_is_special_and_usable_leaves_it_out(tiny_store):
    first = tiny_store.column("position") == 0
    assert tiny_store.column("special")[first].all()
    assert not tiny_store.usable("resid.0")[first].any()
    assert tiny_store.manifest["num_special"] == first.sum()


def test_documents_are_held_out_whole(tiny_store):
    document, held_out = tiny_store.column("document"), tiny_store.column("held_out")
    assert 0 < held_out.sum() < len(held_out)
    for number in np.unique(document):
        assert len(set(held_out[document == number])) == 1


def test_labels_are_those_of_the_labeller(tiny_store):
    keyword = tiny_store.label("keyword")
    vocabulary = json.loads((tiny_store.folder / "vocabulary.json").read_text())
    spelled = {vocabulary[token].strip() for token in tiny_store.column("token")[keyword]}
    assert spelled == {"import", "class", "def", "if", "return"}


def test_classes_of_documents_are_kept_and_a_text_without_has_none(
    tmp_path, tiny_subject, tiny_store
):
    rows = [{"text": "def a(): return 1", "label": each} for each in ("b", None, "a")]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    corpus = load_text(tmp_path / "rows.jsonl")
    store = harvest(
        tiny_subject, corpus, ["resid.0"], tmp_path / "store", settings=SETTINGS
    )
    assert store.document_classes == ("b", None, "a")
    without = {k: v for k, v in store.manifest.items() if k != "document_classes"}
    assert store_identity(store) != store_identity(replace(store, manifest=without))
    assert "document_classes" not in tiny_store.manifest
    assert tiny_store.document_classes == (None,) * len(tiny_store.documents)


def test_rows_far_above_the_median_norm_are_marked(tmp_path, tiny_subject, programs):
    settings = HarvestSettings(
        batch_contexts=4, contexts_per_shard=16, high_norm_factor=1.2
    )
    store = harvest(
        tiny_subject,
        load_text(programs),
        ["resid.1"],
        tmp_path / "store",
        settings=settings,
    )
    norms = store.vectors("resid.1", np.arange(store.num_tokens)).norm(dim=1).numpy()
    median = np.median(norms[~store.column("special")])
    np.testing.assert_array_equal(store.column("high_norm.resid.1"), norms > 1.2 * median)
    assert 0 < store.manifest["num_high_norm"]["resid.1"] < store.num_tokens / 2


def test_an_interrupted_harvest_goes_on_and_ends_the_same(
    tmp_path, tiny_subject, programs, tiny_store, monkeypatch
):
    import tacit.activations.shards as room

    real, calls = room._read_span, []

    def read_twice(*args):
        calls.append(args[-1])
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(room, "_read_span", read_twice)
    folder, corpus, sites = tmp_path / "store", load_text(programs), ["resid.0", "mlp.1"]
    with pytest.raises(KeyboardInterrupt):
        harvest(tiny_subject, corpus, sites, folder, settings=SETTINGS)
    done = partial_of(folder)
    (done / shard_name(1)).write_bytes(
        (done / shard_name(1)).read_bytes()[:-8]
    )  # cut short
    harvest(tiny_subject, corpus, sites, folder, settings=SETTINGS)
    assert calls[3:][:2] == [1, 2]  # shard 0 was whole and is not read again
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        other = tiny_store.folder / path.relative_to(folder)
        assert path.read_bytes() == other.read_bytes(), path.name


def test_activations_that_are_not_finite_are_named(tmp_path, tiny, programs):
    from tacit.models import load_subject

    subject = load_subject(tiny)
    with torch.no_grad():
        next(subject.model.parameters())[20:] = float("nan")
    with pytest.raises(UserError, match=r"site resid\.0, batch 0 of shard 0: .* are NaN"):
        harvest(
            subject, load_text(programs), ["resid.0"], tmp_path / "s", settings=SETTINGS
        )
    with torch.no_grad():
        next(subject.model.parameters()).fill_(1e5).mul_(torch.randn(400, 16))
    with pytest.raises(UserError, match="does not fit float16; store with --dtype"):
        harvest(subject, load_text(programs), ["embed"], tmp_path / "t", settings=SETTINGS)
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"context_tokens": 64}, "reads at most 32"),
        ({"high_norm_factor": 0.5}, "would mark ordinary positions"),
        ({"batch_contexts": 3}, "multiple of"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    tmp_path, tiny_subject, programs, change, message
):
    with pytest.raises(UserError, match=message):
        settings = HarvestSettings(
            **{"batch_contexts": 4, "contexts_per_shard": 16} | change
        )
        harvest(
            tiny_subject, load_text(programs), ["embed"], tmp_path / "s", settings=settings
        )


def test_a_site_that_the_subject_lacks_is_refused(tmp_path, tiny_subject, programs):
    with pytest.raises(UserError, match=r"resid\.7"):
        harvest(tiny_subject, load_text(programs), ["resid.7"], tmp_path / "s")


def test_damaged_stores_are_refused_by_file(tmp_path, tiny_store):
    copy = tmp_path / "copy"
    shutil.copytree(tiny_store.folder, copy)
    shard = copy / shard_name(0)
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-16])
    with pytest.raises(UserError, match=r"00000\.safetensors holds .* bytes, expected"):
        open_store(copy)
    shard.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert open_store(copy).num_tokens == tiny_store.num_tokens
    with pytest.raises(UserError, match="does not match its checksum"):
        open_store(copy, verify=True)
    shard.unlink()
    with pytest.raises(UserError, match="is missing from the store"):
        open_store(copy)
    (copy / "manifest.json").write_text('{"kind": "index", "configuration": {}}')
    with pytest.raises(UserError, match="is no finished store"):
        open_store(copy)
    with pytest.raises(UserError, match="there is no store at"):
        open_store(tmp_path / "nowhere")


def test_windows_come_back_as_the_subject_read_them(tiny_store):
    windows = windows_in(tiny_store, "resid.0", held_out=True)
    held = tiny_store.column("held_out")
    assert (windows.ids >= 0).sum() == held.sum()
    assert windows.usable.sum() == (held & tiny_store.usable("resid.0")).sum()
    fewer = windows_in(tiny_store, "resid.0", held_out=True, max_windows=2)
    assert len(fewer.ids) == 2
    assert fewer.num_left_out == len(windows.ids) - 2


def test_a_pattern_harvests_all_that_it_matches(tmp_path, tiny_subject, programs):
    store = harvest(tiny_subject, load_text(programs), ["resid.*"], tmp_path / "store")
    assert set(store.sites) == {
        site for site in tiny_subject.sites() if site.startswith("resid.")
    }
