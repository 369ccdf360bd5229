"""The report in a real browser: light, dark and on paper, wide and narrow, with and without JS."""

import shutil
from pathlib import Path

import pytest

from browser.contrast import CONTRAST
from reports.run_folder import build_run_folder, write_table
from tacit.base.pages import Page, Table, write_pages
from tacit.reports import render_report

MEDIA = {
    "light": {"media": "screen", "color_scheme": "light"},
    "dark": {"media": "screen", "color_scheme": "dark"},
    "print": {"media": "print", "color_scheme": "dark"},
}
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ENOUGH_CONTRAST, ENOUGH_FOR_SHAPES = 4.5, 3.0
TEXTS = (
    "mark",
    ".chips code",
    "pre",
    ".where",
    "p",
    "h1, h2, h3, h4, h5",
    "th, td",
    "dt, dd",
    "figcaption",
    "summary",
    ".judgement",
    ".source",
    ".toc a",
    "label",
    "button",
    ".chart text",
    ".of",
    ".unit",
)


@pytest.fixture(scope="module")
def browser():
    """Chromium, from the system or from playwright; it never reaches for the network."""
    api = pytest.importorskip(
        "playwright.sync_api", reason="needs playwright: pip install 'tacit[dev]'"
    )
    with api.sync_playwright() as playwright:
        own = playwright.chromium.executable_path
        found = shutil.which("chromium") or (own if Path(own).exists() else None)
        if found is None:
            pytest.skip("needs Chromium: apt-get install chromium, or playwright install")
        opened = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return render_report(build_run_folder(tmp_path_factory.mktemp("run"), num_features=12))


