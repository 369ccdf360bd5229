import json
import re
import shutil
from html import unescape
from html.parser import HTMLParser

import pytest

from reports.feature_rows import features
from reports.run_folder import MANIFEST, small, write_table
from reports.run_pages import pages, records
from tacit.base.errors import UserError
from tacit.base.pages import Features, Headline, Page, Plot, Table, read_pages, write_pages
from tacit.base.records import Claim, Gap, write_records
from tacit.reports import render_report
from tacit.reports.numbers import measured

VOID = {"meta", "link", "input", "br"}


def words(page):
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())


class Outline(HTMLParser):
    """Collects headings, ids and links, and checks that tags are balanced."""

    def __init__(self, page):
        super().__init__()
        self.levels, self.ids, self.links, self.open = [], [], [], []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.ids += [given["id"]] if "id" in given else []
        self.links += [given["href"][1:]] if given.get("href", "").startswith("#") else []
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_well_formed_with_headings_in_order(page):
    outline = Outline(page)
    assert outline.levels[0] == 1
    assert outline.levels.count(1) == 1
    steps = zip(outline.levels, outline.levels[1:], strict=False)
    assert all(after - before <= 1 for before, after in steps)


def test_every_id_is_unique_and_every_link_leads_somewhere(page):
    outline = Outline(page)
    assert len(outline.ids) == len(set(outline.ids))
    assert set(outline.links) - set(outline.ids) == set()


def test_every_record_stands_with_its_n_and_interval_or_its_reason(page):
    text = words(page)
    for record in records():
        found = record.measured if isinstance(record, Claim) else record
        if isinstance(found, Gap):
            assert f"not measured: {found.reason}" in text
            continue
        said = measured(found)
        assert said.value in text
        assert said.interval in text or found.interval is None
    for entry in (e for p in pages() for b in p.blocks if isinstance(b, Headline)
                  for e in b.results):  # fmt: skip
        record = records()[entry["result"]]
        if not isinstance(record, Gap):
            said = measured(record)
            assert f"{said.interval} {said.n}" in text
        assert entry["meaning"] in text


def test_claims_stand_beside_what_was_measured(page):
    text = words(page[page.index('id="claims"') :])
    for claim in (record for record in records() if isinstance(record, Claim)):
        assert claim.published in text
        assert f"Rule: {claim.rule}" in text
        assert claim.judgement in text


def test_plots_tables_captions_and_facts_are_on_the_page(page):
    text = words(page)
    for block in (block for p in pages() for block in p.blocks):
        if isinstance(block, Plot | Table | Features):
            assert block.title in text
            assert block.caption in text
    assert page.count('class="chart"') == 4
    assert page.count('<article class="card"') == 40
    assert page.count('<p class="where">') == 40 * 24
    assert "Base rate 4.30 %" in text
    assert "Contexts from the band 0.5 to 0.75 of the largest value (4)" in text


def test_provenance_names_seed_versions_files_and_limits(page):
    text = words(page)
    assert "Seed 7" in text
    assert "fit.steps 4000 passed" in text
    assert "fit.block_rows 4096 default" in text
    assert "versions.torch 2.13.0" in text
    assert re.search(r"results\.json [0-9a-f]{64}", text)
    assert re.search(r"artifacts/contexts\.parquet [0-9a-f]{64}", text)
    assert "One subject was studied, with one tokenizer." in text


def test_the_same_files_give_the_same_bytes(run):
    once = render_report(run).read_bytes()
    assert render_report(run).read_bytes() == once


def test_the_page_asks_for_nothing_outside_itself(page):
    assert page.startswith("<!doctype html>")
    assert not re.search(r'(src|href)="(?!#|data:)', page)
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)


def test_markup_in_names_tokens_and_words_is_text(run):
    evil = "<script>alert('x')</script><img src=x onerror=alert(1)>"
    facts, contexts = features(2)
    facts[0] |= {"heading": evil, "label": evil, "promotes": [evil]}
    contexts[0] |= {"document": evil}
    contexts[0]["tokens"][3] = evil
    write_table(run / "artifacts/facts.parquet", facts)
    write_table(run / "artifacts/contexts.parquet", contexts)
    write_records(run / "results.json", [Gap(name=evil, reason=evil, of={evil: evil})])
    plain = {**MANIFEST, "configuration": {evil: evil}, "seed": evil, "commit": evil}
    (run / "manifest.json").write_text(json.dumps(plain))
    small(run)
    (found,) = read_pages(run / "artifacts/pages.json")
    table = Table(
        table="artifacts/facts.parquet",
        columns=(("heading", evil),),
        title=evil,
        caption=evil,
    )
    write_pages(
        run / "artifacts/pages.json", [Page(title=evil, blocks=(*found.blocks, table))]
    )
    page = render_report(run).read_text()
    assert page.count("<script") == 1
    assert "<img" not in page
    assert page.count("&lt;script&gt;") >= 14
    Outline(page)


