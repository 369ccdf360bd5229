"""A subject's architecture before it learned anything: what a finding must beat."""

from __future__ import annotations

import copy
from typing import Any

import torch

from tacit.base.seeds import torch_seed
from tacit.models.load import load_subject
from tacit.models.subject import Subject


def untrained(subject: Subject, seed: int) -> Subject:
    """Return the same architecture with weights as its library draws them, and the tokenizer.

    A checkpoint of the training's first step, where one is published (Pythia: revision step0),
    is the better control: it shares the draw too.
    """
    kind: Any = type(subject.model)
    with torch.random.fork_rng():
        torch.manual_seed(torch_seed(seed, "models/untrained") % 2**32)
        model = kind(copy.deepcopy(subject.model.config))
    return load_subject(model, device=subject.device, tokenizer=subject.tokenizer)
