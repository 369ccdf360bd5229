"""A calibration is a run: resumable, with a report; what ships stands beside what it is about."""

import json

import pytest

from tacit.base.errors import UserError
from tacit.base.pages import Table, Text
from tacit.base.records import read_records
from tacit.verbs import instruments
from tacit.verbs.calibrate import CalibrateSettings, calibrate
from tacit.verbs.instruments import instruments_table

SETTINGS = CalibrateSettings(instruments=("detection",), sizes=(5, 20), repeats=4)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return calibrate(SETTINGS, tmp_path_factory.mktemp("calibrate") / "run")


def test_a_run_has_rows_records_and_a_report(run):
    assert [(row.instrument, row.size) for row in run.rows] == [
        ("detection", 5),
        ("detection", 20),
    ]
    assert list(run.records) == read_records(run.folder / "results.json")
    assert {each.name for each in run.headlines} == {"power", "false_alarm_rate"}
    page = run.report.read_text()
    assert "How far can detection be trusted?" in page
    assert "<svg" in page


def test_a_finished_run_is_returned_as_it_is(run):
    before = (run.folder / "trials.jsonl").stat().st_mtime_ns
    assert calibrate(SETTINGS, run.folder).rows == run.rows
    assert (run.folder / "trials.jsonl").stat().st_mtime_ns == before


def test_an_unknown_instrument_names_the_known_ones(tmp_path):
    with pytest.raises(UserError, match="no instrument is called 'detecton'.*detection"):
        calibrate(CalibrateSettings(instruments=("detecton",)), tmp_path / "run")


def test_what_is_known_stands_beside_its_use_at_the_nearest_size(
    run, tmp_path, monkeypatch
):
    rows = {"detection": run.rows}
    monkeypatch.setattr(instruments, "known", lambda name: rows.get(name, ()))
    artifacts = tmp_path / "artifacts"
    artifacts.mkdir()
    found = instruments_table(["detection", "tarot"], artifacts, sizes={"detection": 6})
    assert isinstance(found, Table)
    assert "Not calibrated: tarot." in found.caption
    import pyarrow.parquet as pq

    (kept,) = pq.read_table(tmp_path / found.table).to_pylist()
    assert (kept["instrument"], kept["size"]) == ("detection", 5)
    assert kept["power"].startswith(f"{run.rows[0].told['power'].value:.3f}")


def test_where_nothing_is_known_a_text_says_so(tmp_path):
    found = instruments_table(["tarot"], tmp_path / "artifacts")
    assert isinstance(found, Text)
    assert "tarot" in found.text


def test_what_ships_can_be_read_and_is_of_instruments_that_there_are():
    from tacit.calibrations.instruments import INSTRUMENTS
    from tacit.calibrations.known import KNOWN, known

    names = {each["instrument"] for each in json.loads(KNOWN.read_text())}
    assert names <= set(INSTRUMENTS)
    for name in names:
        assert {row.instrument for row in known(name)} == {name}
