"""Number types, devices and maps reach transformers, and what is missing for them is told."""

import importlib.util

import pytest
import torch
from torch import nn

from tacit.activations.harvest import harvest
from tacit.base.configuration import gather
from tacit.base.errors import UserError
from tacit.data.text import load_text
from tacit.models import load_settings, load_subject
from tacit.models.load_settings import LoadSettings
from tacit.models.weights import digest_of
from tacit.verbs.settings import LearnSettings

TEXT = "def add(left, right):"
HAS_ACCELERATE = importlib.util.find_spec("accelerate") is not None
mapped = pytest.mark.skipif(
    not HAS_ACCELERATE, reason="ends with accelerate (extra: large)"
)


@pytest.fixture
def asked(monkeypatch):
    """What transformers is told when it reads a causal model."""
    from transformers import AutoModelForCausalLM

    told, real = {}, AutoModelForCausalLM.from_pretrained

    def read(name, **options):
        told.update(options)
        hidden = {"quantization_config": None}
        if "quantization_config" in options:
            hidden["device_map"] = "cpu"
        return real(name, **{**options, **hidden})

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", read)
    return told


@mapped
@pytest.mark.parametrize("device_map", ["cpu", "auto", {"": "cpu"}])
def test_a_mapped_model_is_the_model(folders, subjects, device_map, asked):
    load = LoadSettings(device_map=device_map)
    subject = load_subject(folders["gpt_neox"], load=load)
    assert asked["device_map"] == device_map
    assert subject.digest == subjects["gpt_neox"].digest
    assert subject.device.type == "cpu" and subject.site_map.refused == {}
    ours, theirs = (
        s.run([TEXT], logits=True).logits for s in (subject, subjects["gpt_neox"])
    )
    assert torch.equal(ours, theirs)


def spread(model, away):
    """A map of every module that has no parts: on the CPU, or on disk where ``away`` is in it."""
    leaves = [path for path, module in model.named_modules() if not list(module.children())]
    return {path: "disk" if away in path else "cpu" for path in leaves}


@mapped
@pytest.mark.parametrize("name", ["gpt_neox", "gemma2"])
def test_a_model_of_which_a_part_stays_on_disk_reads_and_edits_the_same(
    folders, subjects, tmp_path, name
):
    """The weights away from their device have the same digest, and sites prove themselves."""
    whole = subjects[name]
    load = LoadSettings(device_map=spread(whole.model, ".layers.1."))
    subject = load_subject(folders[name], load=load)
    assert any(weight.is_meta for weight in subject.model.parameters())
    assert subject.digest == whole.digest and subject.site_map.refused == {}
    edits = {"resid.0": lambda value: value * 2}
    flows = [
        s.run([TEXT], sites=("mlp.1",), edits=edits, logits=True) for s in (subject, whole)
    ]
    assert torch.equal(flows[0].logits, flows[1].logits)
    assert torch.equal(flows[0].activations["mlp.1"], flows[1].activations["mlp.1"])


@mapped
def test_ids_go_where_an_embedding_on_disk_runs(folders, subjects):
    load = LoadSettings(device_map=spread(subjects["gpt_neox"].model, "embed_in"))
    subject = load_subject(folders["gpt_neox"], load=load)
    assert subject.device == torch.device("cpu")
    assert torch.equal(
        subject.run([TEXT], logits=True).logits,
        subjects["gpt_neox"].run([TEXT], logits=True).logits,
    )


def test_number_types_reach_transformers_and_the_store(
    folders, subjects, asked, tmp_path, programs
):
    subject = load_subject(folders["gpt_neox"], load=LoadSettings(dtype="bfloat16"))
    assert asked["dtype"] == torch.bfloat16 == subject.dtype
    assert "device_map" not in asked
    assert subject.site_map.refused == {} and subject.digest != subjects["gpt_neox"].digest
    store = harvest(subject, load_text(programs), ["resid.0"], tmp_path / "store")
    made = store.manifest["configuration"]
    assert made["subject_dtype"] == made["load"]["dtype"] == "bfloat16"
    assert made["load"]["device_map"] is None


