"""Every mistake is one message that says what to change, exit code 2, and nothing left behind."""

import json
import shutil
import socket

import pytest
import torch


def harvesting(model, text, out, site="resid.0"):
    return ["harvest", model, "--site", site, "--text", text, "--out", out]


def learning(model, text, out, *more):
    fast = ("--k", 4, "--steps", 10, "--set", "fit.batch=256", "--quiet")
    return ["learn", model, "--site", "resid.0", "--text", text, "--out", out, *fast, *more]


def measuring(model, dictionary, store):
    return ["measure", model, "--dictionary", dictionary, "--store", store]


@pytest.fixture
def place(tmp_path):
    """An empty folder for --out, found empty again after the command."""
    folder = tmp_path / "place"
    folder.mkdir()
    yield folder
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (
            "pycod",
            ["no subject is called 'pycod'", "Did you mean 'pycode'?", "--model FOLDER"],
        ),
        ("./nowhere", ["'./nowhere'", "no such folder", "--model FOLDER"]),
        ("", ["no subject is called ''"]),
        ("org/name", ["'org/name'", "HF_HUB_OFFLINE", "--model FOLDER"]),
    ],
)
def test_a_model_that_is_not_there_is_named(command, place, programs, model, words):
    command(*harvesting(model, programs, place / "out")).refused(*words)
    command(*learning(model, programs, place / "out")).refused(*words)
    command("list", "sites", model).refused(*words)


@pytest.fixture
def dials(monkeypatch):
    """Fail every look-up and connection as a machine without a network does; list them."""
    tried = []

    def fail(*words, **_):
        tried.append(words)
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    monkeypatch.setattr(socket.socket, "connect", fail)
    return tried


def test_offline_no_socket_is_tried(command, place, programs, dials):
    command(*harvesting("org/name", programs, place / "out")).refused("--model FOLDER")
    assert dials == []


def test_without_a_network_a_hub_name_is_one_message(
    command, place, programs, dials, monkeypatch
):
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    command(*harvesting("org/name", programs, place / "out")).refused(
        "'org/name' is no subject that Tacit ships", "--model FOLDER"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--site", "resid.0"], "the setting model was not given"),
        (["--model", "nowhere", "--site", "resid.0"], "there is no folder 'nowhere'"),
        (["--model", "TINY"], "the setting site was not given"),
        (["TINY", "--model", "TINY", "--site", "resid.0"], "the model was given twice"),
        (["TINY", "--site", "resid.9"], "it has 2 layers, so use resid.0 to resid.1"),
        (["TINY", "--site", "resit.0"], "Did you mean 'resid.0'?"),
        (["TINY", "--site", ""], "no site of"),
    ],
)
def test_model_and_site_are_told_apart(
    command, place, programs, tiny, monkeypatch, words, message
):
    monkeypatch.chdir(place)
    given = [str(tiny) if word == "TINY" else word for word in words]
    command("learn", *given, "--text", programs, "--out", "out").refused(message)


@pytest.mark.parametrize("verb", ["harvest", "measure"])
def test_the_model_is_needed(command, place, verb):
    more = {
        "harvest": ["--site", "resid.0", "--out", place / "out"],
        "measure": ["--dictionary", "d", "--store", "s"],
    }
    command(verb, *more[verb]).refused("no model was named", "--model FOLDER")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nowhere.txt", "no text 'nowhere.txt'"),
        ("python-stdlibb", "Did you mean 'python-stdlib'?"),
        ("", "no text ''"),
        ("EMPTY", "left out: 1 empty"),
        ("BINARY", "left out: 1 binary"),
        ("FOLDER", "it has no files"),
    ],
)
def test_text_that_cannot_be_read_is_named(command, place, tmp_path, tiny, text, message):
    paths = {name: tmp_path / name for name in ("EMPTY", "BINARY", "FOLDER")}
    paths["EMPTY"].write_text(" \n")
    paths["BINARY"].write_bytes(b"\x7fELF\0\1\2")
    paths["FOLDER"].mkdir()
    given = paths.get(text, text)
    command(*harvesting(tiny, given, place / "out")).refused(message)
    command(*learning(tiny, given, place / "out")).refused(message)


def test_text_of_which_the_tokenizer_knows_nothing_has_no_tokens(
    command, place, tmp_path, tiny
):
    from tokenizers import Tokenizer
    from tokenizers.models import BPE

    model = tmp_path / "model"
    shutil.copytree(tiny, model)
    Tokenizer(BPE(vocab={"a": 0, "b": 1}, merges=[])).save(str(model / "tokenizer.json"))
    (tmp_path / "text.txt").write_text("ŁŁŁ ŁŁŁ")
    told = "has no tokens"
    command(*harvesting(model, tmp_path / "text.txt", place / "out")).refused(told)
    command(*learning(model, tmp_path / "text.txt", place / "out")).refused(told)