def test_what_was_not_measured_of_a_feature_is_said(run):
    facts, contexts = features(1)
    blank = dict.fromkeys(facts[0], None) | {"feature": 17}
    write_table(run / "artifacts/facts.parquet", [blank])
    write_table(run / "artifacts/contexts.parquet", contexts[:1])
    text = words(render_report(small(run)).read_text())
    assert "Density not measured Largest value not measured Label none measured" in text


def test_an_explanation_stands_with_its_scores_and_contexts_open(run):
    facts, contexts = features(1)
    for row in contexts[:2]:
        row |= {"kind": "speaks against it", "predicted": [0.0] * len(row["tokens"])}
    contexts[0]["predicted"][3] = 2 * facts[0]["max_value"]
    contexts = [{"predicted": None, **row} for row in contexts[:3]]
    said = {"label": None, "explanation": "<b>brackets</b>", "figures": ["detection: 0.9"]}
    write_table(run / "artifacts/facts.parquet", [facts[0] | said])
    write_table(run / "artifacts/contexts.parquet", contexts)
    page = render_report(small(run)).read_text()
    assert "<blockquote>&lt;b&gt;brackets&lt;/b&gt;</blockquote>" in page
    assert '<ul class="scores"><li>detection: 0.9</li></ul>' in page
    assert "<h5>Speaks against it</h5>" in page  # not behind a summary
    assert "none measured" not in page
    assert (
        'class="u" style="--a:.00;--b:1.00"' in page
    )  # the largest of both is drawn in full
    assert "A line below</mark> is what an explanation" in page
    Outline(page)


def test_tables_without_rows_are_said_to_be_empty(run):
    for name in ("facts", "contexts", "frontier"):
        write_table(run / f"artifacts/{name}.parquet", [])
    text = words(render_report(run).read_text())
    assert "There are no rows in artifacts/frontier.parquet." in text
    assert text.count("There is nothing to draw") == 4


def test_a_long_table_shows_its_first_rows_and_says_so(run):
    rows = [{"row": place, "value": 0.5} for place in range(1234)]
    write_table(run / "artifacts/long.parquet", rows)
    block = Table(
        table="artifacts/long.parquet",
        columns=(("row", "Row"), ("value", "Value")),
        title="Long",
        caption="C.",
    )
    write_pages(run / "artifacts/pages.json", [Page(title="P", blocks=(block,))])
    page = render_report(run).read_text()
    notice = (
        "The first 200 of 1,234 rows are shown. All of them are in artifacts/long.parquet."
    )
    assert notice in page


def test_a_large_page_keeps_fewer_contexts_and_says_how_many(run):
    full = len(render_report(small(run)).read_bytes())
    bound = full * 2 // 3
    page = render_report(run, most_bytes=bound).read_text()
    assert len(page.encode()) <= bound
    kept = page.count('<p class="where">')
    assert 0 < kept < 144
    assert f"this page shows {kept} of 144 contexts, the first of each kind" in words(page)
    assert "All of them are in artifacts/contexts.parquet." in page
    assert page.count('<article class="card"') == 6


def test_a_larger_page_keeps_fewer_features_and_says_how_many(original, tmp_path):
    run = shutil.copytree(original, tmp_path / "run")
    page = render_report(small(run), most_bytes=80_000).read_text()
    assert len(page.encode()) <= 80_000
    kept = page.count('<article class="card"')
    assert 0 < kept < 40
    assert f"this page shows {kept} of 40 features and 0 of 960 contexts" in words(page)


def test_a_page_too_large_without_any_context_is_refused(run):
    with pytest.raises(UserError, match=r"over 0\.0 MB.*Draw fewer"):
        render_report(small(run), most_bytes=10_000)
    assert not (run / "report.html").exists()


def test_links_of_features_without_a_card_are_plain(page):
    assert re.search(r'<a href="#block-2-4-feature-17">17</a>', page)


def test_pages_come_back_as_they_were_written(run):
    assert read_pages(run / "artifacts/pages.json") == pages()


def test_a_histogram_of_any_number_of_bins_fills_its_box(run):
    facts, contexts = features(1)
    write_table(run / "artifacts/facts.parquet", [facts[0] | {"histogram": [3, 0, 1]}])
    write_table(run / "artifacts/contexts.parquet", contexts)
    page = render_report(small(run)).read_text()
    assert 'viewBox="0 0 12 28"' in page
    assert "4 active values in 3 bins" in page


def test_a_partial_run_is_titled_without_its_hidden_name(run):
    hidden = run.rename(run.with_name(".story.partial"))
    page = render_report(small(hidden)).read_text()
    assert "<title>sparse-features: story</title>" in page