def test_a_run_keeps_how_its_model_was_loaded():
    settings, passed = gather(
        LearnSettings,
        sets=["load.device_map=auto", "load.bits=4"],
        options={"model": "m", "site": "s", "load.dtype": "bfloat16"},
    )
    expected = {"device": None, "dtype": "bfloat16", "device_map": "auto", "bits": 4}
    assert settings.model_dump(mode="json")["load"] == expected
    assert "load.bits" in passed


@pytest.mark.parametrize(
    ("missing", "load", "message"),
    [
        ("accelerate", {"device_map": "auto"}, "device_map was asked for.*accelerate"),
        ("accelerate", {"bits": 4}, "bits 4 was asked for.*accelerate"),
        ("bitsandbytes", {"bits": 8}, "bits 8 was asked for.*bitsandbytes.*quantises"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(
    folders, monkeypatch, missing, load, message
):
    monkeypatch.setattr(
        load_settings, "find_spec", lambda name: None if name == missing else object()
    )
    with pytest.raises(UserError, match=message + r".*pip install 'tacit\[large\]'"):
        load_subject(folders["gpt_neox"], load=LoadSettings(**load))


def test_quantising_needs_a_gpu(folders, monkeypatch):
    monkeypatch.setattr(load_settings, "find_spec", lambda _: object())
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="4-bit loading.*none here; leave load.bits out"):
        load_subject(folders["gpt_neox"], load=LoadSettings(bits=4))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(UserError, match="4-bit loading was asked for on cpu"):
        load_subject(folders["gpt_neox"], load=LoadSettings(bits=4, device="cpu"))


@mapped
@pytest.mark.parametrize(("bits", "dtype"), [(4, None), (4, "float16"), (8, None)])
def test_what_quantising_takes_reaches_transformers(
    folders, asked, monkeypatch, bits, dtype
):
    monkeypatch.setattr(load_settings, "find_spec", lambda _: object())
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    load_subject(folders["gpt_neox"], load=LoadSettings(bits=bits, dtype=dtype))
    config = asked["quantization_config"]
    assert asked["device_map"] == {"": "cuda"}
    assert (config.load_in_4bit, config.load_in_8bit) == (bits == 4, bits == 8)
    if bits == 4:
        assert config.bnb_4bit_compute_dtype == getattr(torch, dtype or "bfloat16")


@pytest.mark.parametrize(
    ("load", "beside", "message"),
    [
        ({"device": "cpu", "device_map": "auto"}, {}, "both given; give one"),
        ({"device": "cpu"}, {"device": "cpu"}, "device was given twice"),
        ({"dtype": "float16"}, {"dtype": "float32"}, "dtype was given twice"),
        ({"device_map": "autoo"}, {}, "'autoo' is none of auto, balanced"),
        ({"device": "warp"}, {}, "device 'warp'"),
    ],
)
def test_settings_that_cannot_be_are_told(folders, load, beside, message):
    with pytest.raises(UserError, match=message):
        load_subject(folders["gpt_neox"], load=LoadSettings(**load), **beside)


@mapped
def test_a_module_in_memory_is_not_spread():
    with pytest.raises(UserError, match="module in memory"):
        load_subject(nn.Linear(2, 2), load=LoadSettings(device_map="auto"))


class Packed(torch.Tensor):
    """A weight of a class that moves in its own way, as quantised ones do."""

    def cpu(self):
        raise AssertionError("its own way of moving was taken")


class Quantised(nn.Module):
    def __init__(self, values):
        super().__init__()
        packed = torch.tensor(values, dtype=torch.uint8).as_subclass(Packed)
        self.weight = nn.Parameter(packed, requires_grad=False)
        self.register_buffer("absmax", torch.ones(2))


def test_the_digest_of_quantised_weights_is_of_their_bytes():
    one, same, other = (Quantised(values) for values in ([1, 2, 3], [1, 2, 3], [1, 2, 4]))
    assert digest_of(one) == digest_of(same) != digest_of(other)
    same.absmax[0] = 2
    assert digest_of(one) != digest_of(same)
