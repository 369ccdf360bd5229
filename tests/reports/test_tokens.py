import re
from html import unescape

from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.reports.tokens import coloured, inline, name_unseen

LETTERS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=6)
TOKENS = st.lists(
    st.one_of(LETTERS, st.sampled_from([" ", "\n", "\n    ", "\t", "<b>", "&amp;"]))
)


def text_of(markup: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", markup))


@settings(deadline=None)  # the first call pays for the patterns it builds
@given(TOKENS, st.data())
def test_nothing_of_the_text_is_lost_or_added(tokens, data):
    values = data.draw(
        st.lists(
            st.sampled_from([0.0, 0.5, -0.2, 1.0]),
            min_size=len(tokens),
            max_size=len(tokens),
        )
    )
    assert text_of(coloured(tokens, values, None, 1.0)) == "".join(tokens)


def test_hostile_tokens_are_text():
    page = coloured(["<script>", "alert(1)", '"', "</pre>"], [1.0, 0.0, 0.5, 0.0], 0, 1.0)
    assert "<script" not in page
    assert "</pre" not in page
    assert "&lt;script&gt;" in page


def test_opacity_is_the_share_of_the_largest_value_and_the_title_is_exact():
    page = coloured(["a", "b", "c"], [0.0, 1.2345, 2.0], 2, 4.0)
    assert page == (
        'a<mark style="--a:.31" title="1.234">b</mark>'
        '<mark class="p" style="--a:.50" title="2">c</mark>'
    )


def test_what_was_predicted_is_a_line_below_also_where_nothing_is_active():
    page = coloured(["a", "b", "c"], [0.0, 1.0, 0.0], 1, 4.0, [0.0, 0.0, 3.0])
    assert page == (
        'a<mark class="p" style="--a:.25" title="1; predicted 0">b</mark>'
        '<mark class="u" style="--a:.00;--b:.75" title="0; predicted 3">c</mark>'
    )


def test_negative_values_have_the_second_hue():
    assert 'class="m" style="--a:.50"' in coloured(["a"], [-1.0], None, 2.0)


def test_line_ends_tabs_and_indentation_are_marked_and_kept():
    page = coloured(["if x:", "\n    ", "\ty", " z"], [0, 0, 0, 0], None, 1.0)
    assert page == (
        'if x:<span class="n"></span>\n<span class="s">    </span>'
        '<span class="t"></span>\ty z'
    )


def test_windows_line_ends_break_once():
    assert coloured(["a\r\nb"], [0.0], None, 1.0) == 'a<span class="n"></span>\nb'


def test_characters_that_hide_or_reorder_text_are_named():
    assert name_unseen("a\u202eb\x00\u200b") == "a‹U+202E›b‹U+0000›‹U+200B›"


def test_a_token_on_one_line_shows_its_spaces():
    assert inline(" self") == "␣self"
    assert inline("\n  ") == "↵␣␣"
    assert inline("   ") == "␣␣␣"
    assert inline("a b\t") == "a b→"
    assert inline("") == "(empty)"