@pytest.fixture
def visit(browser, report):
    """Open the report as asked; at the end nothing was complained of, nothing asked for."""
    contexts, wrong = [], []

    def opened(medium="light", *, width=1000, script=True, of=report):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, java_script_enabled=script
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: wrong.append(request.url))
        page.emulate_media(**MEDIA[medium])
        page.goto(of.as_uri())
        wrong.remove(of.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [url for url in wrong if not url.startswith("data:")] == []


@pytest.mark.parametrize("medium", MEDIA)
def test_every_heading_is_seen(visit, medium):
    page = visit(medium)
    headings = page.locator("h1, h2, h3, h4")
    assert headings.count() >= 1 + 7 + 6 + 12
    for heading in headings.all():
        assert heading.is_visible()


@pytest.mark.parametrize("medium", MEDIA)
def test_text_stands_out_from_its_ground(visit, medium):
    page = visit(medium)
    page.evaluate(
        "document.querySelectorAll('details').forEach((one) => { one.open = true })"
    )
    for selector in TEXTS:
        ratios = page.evaluate(CONTRAST, selector)
        assert ratios, selector
        assert min(ratios) >= ENOUGH_CONTRAST, selector
    lines = ".legend svg"
    assert (
        min(page.evaluate(CONTRAST.replace('"fill"', '"color"'), lines))
        >= ENOUGH_FOR_SHAPES
    )


@pytest.mark.parametrize("medium", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 1000, 400])
def test_the_page_never_scrolls_sideways(visit, medium, width):
    page = visit(medium, width=width)
    page.evaluate(
        "document.querySelectorAll('details').forEach((one) => { one.open = true })"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    outside = "[...document.querySelectorAll('pre, .card, p')].filter((one) => "
    outside += f"one.getBoundingClientRect().right > {width}).length"
    assert page.evaluate(outside) == 0


def test_light_and_dark_differ_and_paper_is_white(visit):
    colour = "getComputedStyle(document.body).backgroundColor"
    light, dark, paper = (visit(medium).evaluate(colour) for medium in MEDIA)
    assert light != dark
    assert paper == "rgb(255, 255, 255)"
    page = visit("light")
    page.locator("#theme").click()
    assert page.evaluate(colour) == dark
    page.locator("#theme").click()
    assert page.evaluate(colour) == light


def test_charts_take_the_colours_of_the_page(visit):
    axis = "getComputedStyle(document.querySelector('.chart text')).fill"
    ink = "getComputedStyle(document.body).color"
    for medium in MEDIA:
        page = visit(medium)
        assert page.evaluate(axis) == page.evaluate(ink)


def test_features_are_found_by_word_number_and_label(visit):
    page = visit()
    cards = page.locator(".card:visible")
    assert cards.count() == 12
    page.locator(".find").fill("40")
    assert page.locator(".card:visible h4").all_text_contents()[0] == "Feature 40"
    page.locator(".find").fill("no such word")
    assert cards.count() == 0
    assert page.locator(".count").text_content() == "0 of 12 features"
    page.locator(".find").fill("")
    page.locator(".by-label").select_option("comment")
    assert set(page.locator(".card:visible .tag").all_text_contents()) == {"comment"}
    assert page.locator(".count").text_content() == "2 of 12 features"


def test_features_are_ordered_and_opened_as_asked(visit):
    page = visit()
    page.locator(".order").select_option("value")
    order = "[...document.querySelectorAll('.card')].map((one) => +one.dataset.value)"
    values = page.evaluate(order)
    assert values == sorted(values, reverse=True)
    page.locator(".order").select_option("place")
    assert page.locator(".card h4").first.text_content() == "Feature 17"
    page.locator(".open").click()
    assert page.locator(".card pre:visible").count() == 12 * 24


def test_a_link_to_a_hidden_feature_shows_it(visit):
    page = visit()
    page.locator(".find").fill("no such word")
    page.locator("#block-1-5 tbody a").first.click()
    page.wait_for_function("!document.querySelector('.card').hidden")


def test_the_page_reads_without_scripts(visit):
    page = visit(script=False)
    assert not page.locator(".tools").first.is_visible()
    assert not page.locator("#theme").is_visible()
    assert page.locator(".card:visible").count() == 12
    page.locator(".card summary").first.click()
    assert page.locator(".card pre:visible").count() > 12 * 4


def test_paper_has_no_tools_and_keeps_the_colours_of_tokens(visit):
    page = visit("print")
    for selector in (".tools", ".toc", "#theme"):
        assert not page.locator(selector).first.is_visible()
    adjust = "getComputedStyle(document.querySelector('.card mark')).printColorAdjust"
    assert page.evaluate(adjust) == "exact"


def test_the_peak_is_outlined_and_opacity_follows_the_value(visit):
    page = visit()
    marks = page.locator(".card").first.locator("pre").first.locator("mark")
    found = marks.evaluate_all(
        "(all) => all.map((one) => [Number(one.title), getComputedStyle(one).outlineStyle, "
        "Number((getComputedStyle(one).backgroundColor.match(/[\\d.]+/g) || [])[3] ?? 1)])"
    )
    largest = max(value for value, _, _ in found)
    assert [value for value, outline, _ in found if outline == "solid"] == [largest]
    for value, _, opacity in found:
        assert opacity == pytest.approx(value / largest, abs=0.01)


@pytest.fixture(scope="module")
def sortable(tmp_path_factory):
    """A report of one table that can be sorted, one of whose values is missing."""
    folder = build_run_folder(tmp_path_factory.mktemp("sortable"), num_features=2)
    rows = [
        {"name": name, "words": words, "value": value}
        for name, words, value in (
            ("b", "9.0 (8 to 10)", 9.0),
            ("a", None, None),
            ("c", "10.0 (9 to 11)", 10.0),
            ("d", "−1.0 (−2 to 0)", -1.0),
        )
    ]
    write_table(folder / "artifacts/rows.parquet", rows)
    table = Table(
        table="artifacts/rows.parquet",
        columns=(("name", "Name"), ("words", "Value")),
        sortable=True,
        sort_by=(("words", "value"),),
        title="T",
        caption="C",
    )
    write_pages(folder / "artifacts/pages.json", [Page(title="P", blocks=(table,))])
    return render_report(folder)


def test_a_heading_sorts_by_numbers_and_what_is_missing_stays_last(visit, sortable):
    page = visit(of=sortable)
    names = page.locator(".sortable tbody th")
    assert names.all_text_contents() == ["b", "a", "c", "d"]
    heading = page.locator(".sortable thead th").nth(1)
    heading.locator("button").click()
    assert names.all_text_contents() == ["d", "b", "c", "a"]
    assert heading.get_attribute("aria-sort") == "ascending"
    heading.locator("button").click()
    assert names.all_text_contents() == ["c", "b", "d", "a"]
    assert heading.get_attribute("aria-sort") == "descending"


def test_the_keyboard_sorts_too_and_one_heading_is_marked(visit, sortable):
    page = visit(of=sortable)
    page.locator(".sortable thead button").nth(1).click()
    page.locator(".sortable thead button").first.focus()
    page.keyboard.press("Enter")
    assert page.locator(".sortable tbody th").all_text_contents() == ["a", "b", "c", "d"]
    assert page.locator("[aria-sort]").count() == 1


def test_without_scripts_a_sortable_table_has_plain_headings(visit, sortable):
    page = visit(of=sortable, script=False)
    assert page.locator(".sortable thead").inner_text().split() == ["Name", "Value"]
    assert page.locator(".sortable button").count() == 0


@pytest.mark.parametrize("medium", MEDIA)
def test_the_headings_that_sort_stand_out_from_their_ground(visit, sortable, medium):
    page = visit(medium, of=sortable)
    assert min(page.evaluate(CONTRAST, ".sortable th, .sortable td")) >= ENOUGH_CONTRAST


@pytest.mark.slow
def test_the_whole_page_prints(visit, tmp_path):
    page = visit("print")
    page.pdf(path=tmp_path / "report.pdf", format="A4")
    assert (tmp_path / "report.pdf").stat().st_size > 50_000
