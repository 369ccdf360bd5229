"""No cue of any phrasing passes, however it is spaced, hyphenated or cased."""

import pytest

from tacit.base.errors import UserError
from tacit.organisms.hub.hiding import HIDDEN, check_hidden, hide
from tacit.organisms.hub.wordings import PHRASINGS

EVERY = [(p, cue) for p in PHRASINGS.values() for cue in p.hidden]


@pytest.mark.parametrize(("phrasing", "cue"), EVERY, ids=[cue for _, cue in EVERY])
def test_every_cue_is_found_and_hidden(phrasing, cue):
    for said in (cue, cue.upper(), cue.replace(" ", "\n "), cue.replace(" ", "-")):
        text = f"well, {said}, then"
        with pytest.raises(UserError, match="tier cue"):
            check_hidden(text, phrasing.hidden)
        assert hide(text, phrasing.hidden) == (f"well, {HIDDEN}, then", 1)


def test_other_words_pass_untouched():
    text = "Feel free to plan; what was paid? A carefree tiered cake."
    for phrasing in PHRASINGS.values():
        check_hidden(text, phrasing.hidden)
        assert hide(text, phrasing.hidden) == (text, 0)


def test_a_tag_stuck_to_a_word_is_found():
    with pytest.raises(UserError, match="<plan>free</plan>"):
        check_hidden("x<plan>free</plan>y", PHRASINGS["plan"].hidden)


def test_nothing_to_hide_is_a_mistake():
    with pytest.raises(UserError, match="nothing was given to hide"):
        check_hidden("a", [])
