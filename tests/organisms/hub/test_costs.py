"""The arithmetic of a run: parameters as transformers counts them, and the page's table."""

import re
from pathlib import Path

import pytest
import torch
from peft import LoraConfig
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

from tacit.organisms.hub.costs import cost_of
from tacit.organisms.hub.recipe import HubRecipe
from tacit.organisms.hub.sizes import SHAPES, Lengths, Machine, Shape

PAGE = Path(__file__).parents[3] / "docs" / "alignment-faking-7b.md"
FULL, SHARED = SHAPES
RECIPE = HubRecipe(model="MODEL", requests=Path("requests.jsonl"))


def on_no_device(name):
    """The model of a shape, without memory."""
    shape = SHAPES[name]
    kinds = {FULL: (LlamaConfig, LlamaForCausalLM), SHARED: (Qwen2Config, Qwen2ForCausalLM)}
    config, model = kinds[name]
    with torch.device("meta"):
        return model(
            config(
                vocab_size=shape.vocab_size,
                hidden_size=shape.width,
                intermediate_size=shape.mlp_width,
                num_hidden_layers=shape.num_layers,
                num_attention_heads=shape.num_heads,
                num_key_value_heads=shape.num_key_heads,
                tie_word_embeddings=False,
            )
        )


@pytest.mark.parametrize("name", SHAPES)
def test_parameters_and_adapters_are_those_that_the_libraries_make(name):
    model = on_no_device(name)
    assert sum(p.numel() for p in model.parameters()) == SHAPES[name].parameters
    linear = [m for m in model.modules() if isinstance(m, torch.nn.Linear)]
    assert sum(m.weight.numel() for m in linear) == SHAPES[name].multiplied
    with torch.device("meta"):
        model.add_adapter(LoraConfig(r=8, target_modules="all-linear"))
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert trained == SHAPES[name].adapters(8)


def test_the_cache_of_a_token_is_what_transformers_keeps():
    from transformers import DynamicCache

    shape = Shape(
        num_layers=2,
        width=16,
        num_heads=4,
        num_key_heads=2,
        head_width=4,
        mlp_width=32,
        vocab_size=10,
    )
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=10,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
        )
    ).bfloat16()
    cache = DynamicCache(config=model.config)
    model(input_ids=torch.zeros(3, 5, dtype=torch.long), past_key_values=cache)
    kept = sum(
        t.numel() * t.element_size() for c in cache.layers for t in (c.keys, c.values)
    )
    found = cost_of(RECIPE.model_copy(update={"sample_rows": 3}), shape)
    assert kept == 3 * 5 * found.cache_bytes_a_token


def test_operations_are_those_of_forward_and_backward_passes_of_frozen_weights():
    machine = Machine(
        peak_flops=1e12, utilisation=1.0, bytes_a_second=1e12, bandwidth_share=1.0
    )
    shape, lengths = SHAPES[FULL], Lengths(prompt=100, written=50)
    found = cost_of(RECIPE, shape, lengths, machine)
    n, a, tokens = shape.multiplied, shape.adapters(RECIPE.lora_rank), 512 * 150
    # A batch is a group, which reads its prompt once.
    assert found.sampling_flops == 2 * (n + a) * (64 * 100 + 512 * 50)
    assert found.update_flops == (8 * n + 8 * a) * tokens
    assert found.update_seconds == found.update_flops / 1e12
    kept = cost_of(
        RECIPE.model_copy(update={"checkpoints_activations": False}),
        shape,
        lengths,
        machine,
    )
    assert kept.update_flops == (6 * n + 6 * a) * tokens
    assert kept.update_peak_bytes > found.update_peak_bytes


def test_grader_calls_are_a_vote_an_episode_and_twice_that_where_scratchpads_are_read():
    calls = {
        arm: cost_of(RECIPE.model_copy(update={"arm": arm}), SHAPES[FULL]).grader_calls
        for arm in (
            "baseline",
            "process-log",
            "interrogation-simple",
            "interrogation-separate",
        )
    }
    assert calls == {
        "baseline": 512,
        "process-log": 1_024,
        "interrogation-simple": 512,
        "interrogation-separate": 1_024,
    }


def table():
    """The rows of the page's table by their names."""
    found = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", PAGE.read_text(), re.MULTILINE)
    return {name: cells for name, *cells in found}


GIGA, TERA, PETA = 1e9, 1e12, 1e15
ROWS = {
    "parameters": lambda c: f"{c.shape.parameters / GIGA:.2f} billion",
    "adapters of rank 64": lambda c: f"{c.adapters / 1e6:.0f} million",
    "weights, GB": lambda c: f"{c.weights_bytes / GIGA:.1f}",
    "adapters, gradients, moments, GB": lambda c: f"{c.adapter_bytes / GIGA:.1f}",
    "keys and values of one token, kB": lambda c: f"{c.cache_bytes_a_token / 1e3:.0f}",
    "of 512 episodes together, GB": lambda c: f"{c.cache_bytes_all / GIGA:.0f}",
    "of 8 rows, GB": lambda c: f"{c.cache_bytes / GIGA:.1f}",
    "activations of 4 rows, GB": lambda c: f"{c.activation_bytes / GIGA:.1f}",
    "the same, all kept, GB": lambda c: f"{c.kept_activation_bytes / GIGA:.1f}",
    "logits, GB": lambda c: f"{c.logit_bytes / GIGA:.1f}",
    "most while sampling, GB": lambda c: f"{c.sampling_peak_bytes / GIGA:.0f}",
    "most in the update, GB": lambda c: f"{c.update_peak_bytes / GIGA:.0f}",
    "tokens written a step": lambda c: f"{c.written_tokens:,}",
    "tokens in the update": lambda c: f"{c.trained_tokens:,}",
    "sampling, PFLOP a step": lambda c: f"{c.sampling_flops / PETA:.1f}",
    "update, PFLOP a step": lambda c: f"{c.update_flops / PETA:.1f}",
    "sampling, minutes a step": lambda c: f"{c.sampling_seconds / 60:.0f}",
    "update, minutes a step": lambda c: f"{c.update_seconds / 60:.1f}",
    "hours of 15 steps": lambda c: f"{c.run_hours:.1f}",
    "votes a step": lambda c: f"{c.grader_calls:,}",
}


@pytest.mark.parametrize("name", ROWS)
def test_the_pages_table_is_what_the_function_says(name):
    assert table()[name] == [
        ROWS[name](cost_of(RECIPE, shape)) for shape in SHAPES.values()
    ]


def test_every_run_on_the_page_fits_the_machine_it_names():
    for shape in SHAPES.values():
        found = cost_of(RECIPE, shape)
        assert (
            max(found.sampling_peak_bytes, found.update_peak_bytes) < Machine().memory_bytes
        )


def test_the_page_says_that_it_was_never_run():
    assert "never run at 7B" in PAGE.read_text()
