"""The pages of a learn run: what is told, in which order, with which tables beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tacit.activations.store import Store
from tacit.base.pages import (
    Features,
    Headline,
    Limits,
    Opening,
    Page,
    Plot,
)
from tacit.base.records import Record, Result
from tacit.features.agreement import LabelAgreement
from tacit.features.index import Index
from tacit.verbs.cards import write_table
from tacit.verbs.frontier import find, frontier_rows, quality_blocks
from tacit.verbs.instruments import instruments_table
from tacit.verbs.label_story import label_blocks
from tacit.verbs.settings import LearnSettings


@dataclass(frozen=True, kw_only=True)
class Findings:
    """All that a learn run found, on its way to the page."""

    settings: LearnSettings
    store: Store
    index: Index
    records: Sequence[Record]
    agreement: LabelAgreement | None
    main: Mapping[str, str | int | float]
    """Coordinates of the main dictionary's records."""
    main_name: str
    """The main dictionary in words, e.g. ``TopK with 1,024 atoms, 32 active``."""
    ended: str
    """What the fits say of themselves: vectors, iterations, whether they converged."""
    num_steps: int
    cards: tuple[str, str]
    """Tables of facts and contexts."""
    unpromoted: str | None
    """Why no promoted tokens are shown; None where they are."""


def pages_of(found: Findings, artifacts: Path) -> list[Page]:
    """Write the tables under ``artifacts`` and return the pages that draw them."""
    frontier = frontier_rows(found.records)
    write_table(artifacts / "frontier.parquet", frontier)
    density = [
        {"feature": feature, "density": share}
        for feature, share in enumerate(found.index.features.column("density").to_pylist())
        if share > 0
    ]
    write_table(artifacts / "density.parquet", density)
    pages = [
        Page(
            title="At a glance", blocks=(_opening(found), _headline(found), _limits(found))
        ),
        Page(
            title="How good is the dictionary?",
            blocks=quality_blocks(frontier, found.ended),
        ),
        Page(title="How often do features fire?", blocks=(_density(found, len(density)),)),
    ]
    if found.agreement is not None:
        pages.append(
            Page(
                title="Do features mean something?",
                blocks=(
                    *label_blocks(found.agreement, artifacts),
                    instruments_table(
                        ["agreement"],
                        artifacts,
                        sizes={"agreement": len(found.store.documents)},
                    ),
                ),
            )
        )
    pages.append(Page(title="Features", blocks=(_features(found),)))
    return pages


_OF_WINDOWS = {
    "split": "",
    "packed": ", filled with one document after another",
    "documents": ", the first of each document alone",
}


def _opening(found: Findings) -> Opening:
    settings, made = found.settings, found.store.manifest
    configuration = made["configuration"]
    left_out = found.store.num_tokens - found.index.num_rows
    return Opening(
        title=f"What {configuration['subject']} represents at {settings.site}",
        setting=(
            f"The model {configuration['subject']} read {found.store.num_tokens:,} tokens of "
            f"{configuration['text']} ({len(found.store.documents):,} documents, windows of "
            f"{configuration['context_tokens']} tokens"
            f"{', each opened by a BOS token' if configuration['prepend_bos'] else ''}"
            f"{_OF_WINDOWS[configuration['windows']]}). What "
            f"flowed at {settings.site}, {found.store.width(settings.site)} numbers a token, was "
            f"recorded, and a dictionary was fitted to it: {found.main_name}, in "
            f"{found.num_steps:,} steps of {settings.fit.batch:,} tokens, seed {settings.seed}.\n\n"
            "A dictionary is a list of directions, its atoms. It rewrites each recorded vector as "
            "a sum of a few of them; a direction with what is known of it is called a feature. "
            "All figures are from documents that the dictionary was not fitted on"
            f"{'' if made['split'] == 'documents' else ' (here: windows, as there are too few)'}, "
            "with 95 % intervals over those documents (agreement with labels: over the labels). "
            f"{left_out:,} positions (special tokens, "
            "and vectors of extreme norm) took no part in fit and measure."
        ),
    )


def _shown(records: Sequence[Record], of: str) -> str:
    """Return the mean F1 of the best features, or of the best random directions, as text."""
    place = find(records, "f1", {"of": of})
    result = records[place] if place is not None else None
    return f"{result.value:.3f}" if isinstance(result, Result) else "nothing"


def _headline(found: Findings) -> Headline:
    at = {**found.main, "positions": "usable"}
    wanted = (
        ("fvu", at, "variance unexplained", "Share of the site's variance that the dictionary "
         "misses; 0 is exact, 1 is no better than the mean."),
        ("l0", at, "active features a token", "How many features describe a token, on average."),
        ("loss_recovered", {**at, "against": "zero"}, "loss recovered",
         "How much of the model's prediction survives when the site is replaced by the "
         "reconstruction; 1 is all, 0 is what deleting the site leaves."),
        ("dead_share", at, "dead features", "Share of features that never fired on held-out text."),
        ("f1", {"of": "best features"}, "agreement with known labels",
         "Mean over labels of the best feature's F1 on held-out text. The best of as many random "
         f"directions as the site is wide scores {_shown(found.records, 'random basis')}."),
    )  # fmt: skip
    cards = [
        {"result": place, "label": label, "meaning": meaning}
        for name, of, label, meaning in wanted
        if (place := find(found.records, name, of)) is not None
    ]
    return Headline(results=tuple(cards))


def _density(found: Findings, num_alive: int) -> Plot:
    silent = found.index.num_atoms - num_alive
    return Plot(
        table="artifacts/density.parquet",
        kind="histogram",
        x="density",
        log_x=True,
        x_label="share of tokens on which a feature fires",
        y_label="features",
        title="Density of features",
        caption=f"Of {found.index.num_atoms:,} features {silent:,} never fired on any of the "
        f"{found.index.num_rows:,} tokens and are not drawn. Features far to the right fire on "
        "almost everything and rarely mean one thing.",
    )


def _features(found: Findings) -> Features:
    return Features(
        facts=found.cards[0],
        contexts=found.cards[1],
        title="Where features fire",
        caption="Half of these features were chosen for their agreement with a label (at most two "
        "a label), the others were drawn at random, so that the page is no display of the best. "
        "Tokens are coloured by activation, and the outlined token is the firing. Promoted tokens "
        "are those whose logits the feature raises directly, later layers left out.",
    )


def _limits(found: Findings) -> Limits:
    subject = found.store.manifest["configuration"]["subject"]
    items = [
        f"Everything here is about {subject} at {found.settings.site} on this text; another "
        "site, seed or text can give other features.",
        "A label that a feature agrees with is a correlation on this text, not proof that the "
        "model uses the feature for it; ablate the feature to test that.",
        "One seed was fitted: intervals are over documents, not over dictionaries.",
        "Promoted tokens leave out what later layers do with a feature."
        if found.unpromoted is None
        else f"Tokens that a feature promotes are not shown: {found.unpromoted}.",
    ]
    if subject == "pycode":
        items.append("pycode is a micro model: it can show a mechanism, never a claim about "
                     "large models.")  # fmt: skip
    return Limits(items=tuple(items))
