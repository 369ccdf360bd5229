"""The pages of scored explanations: how true they are, beside chance and floors, and which."""

from __future__ import annotations

from pathlib import Path

from tacit.base.pages import (
    Features,
    Headline,
    Heatmap,
    Page,
    Plot,
    Table,
    Text,
)
from tacit.base.records import Result
from tacit.verbs.cards import write_table
from tacit.verbs.instruments import instruments_table
from tacit.verbs.score_cards import CONTEXTS, FACTS, LEAST, write_cards
from tacit.verbs.score_figures import Figure
from tacit.verbs.score_tables import (
    agreement_rows,
    cost_rows,
    distribution_rows,
    feature_rows,
    figure_rows,
    missing_rows,
)
from tacit.verbs.score_words import limits_of, opening_of
from tacit.verbs.scored import Scored

TABLES = {
    "figures": figure_rows,
    "missing": missing_rows,
    "cost": cost_rows,
    "features": lambda found: list(feature_rows(found)),
    "distribution": distribution_rows,
    "agreement": agreement_rows,
}
ANY = "any"
"""The figure of simulation on fragments that nothing chose."""
HEADLINES = 4
MEANINGS = {
    "simulation": "Correlation of predicted and true activations on held-out text; 0 is chance.",
    "detection": "How often it is told which held-out texts activate the feature; .5 is chance.",
    "fuzzing": "How often right marks are told from wrong ones; .5 is chance.",
    "contrastive": "Detection among texts that activate the feature's neighbours; .5 is chance.",
    "label": "F1 of the labels named, on every held-out token.",
    "intervention": "How often the text written under the feature is told; .5 is chance.",
}


def pages_of(found: Scored, folder: Path) -> list[Page]:
    """Write the tables of the run ``folder`` and return the pages that draw them."""
    (folder / "artifacts").mkdir(exist_ok=True)
    for name, rows in TABLES.items():
        write_table(folder / _table(name), rows(found))
    write_cards(found, folder)
    glance = (
        opening_of(found),
        _headline(found),
        _figures(found),
        _missing(),
        _instruments(found, folder),
        limits_of(),
    )
    good = (*_distribution(found), _agreement(), _each(found))
    return [
        Page(title="At a glance", blocks=(*glance, *_cost(found))),
        Page(title="How true are the explanations?", blocks=good),
        Page(title="Features", blocks=(_cards(found),)),
    ]


def _table(name: str) -> str:
    return f"artifacts/{name}.parquet"


def _firsts(found: Scored) -> list[Figure]:
    """Return the first figure of each scorer, and simulation's on text that nothing chose."""
    firsts = {figure.scorer: figure for figure in reversed(found.figures)}
    any_kind = [each for each in found.figures if each.figure == ANY]
    chosen = [*firsts.values(), *any_kind]
    return [each for each in found.figures if each in chosen]


def _headline(found: Scored) -> Headline:
    places = {}
    for place, each in enumerate(found.records):
        if isinstance(each, Result) and each.of.get("explainer") == found.explainer:
            places.setdefault((each.of["scorer"], each.of["figure"]), place)
    return Headline(
        results=tuple(
            {
                "result": places[figure.scorer, figure.figure],
                "label": figure.name,
                "meaning": MEANINGS[figure.scorer],
            }
            for figure in _firsts(found)
            if (figure.scorer, figure.figure) in places
        )[:HEADLINES]
    )


def _figures(found: Scored) -> Table:
    columns = [("figure", "score"), ("mean", "mean"), ("chance", "chance")]
    if "random" in found.floors:
        columns += [("random", "another's"), ("over_random", "above it")]
    if "unigram" in found.floors:
        columns += [("unigram", "tokens alone"), ("over_unigram", "above it")]
    columns += [
        ("features", "features"),
        ("without", "no value"),
        ("unanswered", "unanswered"),
    ]
    return Table(
        table=_table("figures"),
        columns=tuple(columns),
        title="Every score, beside chance and floors",
        caption="Means over features with 95 % intervals. Another's: the same features read by the "
        "explanation of another one. Tokens alone: the mean activation on each token of the text "
        "learned from, without any context. What is told above a floor is a mean of differences, "
        "feature by feature. Simulation is on the strongest and random active fragments together, "
        "as published, and on fragments that nothing chose (any). Unanswered: fragments that the "
        "reader said nothing of.",
    )


def _instruments(found: Scored, folder: Path) -> Table | Text:
    """Return what is known of the explainer and the scorers, at the protocol's sizes."""
    protocol = found.shown.protocol
    scorers = [figure.scorer for figure in found.figures]
    sizes = dict.fromkeys(scorers, protocol.scored)
    sizes |= {
        "lexical": protocol.learned,
        "label": len(found.shown.run.index.manifest["documents"]),
    }
    names = [found.explainer, *scorers]
    return instruments_table(names, folder / "artifacts", sizes=sizes)


def _missing() -> Table:
    return Table(
        table=_table("missing"),
        columns=(
            ("what", "what"),
            ("kind", "kind"),
            ("features", "features"),
            ("example", "the first reason"),
        ),
        title="What is missing, and why",
        caption="None of it counts as a score of 0. A scorer that was left out counts as one.",
    )


def _cost(found: Scored) -> tuple[Table, ...]:
    if not cost_rows(found):
        return ()
    return (
        Table(
            table=_table("cost"),
            columns=(
                ("step", "step"),
                ("features", "features"),
                ("read", "tokens read"),
                ("written", "tokens written"),
                ("dollars", "dollars"),
            ),
            title="What it cost",
            caption="All calls together. Without dollars the price of the model is not known.",
        ),
    )


def _distribution(found: Scored) -> tuple[Plot, ...]:
    if found.main is None:
        return ()
    return (
        Plot(
            table=_table("distribution"),
            kind="histogram",
            x="value",
            group="explainer",
            x_label=found.main.name,
            y_label="features",
            title="How many features are explained how well",
            caption="A mean hides that some are explained well and others not at all. The floors "
            "stand beside it.",
        ),
    )


def _agreement() -> Heatmap:
    return Heatmap(
        table=_table("agreement"),
        row="one",
        column="other",
        value="correlation",
        row_label="scorer",
        column_label="rank correlation over features",
        title="Do the scorers agree?",
        caption="Spearman's correlation of the first figure of each. Where two scorers disagree, "
        "at least one does not measure what makes an explanation true.",
    )


def _each(found: Scored) -> Table:
    firsts = _firsts(found)
    return Table(
        table=_table("features"),
        columns=(
            ("feature", "feature"),
            ("explanation", "explanation"),
            *((each.name, _short(each)) for each in firsts),
        ),
        link="feature",
        title="Every explanation",
        caption="The best by the first score are above.",
    )


def _short(figure: Figure) -> str:
    """Return the heading of a narrow column."""
    return "on any text" if figure.figure == ANY else figure.scorer


def _cards(found: Scored) -> Features:
    main = found.main.name if found.main else "any score"
    return Features(
        facts=FACTS,
        contexts=CONTEXTS,
        title="A sample of features, with what speaks for and against each explanation",
        caption=f"A quarter of these are the best by {main}, a quarter lie in the middle, a "
        "quarter are the worst, and the others were drawn at random. Every context is text that "
        "the explainer did not see. The ground of a token is the feature's activation, the line "
        "under it what was predicted from the explanation, both as shares of their largest. "
        f"A context speaks against an explanation where the two differ by {LEAST} or more; a "
        "feature without such a group has none among the fragments scored.",
    )
