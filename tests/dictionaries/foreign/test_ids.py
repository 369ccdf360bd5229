"""Dictionaries by id, from a cache laid out as the hub's, and what is said where there is none."""

import json
import shutil
import socket
from dataclasses import replace

import huggingface_hub
import numpy as np
import pytest
import torch
import yaml

from tacit.base.errors import UserError
from tacit.dictionaries import RowBlocks, TopK, fit, save_dictionary
from tacit.dictionaries.foreign import ids, open_dictionary, write_dictionary
from tacit.verbs.upload import card, upload

COMMIT = "0123456789abcdef0123456789abcdef01234567"
GEMMA = "layer_2/width_16k/average_l0_7"


@pytest.fixture(scope="module")
def dictionary():
    rows = {"resid.0": torch.randn(200, 6, generator=torch.Generator().manual_seed(0))}
    blocks = RowBlocks(rows=rows, block_rows=50, seed=0)
    (one,) = fit([TopK(num_atoms=12, k=3)], blocks, [0], steps=5)
    return one.dictionary


@pytest.fixture
def hub(tmp_path, monkeypatch, dictionary):
    """A cache of the hub with three repositories, and no network."""
    cache = tmp_path / "cache"

    def folder_of(repository):
        base = cache / ("models--" + repository.replace("/", "--"))
        (base / "refs").mkdir(parents=True, exist_ok=True)
        (base / "refs" / "main").write_text(COMMIT)
        place = base / "snapshots" / COMMIT
        place.mkdir(parents=True, exist_ok=True)
        return place

    save_dictionary(dictionary, folder_of("us/own"))
    theirs = folder_of("them/saes") / "blocks.0"
    theirs.mkdir()
    write_dictionary(dictionary, "sae-lens", theirs)
    scope = folder_of("google/scope") / GEMMA
    scope.mkdir(parents=True)
    arrays = {"W_enc": (6, 12), "W_dec": (12, 6), "b_dec": (6,), "b_enc": (12,)}
    drawn = np.random.default_rng(0)
    arrays = {name: drawn.normal(size=shape).astype("f4") for name, shape in arrays.items()}
    np.savez(scope / "params.npz", **arrays, threshold=np.full(12, 0.3, dtype="f4"))
    listed = {
        "them-res": {
            "repo_id": "them/saes",
            "model": "m",
            "conversion_func": None,
            "saes": [{"id": "blocks.0.hook_resid_post", "path": "blocks.0", "l0": 3}],
        },
        "scope": {
            "repo_id": "google/scope",
            "model": "m",
            "conversion_func": "gemma_2",
            "saes": [
                {
                    "id": "plain",
                    "path": f"{GEMMA}/params.npz",
                    "neuronpedia": "m/2-scope-16k",
                },
                {"id": "scaled", "path": GEMMA, "norm_scaling_factor": 4.0},
            ],
        },
        "odd": {
            "repo_id": "x/y",
            "model": "m",
            "conversion_func": "goodfire",
            "saes": [{"id": "a", "path": "a"}],
        },
    }
    registry = tmp_path / "list.yaml"
    registry.write_text(yaml.safe_dump(listed))
    monkeypatch.setenv(ids.REGISTRY, str(registry))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    tried = []

    def fail(*words, **_):
        tried.append(words)
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    yield tmp_path
    assert tried == []


def same(one, other):
    return all(
        torch.equal(own, other.tensors()[name]) for name, own in one.tensors().items()
    )


def test_a_folder_of_the_hub_is_the_folder(hub, dictionary):
    assert same(open_dictionary("hub:us/own"), dictionary)
    found = open_dictionary("hub:them/saes/blocks.0?revision=main")
    theirs = hub / "theirs"
    theirs.mkdir()
    write_dictionary(dictionary, "sae-lens", theirs)
    assert same(found, open_dictionary(theirs))


def test_a_release_and_its_name_at_neuronpedia_are_one(hub):
    plain = open_dictionary("sae-lens:scope/plain", site="resid.2")
    assert plain.num_atoms == 12
    assert plain.contract.site == "resid.2"
    assert same(plain, open_dictionary("neuronpedia:m/2-scope-16k"))
    assert same(plain, open_dictionary(f"hub:google/scope/{GEMMA}"))
    found = open_dictionary("sae-lens:them-res/blocks.0.hook_resid_post")
    assert same(found, open_dictionary("hub:them/saes/blocks.0"))