@pytest.mark.parametrize(
    ("words", "messages"),
    [
        (["--set", "fit.stepz=1"], ["'fit.stepz'", "Did you mean 'fit.steps'?"]),
        (["--set", "steps=1"], ["'steps'", "Did you mean 'fit.steps'?"]),
        (["--set", "frontier.kk=1"], ["'frontier.kk'", "Did you mean 'frontier.k'?"]),
        (["--set", "fit.steps"], ["key.path=value"]),
        (["--set", "fit=3", "--set", "fit.penalty=1"], ["fit as a whole to 3"]),
        (["--set", "fit.extra.clip=[1]"], ["extra.clip = [1]", "top-k", "valid number"]),
        (["--set", "fit.extra.clipp=1"], ["setting of top-k", "Did you mean 'clip'?"]),
        (["--set", "frontier.k=[0]"], ["k is 0"]),
        (["--set", "text.context_tokens=64"], ["reads at most 32"]),
        (["--method", "topk"], ["no method is called 'topk'", "Did you mean 'top-k'?"]),
        (["--k", "4000"], ["k is 4000", "the number of atoms, 128"]),
        (["--max-tokens", "5"], ["text.max_tokens = 5", "greater than or equal to 100"]),
        (["--config", "nowhere.toml"], ["nowhere.toml cannot be read"]),
    ],
)
def test_a_wrong_setting_is_named(command, place, tiny, programs, words, messages):
    command(*learning(tiny, programs, place / "out", *words)).refused(*messages)


def test_too_little_text_for_a_batch_is_told(command, place, tiny_store):
    fitting = ["fit", "--store", tiny_store.folder, "--site", "resid.0", "--k", 4]
    command(*fitting, "--batch", 99_999, "--out", place / "out").refused("99999", "--batch")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["list", "metrix"], "Did you mean 'metrics'?"),
        (["list", "sites"], "`tacit list sites MODEL`"),
        (["list", "metrics", "pycode"], "only sites belong to a model"),
        (["show", "3"], "either --run RUN or --index INDEX"),
        (["show", "3", "--run", "nowhere"], "there is no index at nowhere/index"),
        (["show", "3", "--run", "x", "--windows", "5"], "--windows goes with --effects"),
        (["report", "nowhere"], "there is no run folder at nowhere"),
    ],
)
def test_names_of_lists_and_folders(command, words, message):
    command(*words).refused(message)


@pytest.fixture
def broken(tmp_path, tiny):
    """A model with the weights that a function has changed."""
    from transformers import AutoModelForCausalLM

    def make(change):
        folder = tmp_path / "broken"
        shutil.copytree(tiny, folder)
        model = AutoModelForCausalLM.from_pretrained(folder)
        with torch.no_grad():
            change(model.gpt_neox.embed_in.weight)
        model.save_pretrained(folder)
        return folder

    return make


def test_activations_that_are_not_finite_are_refused(command, place, programs, broken):
    model = broken(lambda weight: weight[20:].fill_(torch.nan))
    command(*harvesting(model, programs, place / "out")).refused(
        "values that are not finite"
    )
    block = "gpt_neox.layers.0"
    ended = command(*harvesting(model, programs, place / "out", block))
    ended.refused(f"site {block}, batch 0 of shard 0", "NaN or infinite")
    ended = command(*learning(model, programs, place / "out", "--set", f"site={block}"))
    ended.refused("'resid.0'", "not finite")  # the option wins over --set


def test_activations_that_do_not_fit_the_store_are_refused(
    command, place, programs, broken
):
    model = broken(lambda weight: weight.mul_(1e7))
    ended = command(*harvesting(model, programs, place / "out", "embed"))
    ended.refused("does not fit float16", "--dtype bfloat16")


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path):
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 255
    path.write_bytes(whole)


def overwrite(path):
    path.write_text("the notes of somebody else\n" * 9)


def remove(path):
    path.unlink()


DAMAGES = [cut, flip, overwrite, remove]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(
    "file",
    ["manifest.json", "tokens.parquet", "vocabulary.json", "shards/00001.safetensors"],
)
def test_a_damaged_store_is_refused_by_every_command_that_reads_it(
    command, place, tmp_path, tiny, tiny_store, dictionary, file, damage
):
    store = tmp_path / "store"
    shutil.copytree(tiny_store.folder, store)
    damage(store / file)
    named = file if damage is not remove else ""
    fitting = ["fit", "--store", store, "--site", "resid.0", "--out", place / "out"]
    command(*fitting).refused(str(store), named)
    command(*measuring(tiny, dictionary, store)).refused(str(store), named)
    indexing = ["index", "--dictionary", dictionary, "--store", store]
    command(*indexing, "--out", place / "out").refused(str(store), named)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("file", ["dictionary.json", "dictionary.safetensors"])
