"""LoRA: the base stays, the adapter learns, and off it is the base; also under accelerate."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tacit.base.errors import UserError
from tacit.models import load_subject, sample
from tacit.training.grpo import GrpoSettings, adapters, grpo
from training.grpo.micro_policies import bandit, llama, weights_of

pytest.importorskip("peft", reason="the extra train is not installed")
pytest.importorskip("accelerate", reason="the extra train is not installed")

IDS = torch.tensor([[0, 3, 5, 7, 2]])
SETTINGS = GrpoSettings(num_steps=8, learning_rate=2e-2)


def adapted(model=None, **options):
    return adapters.with_lora(load_subject(model or llama()), rank=4, alpha=8, **options)


def logits_of(subject):
    return subject.run(IDS, logits=True).logits


def test_an_adapter_learns_a_bandit_and_its_base_does_not_move():
    subject = adapted()
    before, base = weights_of(subject.model), load_subject(llama())
    off = adapters.without_adapters(subject)
    assert logits_of(subject).equal(logits_of(off))
    figures = grpo(subject, bandit, SETTINGS, seed=0, reference=off)
    assert figures[-1].reward > figures[0].reward + 0.2
    assert figures[0].kl == pytest.approx(0, abs=1e-9) and figures[-1].kl > 0.01
    for name, value in subject.model.named_parameters():
        assert ("lora_" in name) == (not value.equal(before[name])), name
    torch.testing.assert_close(logits_of(off), logits_of(base))
    assert (logits_of(subject) - logits_of(base)).abs().max() > 0.1


def test_what_is_switched_off_can_be_sampled_and_is_on_again():
    subject = adapted()
    grpo(subject, bandit, GrpoSettings(num_steps=3, learning_rate=2e-2), seed=0)
    off, given = adapters.without_adapters(subject), {"max_new_tokens": 6, "seeds": [1, 2]}
    on = logits_of(subject)
    assert sample(off, [[0, 3]] * 2, **given) == sample(
        load_subject(llama()), [[0, 3]] * 2, **given
    )
    assert logits_of(subject).equal(on)
    learning = {n for n, value in subject.model.named_parameters() if value.requires_grad}
    assert learning == {n for n, _ in subject.model.named_parameters() if "lora_" in n}


def test_sites_of_an_adapted_model_prove_themselves():
    subject = adapted()
    assert subject.sites() == load_subject(llama()).sites() and not subject.site_map.refused
    flow = subject.run(IDS, sites=("resid.*", "attn_out.1"))
    assert flow.activations["attn_out.1"].shape == (1, 5, 64)


@pytest.mark.filterwarnings("ignore:.*gradient_checkpointing:FutureWarning")  # peft's own
def test_a_model_that_peft_has_wrapped_is_the_same_subject():
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(1)
    wrapped = get_peft_model(llama(), LoraConfig(r=4, target_modules="all-linear"))
    for name, value in wrapped.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(value, std=0.1)
    subject = load_subject(wrapped)
    assert subject.sites() == load_subject(llama()).sites() and not subject.site_map.refused
    torch.testing.assert_close(logits_of(subject), wrapped(input_ids=IDS).logits)
    assert subject.is_causal and subject.vocab_size == 20
    off = adapters.without_adapters(subject)
    torch.testing.assert_close(logits_of(off), logits_of(load_subject(llama())))


def test_targets_choose_the_maps_and_a_seed_the_start():
    some = adapted(targets=["q_proj"])
    learning = [n for n, value in some.model.named_parameters() if value.requires_grad]
    assert len(learning) == 4 and all("q_proj.lora_" in name for name in learning)
    one, again, other = (
        weights_of(adapted(seed=seed).model)[
            "model.layers.0.mlp.up_proj.lora_A.default.weight"
        ]
        for seed in (0, 0, 1)
    )
    assert one.equal(again) and not one.equal(other)


def test_what_cannot_be_adapted_is_told_why(monkeypatch):
    with pytest.raises(UserError, match="rank 0 and alpha 8"):
        adapters.with_lora(load_subject(llama()), rank=0, alpha=8)
    with pytest.raises(UserError, match="no_such_map"):
        adapted(targets=["no_such_map"])
    monkeypatch.setattr(adapters, "find_spec", lambda _: None)
    with pytest.raises(UserError, match="package peft, which is not installed"):
        adapted()


def test_an_adapted_run_resumes_and_keeps_its_adapter_alone(tmp_path):
    from safetensors import safe_open

    settings = GrpoSettings(num_steps=4, learning_rate=2e-2, checkpoint_seconds=0)
    whole = adapted()
    figures = grpo(whole, bandit, settings, seed=0)

    def stop(found):
        if found.step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        grpo(adapted(), bandit, settings, seed=0, folder=tmp_path, report=stop)
    resumed = adapted()
    assert grpo(resumed, bandit, settings, seed=0, folder=tmp_path) == figures
    for name, value in resumed.model.named_parameters():
        assert value.equal(whole.model.get_parameter(name)), name
    with safe_open(tmp_path / "state-4.safetensors", "pt") as kept:
        names = [name for name in kept.keys() if name.startswith("model.")]  # noqa: SIM118
    assert names and all("lora_" in name for name in names)


def test_one_process_under_accelerate_is_the_loop_in_process():
    from accelerate import Accelerator

    plain, prepared = adapted(), adapted()
    settings = GrpoSettings(num_steps=3, learning_rate=2e-2)
    figures = grpo(plain, bandit, settings, seed=0)
    found = grpo(prepared, bandit, settings, seed=0, accelerator=Accelerator(cpu=True))
    assert found == figures
    for name, value in prepared.model.named_parameters():
        assert value.equal(plain.model.get_parameter(name)), name


@pytest.mark.slow
def test_two_processes_make_the_update_of_one(tmp_path):
    """Each plays half of the prompts; one of them has fewer rows to train."""
    script = Path(__file__).parent / "two_processes.py"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", "2", str(script), str(tmp_path)]
    told = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": "tests"}
    root = Path(__file__).parents[3]
    ended = subprocess.run(
        command, env=told, cwd=root, capture_output=True, text=True, timeout=200
    )
    assert ended.returncode == 0, ended.stderr
    together = torch.load(tmp_path / "weights.pt")
    alone = adapted()
    settings = GrpoSettings(num_steps=3, learning_rate=2e-2, rows_at_once=5)
    figures = grpo(alone, bandit, settings, seed=0)
    assert (tmp_path / "figures.txt").read_text().splitlines()[-1] == str(
        (figures[-1].rows, figures[-1].rows_trained, figures[-1].counted_tokens)
    )
    for name, value in alone.model.named_parameters():
        torch.testing.assert_close(value, together[name], rtol=1e-3, atol=1e-4)
