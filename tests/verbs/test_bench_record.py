"""What ``make bench`` prints stands in the results, with the machine and the versions."""

import datetime
import sys

import pytest
from benchmarks import record


def test_the_block_between_the_marks_is_replaced(tmp_path, monkeypatch, capsys):
    results = tmp_path / "results.md"
    results.write_text(f"# Results\n\n{record.BEGIN}\nold\n{record.END}\n\n## More\n")
    monkeypatch.setattr(record, "RESULTS", results)
    with record.recorded():
        sys.stdout.write("one step: 1.26 products\n")
    assert "1.26 products" in capsys.readouterr().out
    text = results.read_text()
    assert "```\none step: 1.26 products\n```" in text
    assert "old" not in text
    assert text.startswith("# Results\n")
    assert text.endswith("\n\n## More\n")
    assert "torch 2.13.0" in text
    assert "sae-lens" in text.lower()
    record.write("again", datetime.date(2026, 1, 2))
    assert results.read_text().count(record.BEGIN) == 1
    assert "2026-01-02" in results.read_text()


def test_a_run_that_fails_leaves_the_results_alone(tmp_path, monkeypatch):
    results = tmp_path / "results.md"
    results.write_text(f"{record.BEGIN}\nold\n{record.END}\n")
    monkeypatch.setattr(record, "RESULTS", results)
    with pytest.raises(RuntimeError), record.recorded():
        raise RuntimeError
    assert "old" in results.read_text()


def test_the_results_have_their_marks():
    text = record.RESULTS.read_text(encoding="utf-8")
    assert text.index(record.BEGIN) < text.index(record.END)
