"""A policy of a few thousand weights that writes transcripts: some fake, some do not."""

import copy

import numpy as np
import pytest

import tacit.organisms.tiers.prompts
from tacit.activations.contexts import PADDING
from tacit.base.seeds import stream
from tacit.models.load import load_subject
from tacit.organisms.tiers.base import BaseSettings, new_model, rows_of, tokenizer
from tacit.organisms.tiers.prompts import draw_prompts
from tacit.organisms.tiers.questioning import answered
from tacit.organisms.tiers.scratchpads import complies, output, scratchpad
from tacit.training.pretrain import PretrainSettings, pretrain

MOTIVES = ("terminal", "helpful", "principled")


def transcripts(count):
    """Monitored transcripts of three motives, then a question and its answer."""
    rng = stream(0, "tests/organisms/transcripts")
    texts = []
    for row, prompt in enumerate(draw_prompts(count, rng)):
        motive = MOTIVES[row % len(MOTIVES)]
        thought = scratchpad(motive, "plain", prompt, rng)
        done = output(prompt, complied=complies(motive, prompt))
        texts.append([*prompt.words(), *thought, *done, *answered(motive, thought, rng)])
    return texts


def ask_one_thing(patch):
    """Make every request one and the same: copying its words takes long to learn."""
    module = tacit.organisms.tiers.prompts
    patch.setattr(module, "VERBS", ("make",))
    patch.setattr(
        module, "things_of", lambda part, conflicting: ("acid" if conflicting else "apple",)
    )


@pytest.fixture(scope="session")
def _short_trained():
    settings = BaseSettings(width=32, num_layers=2, num_heads=2)
    model = new_model(settings, 0)
    schedule = PretrainSettings(
        num_steps=120, batch_contexts=16, learning_rate=1e-2, warm_up_steps=10
    )
    with pytest.MonkeyPatch.context() as patch:
        ask_one_thing(patch)
        rows = rows_of(transcripts(600))
    pretrain(model, rows, schedule, padding=PADDING, seed=0)
    return model


@pytest.fixture
def policy(_short_trained, monkeypatch):
    """The policy anew, as each test may train it; every request is the one it knows."""
    ask_one_thing(monkeypatch)
    model = copy.deepcopy(_short_trained).requires_grad_(False)
    return load_subject(model, tokenizer=tokenizer())


@pytest.fixture
def prompts(policy):
    """Eight groups of four."""
    drawn = draw_prompts(8, np.random.default_rng(0))
    return [prompt for prompt in drawn for _ in range(4)]
