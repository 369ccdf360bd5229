"""A subject of a few thousand random weights and a folder of small programs, for every room."""

import os
import signal
from pathlib import Path

import pytest
import torch
from hypothesis import settings

NUM_PROGRAMS = 30

# Test workers that each use every core wait for each other most of the time.
if "PYTEST_XDIST_WORKER_COUNT" in os.environ:
    num_threads = max(
        1, (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    )
    os.environ.setdefault("OMP_NUM_THREADS", str(num_threads))
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))

# A shell that starts the tests in the background has Ctrl-C ignored, and tests press it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is no failure.
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")


@pytest.fixture(scope="session")
def programs(tmp_path_factory) -> Path:
    """Thirty short Python files that differ; some names fall on the held-out side."""
    folder = tmp_path_factory.mktemp("programs")
    for number in range(NUM_PROGRAMS):
        (folder / f"part_{number:02}.py").write_text(
            f'"""Part {number} of a small library."""\n\nimport math\n\n\n'
            f"class Shape{number}:\n    # a comment about shape {number}\n"
            f"    sides = {number}\n\n    def area(self, scale):\n"
            f'        """Return the area."""\n        if scale > {number}:\n'
            f"            return math.sqrt(scale) * self.sides\n        return 'none'\n"
        )
    return folder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory, programs) -> Path:
    """The folder of a random GPT-NeoX of width 16 and two layers with its own tokenizer."""
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

    from tacit.data.text import load_text
    from tacit.training.tokenizer import train_tokenizer

    folder = tmp_path_factory.mktemp("tiny")
    tokenizer = train_tokenizer(load_text(programs), vocabulary=400)
    torch.manual_seed(0)
    config = GPTNeoXConfig(
        vocab_size=400,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
        initializer_range=0.2,
        bos_token_id=0,
        eos_token_id=0,
    )
    GPTNeoXForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_subject(tiny):
    from tacit.models import load_subject

    return load_subject(tiny)


@pytest.fixture(scope="session")
def tiny_store(tmp_path_factory, tiny_subject, programs):
    """A finished store of two sites over the programs."""
    from tacit.activations.harvest import HarvestSettings, harvest
    from tacit.data.text import load_text

    return harvest(
        tiny_subject,
        load_text(programs),
        ["resid.0", "mlp.1"],
        tmp_path_factory.mktemp("stores") / "store",
        settings=HarvestSettings(batch_contexts=4, contexts_per_shard=16),
    )


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory, tiny, programs) -> Path:
    """The folder of a finished `tacit learn` of ``resid.0`` over the programs; copy it to write."""
    from tacit.verbs.learn import learn
    from tacit.verbs.settings import FitSettings, LearnSettings, TextSettings

    settings = LearnSettings(
        model=str(tiny),
        site="resid.0",
        text=TextSettings(source=str(programs)),
        fit=FitSettings(k=4, steps=60, batch=256),
        frontier=None,
        shown_features=4,
    )
    return learn(settings, tmp_path_factory.mktemp("runs") / "run").folder
