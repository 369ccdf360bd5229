"""A board shows every finished measure run below a folder, and says what it leaves out and why."""

import re
from dataclasses import replace
from html import unescape

import pyarrow.parquet as pq
import pytest

import tacit
from tacit.base.errors import UserError
from tacit.base.pages import Table, read_pages
from tacit.base.records import Gap
from tacit.evaluations.suite import MEASURES
from tacit.verbs.board_tables import COLUMNS, MAIN
from verbs.measure_runs import OF, make_run, results


def drawn(run, name="board-1"):
    return pq.read_table(run.folder / f"artifacts/{name}.parquet").to_pylist()


def words(run):
    page = re.sub(r"<[^>]*>", " ", run.report.read_text())
    return " ".join(unescape(page).split())


def test_a_row_holds_each_main_figure_with_interval_and_command(tmp_path):
    make_run(tmp_path / "runs/one")
    run = tacit.board(tmp_path / "runs", out=tmp_path / "board")
    (row,) = drawn(run)
    assert row["name"] == "one"
    assert (row["method"], row["atoms"], row["sparsity"]) == ("top-k", 64, "k 4")
    assert row["command"] == "again one"
    for place, column in enumerate(COLUMNS):
        assert row[f"{column.key} order"] == pytest.approx(0.5 + place / 100)
        assert row[column.key].endswith("(0.400 to 0.900)")
    assert "again one" in words(run)


def test_every_measure_has_a_column_and_every_figure_is_one_of_its_own():
    assert {column.measure for column in COLUMNS} == set(MEASURES)
    assert set(MAIN) <= set(MEASURES)
    for column in COLUMNS:
        assert column.figure in MEASURES[column.measure].figures
    assert len({column.key for column in COLUMNS}) == len(COLUMNS)


def test_the_figure_of_the_named_coordinates_is_taken(tmp_path):
    at = {**OF, "basis": "dictionary", "measure": "probing"}
    wanted = results(OF)[0]
    probing = [
        replace(
            wanted, name="sparse_probe_accuracy", value=k / 100, of={**at, "probe_k": k}
        )
        for k in (20, 5, 2, 1)
    ]
    make_run(tmp_path / "runs/one", records=probing)
    (row,) = drawn(tacit.board(tmp_path / "runs", out=tmp_path / "board"))
    assert row["sparse_probe_accuracy probe_k 1 order"] == 0.01
    assert row["sparse_probe_accuracy probe_k 5 order"] == 0.05


def test_runs_at_any_depth_are_found_and_what_is_none_is_counted(tmp_path):
    top = tmp_path / "runs"
    make_run(top / "one")
    make_run(top / "deep/er/two")
    make_run(top / "learned", kind="learn")
    make_run(top / "learned/inside")  # a learn run's own folders are not looked at
    make_run(top / ".three.partial")
    (make_run(top / "four") / "results.json").unlink()
    (make_run(top / "five") / "results.json").write_text("{")
    run = tacit.board(top, out=top / "board")
    assert run.rows == ("deep/er/two", "one")
    assert run.skipped == {"damaged": 1, "learn": 1, "not finished": 2}
    assert "Left out, as no finished measure runs: 1 damaged, 1 learn, 2 not" in words(run)


def test_a_board_does_not_find_itself_and_is_made_once(tmp_path):
    make_run(tmp_path / "runs/one")
    ways = {"out": tmp_path / "runs/board"}
    first = tacit.board(tmp_path / "runs", **ways)
    made = first.report.stat().st_mtime_ns
    again = tacit.board(tmp_path / "runs", **ways)
    assert again == first
    assert again.report.stat().st_mtime_ns == made
    make_run(tmp_path / "runs/two")
    with pytest.raises(UserError, match="--replace"):
        tacit.board(tmp_path / "runs", **ways)
    assert tacit.board(tmp_path / "runs", **ways, replace=True).rows == ("one", "two")