def test_a_damaged_dictionary_is_refused(
    command, place, tmp_path, tiny, tiny_store, dictionary, file, damage
):
    copy = tmp_path / "dictionary"
    shutil.copytree(dictionary, copy)
    damage(copy / file)
    command(*measuring(tiny, copy, tiny_store.folder)).refused(str(copy / file))
    indexing = ["index", "--dictionary", copy, "--store", tiny_store.folder]
    command(*indexing, "--out", place / "out").refused(str(copy / file))


@pytest.mark.parametrize("damage", [cut, overwrite, remove])
@pytest.mark.parametrize(
    "file", ["manifest.json", "tokens.parquet", "vocabulary.json", "by_feature.parquet"]
)
def test_a_damaged_index_is_refused(command, tmp_path, index, file, damage):
    copy = tmp_path / "index"
    shutil.copytree(index, copy)
    damage(copy / file)
    command("show", 3, "--index", copy).refused(str(copy))


def test_folders_of_another_kind_are_refused(
    command, place, tiny, tiny_store, dictionary, index, programs
):
    store = tiny_store.folder
    for foreign in (dictionary, index, programs, place):
        fitting = ["fit", "--store", foreign, "--site", "resid.0", "--out", place / "out"]
        command(*fitting).refused(str(foreign))
    for foreign in (store, index, programs, place):
        command(*measuring(tiny, foreign, store)).refused(str(foreign))
    for foreign in (store, dictionary, programs, place):
        command("show", 3, "--index", foreign).refused(str(foreign))
        command("report", foreign).refused(str(foreign))


def test_another_subject_and_another_feature_are_refused(
    command, tiny_store, dictionary, broken, index
):
    other = broken(lambda weight: weight.add_(0.1))
    ended = command(*measuring(other, dictionary, tiny_store.folder))
    ended.refused("is not the subject that", "its weights differ")
    command("show", 9_999, "--index", index).refused("features 0 to 127")
    case = ("show", 3, "--index", index, "--effects")
    command(*case).refused("without MODEL, --dictionary, --store", "or --run RUN")
    parts = ("--dictionary", dictionary, "--store", tiny_store.folder)
    command(*case, "--model", other, *parts).refused("is not the subject that")


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("taken", "already exists; give another --out"),
        ("file/inside", "a part of its path is a file"),
        ("", "names no folder of its own"),
        ("/proc/nowhere/out", "No such file or directory"),
    ],
)
def test_a_place_that_cannot_be_written_is_named(
    command, tmp_path, tiny, programs, monkeypatch, out, message
):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.tex").write_text("years of work")
    (tmp_path / "file").write_text("")
    monkeypatch.chdir(tmp_path)
    command(*harvesting(tiny, programs, out)).refused(message)
    command(*learning(tiny, programs, out, "--replace")).refused()
    assert (tmp_path / "taken" / "thesis.tex").read_text() == "years of work"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "taken"]


def test_a_mistake_with_replace_leaves_the_run_that_is_there(
    command, tmp_path, tiny, programs
):
    out = tmp_path / "store"
    command(*harvesting(tiny, programs, out)).finished()
    before = (out / "manifest.json").read_bytes()
    command(*harvesting(tiny, programs, out, "resid.9"), "--replace").refused("resid.9")
    command(*harvesting(tiny, programs, out), "--replace", "--context", 64).refused(
        "at most"
    )
    command(*learning(tiny, programs, out, "--replace")).refused("holds a store")
    assert (out / "manifest.json").read_bytes() == before
    command(*harvesting(tiny, programs, out, "resid.1"), "--replace").finished()
    assert json.loads((out / "manifest.json").read_text())["widths"] == {"resid.1": 16}
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_what_the_system_refuses_is_one_message(command, index, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied", "/somewhere")

    monkeypatch.setattr("tacit.features.index.open_index", refuse)
    command("show", 3, "--index", index).refused("/somewhere: Permission denied.")


def test_an_error_of_our_own_is_not_hidden(command, index, monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr("tacit.features.index.open_index", fail)
    with pytest.raises(ZeroDivisionError):
        command("show", 3, "--index", index)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--device", "warp"], "device 'warp' was asked for"),
        (["--model-dtype", "float64"], "load.dtype = 'float64' will not do"),
        (["--set", "load.device_map=autoo"], "device_map 'autoo' is none of auto"),
        (["--set", "load.bits=3"], "load.bits = 3 will not do"),
        (["--device", "cpu", "--set", "load.device_map=auto"], "give one of them"),
    ],
)
def test_a_way_of_loading_that_cannot_be_is_told(
    command, place, programs, tiny, words, message
):
    command(*learning(tiny, programs, place / "out"), *words).refused(message)
    command(*harvesting(tiny, programs, place / "out"), *words).refused(message)
    assert list(place.iterdir()) == []
