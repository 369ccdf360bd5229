"""The pages of one feature's case: its figures beside its rivals', then picture by picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tacit.base.pages import (
    Block,
    Headline,
    Heatmap,
    Limits,
    Opening,
    Page,
    Plot,
    Table,
    Text,
)
from tacit.base.records import Gap, Result
from tacit.dictionaries.dictionary import Dictionary
from tacit.reports.numbers import measured
from tacit.verbs.cards import write_table
from tacit.verbs.feature_figures import CHANGES, FIGURES, PROMOTED, Arm
from tacit.verbs.feature_tables import STRONG_NATS, Setting
from tacit.verbs.frontier import shown_name

COMPARED, TENTHS = "artifacts/compared.parquet", "artifacts/tenths.parquet"
MEANINGS = {
    "density": ("active", "Share of positions where it is active."),
    "f1": ("F1 for its own tokens", "How well being active tells the tokens that stand where it is "
           "strongly active in training text."),
    "token_purity": ("purity", "Share of its own tokens in the four highest tenths of its range."),
    "ablation_rise": ("price of ablating it", "Mean rise of the next token's loss where it is "
                      "active on its own tokens."),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Told:
    """All that was found of a feature, on its way to the page."""

    subject: str
    feature: int
    dictionary: Dictionary
    setting: Setting
    arms: Sequence[Arm]
    """The feature first."""

    @property
    def own(self) -> str:
        """The feature's own tokens in words."""
        return ", ".join(self.setting.named(self.setting.own)) or "none"


def pages_of(told: Told, partial: Path) -> list[Page]:
    """Write the tables that arms share and return the pages that draw everything."""
    write_table(partial / COMPARED, [_row(arm) for arm in told.arms])
    tenths = [
        {"arm": arm.name, **row}
        for arm in told.arms
        for row in arm.tables.get("tenths", [])
    ]
    write_table(partial / TENTHS, tenths)
    numbered = list(enumerate(told.arms))
    shares: tuple[Block, ...] = (_tenths(told),) if tenths else ()
    return [
        Page(
            title="At a glance",
            blocks=(_opening(told), _headline(told), _compared(told), _limits(told)),
        ),
        Page(
            title="On which tokens is it active?",
            blocks=shares + tuple(_histogram(number, arm) for number, arm in numbered),
        ),
        Page(
            title="What changes without it?",
            blocks=tuple(b for number, arm in numbered for b in _changes(number, arm)),
        ),
        Page(
            title="Which tokens does its direction promote?",
            blocks=tuple(_promoted(number, arm) for number, arm in numbered),
        ),
    ]


def _row(arm: Arm) -> dict[str, str | int]:
    """Return an arm's figures in words."""
    found = {each.name: each for each in arm.records}
    return {
        "arm": arm.name,
        "which": arm.which,
        "positions": arm.positions,
        **{name: in_words(found[name]) for name in FIGURES},
        "chosen": arm.chosen,
    }


def in_words(record: Result | Gap) -> str:
    """Return a result with its interval and n, or a dash where there is none."""
    if isinstance(record, Gap):
        return "–"
    told = measured(record)
    ends = told.interval.removeprefix("95 % interval ")
    return f"{told.value} {told.unit} ({ends}; {told.n})".replace("  ", " ")


def _opening(told: Told) -> Opening:
    windows, dictionary = told.setting.windows, told.dictionary
    return Opening(
        title=f"Feature {told.feature} of {told.subject} at {told.setting.site}",
        setting=(
            f"Feature {told.feature} is one of the {dictionary.num_atoms:,} directions of a "
            f"dictionary ({shown_name(dictionary.method)}, seed {dictionary.seed}). It was looked "
            f"at on {len(windows.ids):,} windows of held-out text ({int(windows.usable.sum()):,} "
            f"usable positions; {windows.num_left_out:,} held-out windows were left out). Its own "
            "tokens are the commonest where it is strongly active in training text: "
            f"{told.own}.\n\n"
            "Beside it stands the neuron that is nearest to its direction and, unless it was "
            "switched off, the best match in a dictionary of the same architecture with random "
            "weights. What these show as well is no finding about the feature. Ablated means: its "
            "own part is taken out wherever it is active, all at once. Intervals are over "
            "documents."
        ),
    )


