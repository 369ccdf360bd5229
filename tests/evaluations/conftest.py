"""A subject by hand and dictionaries of it, which measures that run the model share."""

import pytest

from evaluations.copied_text import copied_evidence, copied_store
from tacit.models.circuits.attention_only import copying_circuit


@pytest.fixture(scope="session")
def copied_circuit():
    return copying_circuit()


@pytest.fixture(scope="session")
def copied(copied_circuit, tmp_path_factory):
    """Evidence of a perfect, a good and a random dictionary."""
    store = copied_store(copied_circuit, tmp_path_factory.mktemp("copied"))
    return {
        quality: copied_evidence(copied_circuit, store, quality)
        for quality in ("perfect", "good", "random")
    }
