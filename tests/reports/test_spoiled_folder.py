import re
from dataclasses import replace

import pytest

from reports.feature_rows import features
from reports.run_folder import small, write_table
from reports.run_pages import pages
from tacit.base.errors import UserError
from tacit.base.pages import Features, Headline, Page, write_pages
from tacit.reports import render_report


@pytest.mark.parametrize(
    "name",
    [
        "manifest.json",
        "results.json",
        "artifacts/pages.json",
        "artifacts/frontier.parquet",
        "artifacts/contexts.parquet",
    ],
)
def test_a_missing_or_damaged_file_is_named(run, name):
    (run / name).write_bytes(b"not what it was")
    with pytest.raises(UserError, match=re.escape(name)):
        render_report(run)
    (run / name).unlink()
    with pytest.raises(UserError, match=re.escape(name.split("/")[-1])):
        render_report(run)
    assert not (run / "report.html").exists()


def test_no_folder_is_told(tmp_path):
    with pytest.raises(UserError, match="no run folder at .*nowhere"):
        render_report(tmp_path / "nowhere")


def spoil(run, **changes):
    """Change the first feature block of the pages."""
    block = next(b for p in pages() for b in p.blocks if isinstance(b, Features))
    spoiled = Page(title="P", blocks=(replace(block, **changes),))
    write_pages(run / "artifacts/pages.json", [spoiled])
    return run


def test_a_table_without_a_column_is_named_with_its_column(run):
    with pytest.raises(
        UserError, match=r"column of .*frontier.parquet is called 'feature'"
    ):
        render_report(spoil(run, facts="artifacts/frontier.parquet"))


def test_a_table_outside_the_run_is_refused(run):
    write_table(run.parent / "other.parquet", [{"feature": 1}])
    with pytest.raises(UserError, match="outside the run"):
        render_report(spoil(run, facts="../other.parquet"))


def test_a_headline_of_no_record_is_told(run):
    entry = {"result": 99, "label": "l", "meaning": "m"}
    write_pages(
        run / "artifacts/pages.json",
        [Page(title="P", blocks=(Headline(results=(entry,)),))],
    )
    with pytest.raises(UserError, match="result 99 of .*which holds 8"):
        render_report(run)


def test_contexts_that_contradict_their_facts_are_told(run):
    facts, contexts = features(2)
    write_table(run / "artifacts/facts.parquet", facts[:1])
    write_table(run / "artifacts/contexts.parquet", contexts)
    with pytest.raises(UserError, match="contexts of feature 40"):
        render_report(small(run))
    contexts[0]["values"] = contexts[0]["values"][:-1]
    write_table(run / "artifacts/facts.parquet", facts)
    write_table(run / "artifacts/contexts.parquet", contexts)
    with pytest.raises(UserError, match="tokens and .* values"):
        render_report(small(run))
