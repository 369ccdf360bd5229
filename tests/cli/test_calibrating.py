"""``tacit calibrate`` finds error rates, lists instruments, and says what was not understood."""

import json

import pytest

WORDS = ("calibrate", "detection", "--sizes", "5,20", "--repeats", 3)


def test_error_rates_are_found_and_reported(command, tmp_path):
    out = tmp_path / "run"
    lines = command(*WORDS, "--out", out, "--quiet").finished().out.splitlines()
    assert lines[0] == f"report: {out / 'report.html'}"
    assert [line.split()[0] for line in lines[1:]] == ["power", "false_alarm_rate"] * 2
    plain = json.loads(command(*WORDS, "--out", out, "--json").finished().out)
    assert {each["of"]["size"] for each in plain["records"]} == {5, 20}


def test_instruments_are_listed(command):
    found = command("list", "instruments").finished().out
    assert "detection" in found
    assert "scorer: is the feature active anywhere in this text?" in found


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "name the instruments to calibrate"),
        (("detection", "--all"), "name the instruments to calibrate"),
        (("tarot",), "no instrument is called 'tarot'"),
        (("detection", "--sizes", "few"), "--sizes takes whole numbers"),
        (("detection", "--repeats", 1), "repeats"),
    ],
)
def test_what_is_not_understood_is_told(command, tmp_path, words, told):
    command("calibrate", *words, "--out", tmp_path / "run").refused(told)
