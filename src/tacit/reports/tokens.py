"""How a context is written: every token readable, coloured by how strongly a feature acts.

Text of a corpus is hostile until escaped: markup, control characters and marks that reorder
text are all made visible.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from markupsafe import Markup, escape

_NEWLINE = Markup('<span class="n"></span>')
_TAB = Markup('<span class="t"></span>')
_SPECIAL = re.compile(r"\r\n|[\n\t]| {2,}|(?<=\n) ")
_UNSEEN = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}


def name_unseen(text: str) -> str:
    """Return the text with characters that draw nothing, or reorder text, written as U+XXXX."""
    return "".join(
        f"‹U+{ord(letter):04X}›"
        if letter not in "\n\t" and unicodedata.category(letter) in _UNSEEN
        else letter
        for letter in text
    )


def inline(token: str) -> str:
    """Return a token on one line: spaces at its ends as ␣, line ends as ↵, tabs as →."""
    core = token.strip(" ")
    left = len(token) - len(token.lstrip(" "))
    right = len(token) - left - len(core)
    shown = "␣" * left + core + "␣" * right
    shown = shown.replace("\r\n", "↵").replace("\n", "↵").replace("\t", "→")
    return name_unseen(shown) or "(empty)"


def _visible(text: str) -> Markup:
    """Return escaped text with line ends, tabs and runs of spaces marked but still there."""
    parts: list[str] = []
    end = 0
    for found in _SPECIAL.finditer(text):
        parts.append(escape(name_unseen(text[end : found.start()])))
        mark = found.group()
        if mark == "\t":
            parts.append(_TAB + "\t")
        elif mark.startswith(" "):
            parts.append(Markup('<span class="s">{}</span>').format(mark))
        else:
            parts.append(_NEWLINE + "\n")
        end = found.end()
    parts.append(escape(name_unseen(text[end:])))
    return Markup("").join(parts)


def coloured(
    tokens: Sequence[str],
    values: Sequence[float],
    peak: int | None,
    largest: float,
    predicted: Sequence[float] | None = None,
) -> Markup:
    """Return a context with each active token on a ground of opacity ``|value| / largest``.

    The token at ``peak`` is outlined; a token's exact value is its title; negative values, of
    methods whose codes are signed, get the second hue. ``predicted``, on the scale of the values,
    is drawn as a line below, as opaque as it is large. ``largest`` is positive.
    """
    parts: list[str] = []
    silent: list[str] = []
    guesses = [0.0] * len(tokens) if predicted is None else predicted
    for index, (token, value, guess) in enumerate(
        zip(tokens, values, guesses, strict=True)
    ):
        if not value and not guess and index != peak:
            silent.append(token)
            continue
        parts.append(_visible("".join(silent)))
        silent = []
        is_of = {"p": index == peak, "m": value < 0, "u": bool(guess)}
        kind = " ".join(name for name, holds in is_of.items() if holds)
        line = f";--b:{_opacity(guess, largest)}" if guess else ""
        said = (
            f"{value:.4g}" if predicted is None else f"{value:.4g}; predicted {guess:.4g}"
        )
        opening = Markup('<mark class="{}"').format(kind) if kind else Markup("<mark")
        parts.append(
            opening
            + Markup(' style="--a:{}{}" title="{}">{}</mark>').format(
                _opacity(value, largest), line, said, _visible(token)
            )
        )
    parts.append(_visible("".join(silent)))
    return Markup("").join(parts)


def _opacity(value: float, largest: float) -> str:
    return f"{abs(value) / largest:.2f}".lstrip("0") or "0"