def test_subjects_and_sites_stand_in_tables_of_their_own(tmp_path):
    make_run(tmp_path / "runs/one")
    make_run(tmp_path / "runs/two", site="resid.1")
    make_run(tmp_path / "runs/three", subject_digest="fedcba9876543210")
    make_run(tmp_path / "runs/four", subject_digest="fedcba9876543210")
    run = tacit.board(tmp_path / "runs", out=tmp_path / "board")
    names = [[row["name"] for row in drawn(run, f"board-{n}")] for n in (1, 2, 3)]
    assert names == [["four", "three"], ["one"], ["two"]]


def test_other_texts_or_settings_are_said_not_to_compare(tmp_path):
    make_run(tmp_path / "runs/one")
    make_run(tmp_path / "runs/two")
    run = tacit.board(tmp_path / "runs", out=tmp_path / "alike")
    assert "on the same text with the same settings" in words(run)
    make_run(tmp_path / "runs/three", store="another text", settings={"size": "standard"})
    run = tacit.board(tmp_path / "runs", out=tmp_path / "unlike")
    assert "on 2 texts with 2 sets of settings: only rows that share both" in words(run)


def test_what_is_missing_is_empty_with_its_reason_and_never_zero(tmp_path):
    column = next(each for each in COLUMNS if each.measure == "absorption")
    kept = [each for each in results(OF) if each.name != column.figure]
    at = {**OF, "basis": "dictionary", "measure": "absorption", "concept": "letter a"}
    gap = Gap(name=column.figure, reason="too few words begin so", of=at)
    make_run(tmp_path / "runs/one", records=[*kept, gap])
    make_run(tmp_path / "runs/two", records=kept)
    make_run(tmp_path / "runs/three")
    run = tacit.board(tmp_path / "runs", out=tmp_path / "board")
    cells = {row["name"]: row[column.key] for row in drawn(run)}
    assert cells["one"] is None
    assert cells["two"] is None
    assert cells["three"] is not None
    missing = {row["runs"]: row["reason"] for row in drawn(run, "missing-1")}
    assert missing == {
        "one": "too few words begin so",
        "two": "the run did not measure absorption",
    }
    gaps = [each for each in run.records if isinstance(each, Gap)]
    assert {each.of["run"] for each in gaps} == {"one", "two"}


def test_a_figure_at_other_settings_is_not_shown_as_the_boards(tmp_path):
    at = {**OF, "basis": "dictionary", "measure": "probing", "probe_k": 3}
    other = replace(results(OF)[0], name="sparse_probe_accuracy", of=at)
    make_run(tmp_path / "runs/one", records=[other])
    run = tacit.board(tmp_path / "runs", out=tmp_path / "board")
    assert "measured with other settings than the board shows" in words(run)


def test_baselines_stand_beside_in_a_table_of_their_own(tmp_path):
    make_run(tmp_path / "runs/one")
    run = tacit.board(tmp_path / "runs", out=tmp_path / "board")
    (row,) = drawn(run, "baselines-1")
    assert (row["name"], row["basis"]) == ("one", "pca")
    assert all(each.of["basis"] == "dictionary" for each in run.records)


def test_its_tables_can_be_sorted_by_their_numbers(tmp_path):
    make_run(tmp_path / "runs/one")
    run = tacit.board(tmp_path / "runs", out=tmp_path / "board")
    (page,) = read_pages(run.folder / "artifacts/pages.json")
    tables = [each for each in page.blocks if isinstance(each, Table)]
    keys = {column.key for column in COLUMNS}
    assert [each.sortable for each in tables[:2]] == [True, True]
    for each in tables[:2]:
        assert keys <= dict(each.sort_by).keys()


def test_a_folder_without_a_measured_run_is_refused_with_what_is_there(tmp_path):
    with pytest.raises(UserError, match="there is no folder"):
        tacit.board(tmp_path / "nowhere", out=tmp_path / "board")
    make_run(tmp_path / "runs/learned", kind="learn")
    with pytest.raises(UserError, match=r"but 1 learn; score a dictionary with `tacit mea"):
        tacit.board(tmp_path / "runs", out=tmp_path / "board")
    assert not (tmp_path / "board").exists()
