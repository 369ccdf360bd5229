"""What is no dictionary of a known tool is refused with the reason; what it tells is kept."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tacit.base.errors import UserError
from tacit.dictionaries import METHODS, RowBlocks, fit
from tacit.dictionaries.dictionary import InputContract
from tacit.dictionaries.foreign import FORMATS, open_dictionary, write_dictionary

RECORDED = Path(__file__).parent / "recorded"
WEIGHTS = {
    "sae_lens/topk": "sae_weights.safetensors",
    "sparsify/topk": "sae.safetensors",
    "dictionary_learning/AutoEncoderTopK": "ae.pt",
}


def altered(tmp_path, kind, change):
    folder = tmp_path / "theirs"
    shutil.copytree(RECORDED / kind, folder)
    path = folder / WEIGHTS[kind]
    if path.suffix == ".pt":
        tensors = torch.load(path, weights_only=True)
        change(tensors)
        torch.save(tensors, path)
    else:
        tensors = load_file(path)
        change(tensors)
        save_file(tensors, path)
    return folder


def bias_of(tensors):
    return "b_enc" if "b_enc" in tensors else "encoder.bias"


@pytest.mark.parametrize("kind", WEIGHTS)
def test_a_missing_tensor_is_named(kind, tmp_path):
    folder = altered(tmp_path, kind, lambda tensors: tensors.pop("b_dec"))
    with pytest.raises(UserError, match=r"missing: b_dec"):
        open_dictionary(folder)


@pytest.mark.parametrize("kind", WEIGHTS)
def test_an_extra_tensor_is_named(kind, tmp_path):
    folder = altered(tmp_path, kind, lambda found: found.update(more=torch.zeros(2)))
    with pytest.raises(UserError, match=r"not expected: more"):
        open_dictionary(folder)


@pytest.mark.parametrize("kind", WEIGHTS)
def test_a_tensor_of_another_shape_is_named(kind, tmp_path):
    folder = altered(
        tmp_path, kind, lambda found: found.update({bias_of(found): torch.zeros(5)})
    )
    with pytest.raises(UserError, match=r"is \(5,\) instead of \(24,\)"):
        open_dictionary(folder)


class Harmful:
    """A pickle that would leave a file behind if it were loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_a_pickle_is_refused_and_never_run(tmp_path):
    folder = tmp_path / "theirs"
    shutil.copytree(RECORDED / "dictionary_learning/AutoEncoder", folder)
    trace = tmp_path / "was-run"
    torch.save({"encoder.weight": Harmful(trace)}, folder / "ae.pt")
    with pytest.raises(UserError, match="a pickle can run any code"):
        open_dictionary(folder)
    assert not trace.exists()


@pytest.mark.parametrize("kind", WEIGHTS)
def test_a_file_that_was_cut_short_is_refused(kind, tmp_path):
    folder = altered(tmp_path, kind, lambda tensors: None)
    path = folder / WEIGHTS[kind]
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match=path.name):
        open_dictionary(folder)


def with_facts(tmp_path, kind, name, **facts):
    folder = tmp_path / "theirs"
    shutil.copytree(RECORDED / kind, folder)
    found = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps(found | facts))
    return folder


@pytest.mark.parametrize(
    ("kind", "facts", "told"),
    [
        ("sae_lens/topk", {"architecture": "temporal"}, "'temporal'"),
        ("sae_lens/topk", {"normalize_activations": "layer_norm"}, "'layer_norm'"),
        ("sae_lens/topk", {"architecture": "batchtopk"}, "still in training"),
        ("sparsify/topk", {"transcode": True}, "one site to another"),
        ("sparsify/topk", {"activation": "groupmax"}, "'groupmax'"),
    ],
)
def test_a_coding_that_tacit_has_no_form_of_is_refused(kind, facts, told, tmp_path):
    folder = with_facts(tmp_path, kind, "cfg.json", **facts)
    with pytest.raises(UserError, match=told):
        open_dictionary(folder)


def test_what_saelens_tells_of_its_input_is_kept():
    contract = open_dictionary(RECORDED / "sae_lens/topk").contract
    assert (contract.subject, contract.site) == ("pycode", "resid.2")
    assert (contract.prepend_bos, contract.context_tokens) == (True, 128)


def test_the_site_can_be_given_where_the_files_do_not_tell_it():
    folder = RECORDED / "sparsify/topk"
    assert open_dictionary(folder).contract.site is None
    assert open_dictionary(folder, site="resid.1").contract.site == "resid.1"
    with pytest.raises(UserError, match=r"'resid.1' was given, and .* reads 'resid.2'"):
        open_dictionary(RECORDED / "sae_lens/topk", site="resid.1")


def test_a_folder_of_nothing_known_is_refused(tmp_path):
    with pytest.raises(UserError, match="no dictionary that can be read"):
        open_dictionary(tmp_path)
    with pytest.raises(UserError, match="there is no dictionary"):
        open_dictionary(tmp_path / "absent")


def test_signed_codes_are_not_written_for_others(tmp_path):
    rows = torch.randn(256, 8, generator=torch.Generator().manual_seed(0))
    blocks = RowBlocks(rows={"here": rows}, block_rows=64, seed=0)
    (member,) = fit([METHODS["pca"](k=4)], blocks, [0], steps=1)
    for name, form in FORMATS.items():
        with pytest.raises(UserError, match=r"signed|alone|only read"):
            write_dictionary(member.dictionary, name, tmp_path)
        assert form.write is None or not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", [name for name, form in FORMATS.items() if form.write])
def test_our_whole_input_contract_comes_back(name, tmp_path):
    told = InputContract(
        subject="pycode", subject_digest="ab", site="model.odd", prepend_bos=True
    )
    dictionary = replace(open_dictionary(RECORDED / "sparsify/topk"), contract=told)
    write_dictionary(dictionary, name, tmp_path)
    assert open_dictionary(tmp_path).contract == told
