"""A rendered run of forty features, and copies of a run of six to spoil."""

import shutil

import pytest

from reports.run_folder import build_run_folder
from tacit.reports import render_report


@pytest.fixture(scope="session")
def original(tmp_path_factory):
    folder = build_run_folder(tmp_path_factory.mktemp("original"))
    render_report(folder)
    return folder


@pytest.fixture(scope="session")
def page(original):
    return (original / "report.html").read_text()


@pytest.fixture(scope="session")
def of_few_features(tmp_path_factory):
    return build_run_folder(tmp_path_factory.mktemp("few"), num_features=6)


@pytest.fixture
def run(of_few_features, tmp_path):
    """A copy to spoil, quick to draw."""
    return shutil.copytree(of_few_features, tmp_path / "run")
