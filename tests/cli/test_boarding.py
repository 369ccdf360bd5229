"""The board from the command line: in words, as JSON, and refused in a sentence."""

import json

from tacit.verbs.board_tables import COLUMNS
from verbs.measure_runs import make_run


def test_the_command_prints_json_and_words(tmp_path, command):
    make_run(tmp_path / "runs/one")
    ways = ("board", str(tmp_path / "runs"), "--out", str(tmp_path / "board"))
    plain = json.loads(command(*ways, "--json").finished().out)
    assert plain["rows"] == ["one"]
    assert len(plain["records"]) == len(COLUMNS)
    assert "1 dictionaries; left out: nothing" in command(*ways).finished().out


def test_a_folder_without_runs_is_refused_in_a_sentence(tmp_path, command):
    ended = command("board", str(tmp_path), "--out", str(tmp_path / "board"))
    assert ended.code != 0
    assert "is no finished run of `tacit measure`, but nothing of Tacit" in ended.err
