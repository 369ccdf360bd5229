"""One small set of drawn birds that tests read, with everything odd in it."""

from pathlib import Path

import pytest

from tacit.data.birds import BirdSettings, draw_birds


@pytest.fixture(scope="session")
def asked() -> BirdSettings:
    return BirdSettings(classes=6, images=10, side=32, quirks=True, seed=5)


@pytest.fixture(scope="session")
def small(tmp_path_factory, asked) -> Path:
    folder = tmp_path_factory.mktemp("birds") / "small"
    draw_birds(folder, asked, workers=1)
    return folder
