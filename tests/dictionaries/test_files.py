"""A dictionary on disk: exact, or refused by name."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from tacit.base.errors import UserError
from tacit.dictionaries import Dictionary, InputContract, load_dictionary, save_dictionary
from tacit.dictionaries.files import FACTS, TENSORS
from tacit.dictionaries.selections import Largest, Relu, TopKPositive


def dictionary(selection=None, scale=0.1 + 0.2):
    atoms = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    return Dictionary(
        atoms=atoms,
        encoder=atoms,
        encoder_bias=torch.zeros(6),
        centre=torch.ones(4),
        scale=scale,
        selection=selection or TopKPositive(k=2),
        contract=InputContract(subject="pycode", site="resid.2", high_norm_factor=10.0),
        method="top-k",
        settings={"num_atoms": 6, "k": 2},
        seed=3,
    )


@pytest.mark.parametrize("selection", [Relu(), TopKPositive(k=3), Largest(k=2)])
def test_what_is_loaded_is_what_was_saved(tmp_path, selection):
    saved = dictionary(selection)
    save_dictionary(saved, tmp_path)
    loaded = load_dictionary(tmp_path)
    assert loaded.scale == saved.scale  # the factor that a rival forgets to save
    assert (loaded.selection, loaded.contract) == (selection, saved.contract)
    assert (loaded.method, loaded.settings, loaded.seed) == ("top-k", saved.settings, 3)
    for name, tensor in saved.tensors().items():
        assert torch.equal(loaded.tensors()[name], tensor)


def test_saving_twice_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        save_dictionary(dictionary(), tmp_path / name)
    for file in (TENSORS, FACTS):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


@pytest.mark.parametrize("file", [TENSORS, FACTS])
@pytest.mark.parametrize("kept", [0, 10, -1])
def test_a_file_cut_short_is_refused_by_name(tmp_path, file, kept):
    save_dictionary(dictionary(), tmp_path)
    path = tmp_path / file
    path.write_bytes(path.read_bytes()[:kept] if kept >= 0 else path.read_bytes()[:-3])
    with pytest.raises(UserError, match=file):
        load_dictionary(tmp_path)


def test_one_changed_byte_is_noticed(tmp_path):
    save_dictionary(dictionary(), tmp_path)
    content = bytearray((tmp_path / TENSORS).read_bytes())
    content[-1] ^= 1
    (tmp_path / TENSORS).write_bytes(content)
    with pytest.raises(UserError, match="altered"):
        load_dictionary(tmp_path)


@pytest.mark.parametrize("file", [TENSORS, FACTS])
def test_a_missing_file_is_named(tmp_path, file):
    save_dictionary(dictionary(), tmp_path)
    (tmp_path / file).unlink()
    with pytest.raises(UserError, match=file):
        load_dictionary(tmp_path)


@pytest.mark.parametrize(
    "foreign",
    ["[]", "{}", '{"format": "other"}', '{"format": "tacit-dictionary", "version": 9}'],
)
def test_another_format_is_refused(tmp_path, foreign):
    save_dictionary(dictionary(), tmp_path)
    (tmp_path / FACTS).write_text(foreign)
    with pytest.raises(UserError, match=FACTS):
        load_dictionary(tmp_path)


def edited(folder, change):
    facts = json.loads((folder / FACTS).read_text())
    change(facts)
    (folder / FACTS).write_text(json.dumps(facts))


@pytest.mark.parametrize("lost", ["selection", "scale", "contract", "seed", "sha256"])
def test_lost_facts_are_refused(tmp_path, lost):
    save_dictionary(dictionary(), tmp_path)
    edited(tmp_path, lambda facts: facts.pop(lost))
    with pytest.raises(UserError, match="expected"):
        load_dictionary(tmp_path)


def test_tensors_that_do_not_belong_together_are_refused(tmp_path):
    from tacit.base.files import sha256_of

    save_dictionary(dictionary(), tmp_path)
    tensors = load_file(tmp_path / TENSORS)
    del tensors["centre"]
    save_file(tensors, tmp_path / TENSORS)
    sha256 = sha256_of(tmp_path / TENSORS)
    edited(tmp_path, lambda facts: facts.update(sha256=sha256))
    with pytest.raises(UserError, match="centre"):
        load_dictionary(tmp_path)


def test_an_unknown_selection_lists_those_there_are(tmp_path):
    save_dictionary(dictionary(), tmp_path)
    edited(tmp_path, lambda facts: facts["selection"].update(name="jump"))
    with pytest.raises(UserError, match="relu"):
        load_dictionary(tmp_path)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("inf"), float("nan")])
def test_a_scale_that_divides_nothing_is_refused(scale):
    with pytest.raises(UserError, match="scale"):
        dictionary(scale=scale)


def test_a_code_of_another_dictionary_is_refused():
    from tacit.dictionaries import Code

    code = Code(torch.ones(1, 1), torch.zeros(1, 1, dtype=torch.long), 7)
    with pytest.raises(UserError, match="7 atoms"):
        dictionary().decode(code)