def test_a_dictionary_of_scaled_rows_reads_the_rows_themselves(hub):
    plain, scaled = (
        open_dictionary("sae-lens:scope/plain"),
        open_dictionary("sae-lens:scope/scaled"),
    )
    rows = torch.randn(9, 6)
    code, own = plain.encode(4 * rows), scaled.encode(rows)
    torch.testing.assert_close(own.values, code.values)
    torch.testing.assert_close(scaled.decode(own), plain.decode(code) / 4)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sae-lens:scop/plain", "no release of SAELens is called 'scop'.*scope"),
        ("sae-lens:scope/plane", "release scope.*'plane'.*plain"),
        ("neuronpedia:m/2-scope-16", "Neuronpedia.*m/2-scope-16k"),
        ("sae-lens:odd/a", "form goodfire, which Tacit does not read"),
        ("hub:justone", "names no dictionary of the hub"),
        ("hub:us/own?branch=x", "names no dictionary of the hub"),
        ("hub:nobody/nothing", "cannot be had.*needs a network the first time"),
        ("hub:us/own/elsewhere", "no folder 'elsewhere'"),
    ],
)
def test_what_is_not_there_is_told(hub, name, message):
    with pytest.raises(UserError, match=message):
        open_dictionary(name)


def test_without_a_list_of_releases_the_way_out_is_told(hub, monkeypatch):
    monkeypatch.delenv(ids.REGISTRY)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HOME", str(hub / "home"))
    with pytest.raises(UserError, match=f"{ids.REGISTRY}.*hub:OWNER/NAME/FOLDER"):
        open_dictionary("sae-lens:scope/plain")
    monkeypatch.setenv(ids.REGISTRY, str(hub / "nowhere.yaml"))
    with pytest.raises(UserError, match="cannot be read as a list"):
        open_dictionary("sae-lens:scope/plain")
    (hub / "other.yaml").write_text("- a\n")
    monkeypatch.setenv(ids.REGISTRY, str(hub / "other.yaml"))
    with pytest.raises(UserError, match="no list of releases"):
        open_dictionary("sae-lens:scope/plain")


class FakeHub:
    """Keeps what it is sent, as a remote would."""

    def __init__(self, place, refuses=None):
        self.place, self.refuses, self.made = place, refuses, []

    def create_repo(self, repo_id, *, private, exist_ok):
        if self.refuses:
            raise self.refuses
        self.made.append((repo_id, private, exist_ok))

    def upload_folder(self, *, repo_id, folder_path, path_in_repo, commit_message):
        shutil.copytree(folder_path, self.place / repo_id / (path_in_repo or ""))


def test_what_is_sent_is_what_is_read_again(tmp_path, dictionary):
    save_dictionary(dictionary, tmp_path / "d")
    remote = FakeHub(tmp_path / "remote")
    assert upload(tmp_path / "d", "us/own", path="a", hub=remote) == "hub:us/own/a"
    assert remote.made == [("us/own", True, True)]
    sent = tmp_path / "remote" / "us" / "own" / "a"
    assert sorted(path.name for path in sent.iterdir()) == [
        "README.md",
        "dictionary.json",
        "dictionary.safetensors",
    ]
    assert same(open_dictionary(sent), dictionary)
    upload(tmp_path / "d", "us/lens", form="sae-lens", public=True, hub=remote)
    assert remote.made[-1] == ("us/lens", False, True)
    theirs = open_dictionary(tmp_path / "remote" / "us" / "lens")
    rows = torch.randn(5, 6)
    torch.testing.assert_close(
        theirs.rebuild(rows), dictionary.rebuild(rows), atol=1e-5, rtol=1e-5
    )


def test_the_card_says_what_it_is(dictionary):
    contract = replace(dictionary.contract, subject="pycode", context_tokens=64)
    text = card(replace(dictionary, contract=contract), "hub:us/own")
    for words in (
        "TopK, 12 atoms",
        "| model | pycode |",
        "| site | resid.0 |",
        "--dictionary hub:us/own",
    ):
        assert words in text
    assert "None" not in text
    json.dumps(text)


def test_a_refusal_is_one_message(tmp_path, dictionary):
    save_dictionary(dictionary, tmp_path / "d")
    remote = FakeHub(tmp_path / "remote", refuses=PermissionError("403 Forbidden"))
    with pytest.raises(UserError, match="403 Forbidden.*hf auth login"):
        upload(tmp_path / "d", "us/own", hub=remote)
    with pytest.raises(UserError, match="no repository of the hub"):
        upload(tmp_path / "d", "own", hub=remote)
    with pytest.raises(UserError, match="cannot be read"):
        upload(tmp_path / "nowhere", "us/own", hub=remote)