def _headline(told: Told) -> Headline:
    results = tuple(
        {
            "result": place,
            "label": MEANINGS[each.name][0],
            "meaning": MEANINGS[each.name][1],
        }
        for place, each in enumerate(told.arms[0].records)
        if isinstance(each, Result)
    )
    return Headline(results=results)


def _compared(told: Told) -> Table:
    headings = {name: label for name, (label, _) in MEANINGS.items()}
    below = [
        f"{arm.which}: {arm.below_zero:,} positions below zero are ablated and in no histogram"
        for arm in told.arms
        if arm.below_zero
    ]
    return Table(
        table=COMPARED,
        columns=(("arm", "arm"), ("which", "which"), ("positions", "positions"),
                 *headings.items(), ("chosen", "how it was chosen")),
        title="The feature and what it is compared with",
        caption="Held-out text; 95 % intervals over the n documents. A dash is missing, with its "
        f"reason below.{' ' if below else ''}{'; '.join(below)}{'.' if below else ''}",
    )  # fmt: skip


def _tenths(told: Told) -> Plot:
    return Plot(
        table=TENTHS,
        kind="line",
        x="tenth",
        y="share",
        group="arm",
        x_label="tenth of the range of activation",
        y_label="share that are the feature's own tokens",
        title="Own tokens by strength of activation",
        caption=f"Own tokens: {told.own}. A tenth in which nothing stands has no point.",
    )


def _histogram(number: int, arm: Arm) -> Heatmap | Text:
    if not arm.tables.get("tokens"):
        return Text(text=f"{_of(arm)}: no histogram, as {arm.reason('density')}.")
    return Heatmap(
        table=f"artifacts/tokens-{number}.parquet",
        row="token",
        column="tenth",
        value="count",
        row_label="token",
        column_label="tenth of the range of activation, 10 the strongest",
        title=_of(arm),
        caption=f"How often each token stands in each tenth; {arm.positions:,} positions in all.",
    )


def _changes(number: int, arm: Arm) -> tuple[Plot | Table | Text, ...]:
    rows = arm.tables.get("changes")
    if not rows:
        return (Text(text=f"{_of(arm)}: nothing to ablate, as {arm.reason(CHANGES)}."),)
    plot = Plot(
        table=f"artifacts/changes-{number}.parquet",
        kind="bar",
        x="token",
        y="change",
        low="low",
        high="high",
        x_label="next token",
        y_label="change of log-probability, nats",
        title=f"{_of(arm)}: what ablating it does to the next token",
        caption=f"The most changed of the vocabulary, on average over {rows[0]['positions']:,} "
        f"positions in {rows[0]['documents']:,} documents. Chosen for their change, so it is "
        "somewhat overstated.",
    )
    if not arm.tables.get("follows"):
        none = f"No next token's loss rises by {STRONG_NATS:g} nats at any position."
        return plot, Text(text=f"{_of(arm)}: {none}")
    table = Table(
        table=f"artifacts/follows-{number}.parquet",
        columns=(("token", "token that follows"), ("positions", "positions"),
                 ("strong", f"of these, risen by {STRONG_NATS:g} or more"),
                 ("rise", "mean rise of its loss, nats"), ("low", "low"), ("high", "high"),
                 ("documents", "documents")),
        title=f"{_of(arm)}: whose prediction fails without it",
        caption="The tokens that do follow, those that lose most in sum first; the mean is over "
        "all positions that they follow.",
    )  # fmt: skip
    return plot, table


def _promoted(number: int, arm: Arm) -> Plot | Text:
    if not arm.tables.get("promoted"):
        return Text(text=f"{_of(arm)}: not known, as {arm.reason(PROMOTED)}.")
    return Plot(
        table=f"artifacts/promoted-{number}.parquet",
        kind="bar",
        x="token",
        y="logit",
        x_label="token",
        y_label="logits per unit of direction",
        title=f"{_of(arm)}: logits that it raises and lowers",
        caption="Through the final norm's weights and the head alone, later layers left out.",
    )


def _of(arm: Arm) -> str:
    return f"{arm.name[:1].upper()}{arm.name[1:]} ({arm.which})"


def _limits(told: Told) -> Limits:
    return Limits(
        items=(
            f"Feature {told.feature} was asked for, not drawn: it stands for no other.",
            "A token may be what the feature is about, or only stand where that is.",
            "The tokens with the largest change are chosen and measured on the same text.",
            "A neuron is active on about half of all positions, a feature on few: compare the "
            "highest tenths.",
            "Random weights still pass on which token stands there, and where.",
        )
    )
