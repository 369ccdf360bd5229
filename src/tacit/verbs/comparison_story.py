"""The pages of a comparison: what was compared, charts, the differences, and their limits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tacit.base.pages import Headline, Limits, Opening, Page, Plot, Table, Text
from tacit.base.records import Result
from tacit.verbs.cards import write_table
from tacit.verbs.comparison_tables import Comparison, atom_rows, rows_of, run_rows
from tacit.verbs.frontier import in_words
from tacit.verbs.pairing import FIGURES

IN_WORDS = {
    "fvu": "variance unexplained (FVU)",
    "l0": "active atoms a token (L0)",
    "loss_recovered": "loss recovered",
    "dead_share": "dead features",
    "f1": "agreement with known labels (F1)",
}
TABLE, ATOMS, RUNS = (f"artifacts/{name}.parquet" for name in ("compared", "atoms", "runs"))


def pages_of(found: Comparison, artifacts: Path) -> list[Page]:
    """Write the tables under ``artifacts`` and return the pages that draw them."""
    rows = rows_of(found)
    write_table(artifacts / "compared.parquet", rows)
    for figure in FIGURES:
        told = [row for row in rows if row[f"{figure}_words"]]
        write_table(artifacts / f"{figure}.parquet", told)
    write_table(artifacts / "atoms.parquet", atom_rows(found))
    write_table(artifacts / "runs.parquet", run_rows(found))
    return [
        Page(title="At a glance", blocks=(_opening(found), *_headline(found), _runs())),
        Page(title="Figures against sparsity and size", blocks=_plots(found, rows)),
        Page(title="How far each is from the reference", blocks=_tables(found, rows)),
        Page(title="Are the atoms the same?", blocks=(_atoms(found), _limits(found))),
    ]


def _opening(found: Comparison) -> Opening:
    reference, num = found.reference, len(found.contenders)
    several = f" (the mean of {len(reference.runs)} seeds)" * (len(reference.runs) > 1)
    return Opening(
        title=f"{num} dictionaries of {len(found.runs)} "
        f"run{'s' if len(found.runs) > 1 else ''}, compared",
        setting=f"Every dictionary is compared with {reference.key}, {in_words(reference.of)} at "
        f"{reference.site}{several}. A difference is its figure minus the reference's, and its "
        "95 % interval comes from drawing the same held-out documents for both (for F1 the same "
        "labels): what makes a document hard for both cancels. Runs that differ in seed alone "
        "are pooled; seeds are then drawn as well, and n counts them.\n\n"
        "Where two dictionaries were not measured on the same text at the same site their "
        "difference is missing, with the reason.",
    )


def _headline(found: Comparison) -> tuple[Headline, ...]:
    places = {
        record.name: place
        for place, record in reversed(list(enumerate(found.records)))
        if isinstance(record, Result) and record.of["dictionary"] == found.reference.key
    }
    cards = [
        {
            "result": places[name],
            "label": IN_WORDS[name],
            "meaning": "Of the reference.",
        }
        for name in FIGURES
        if name in places
    ]
    return (Headline(results=tuple(cards)),) if cards else ()


def _runs() -> Table:
    headings = (("run", "run"), ("model", "model"), ("site", "site"), ("text", "text"),
                ("tokens", "tokens"), ("seed", "seed"), ("pooled", "pooled with"),
                ("differs", "other settings than the reference's run"))  # fmt: skip
    return Table(
        table=RUNS,
        columns=headings,
        title="The runs",
        caption="A run pooled with another differs from it in seed alone and has no rows of its "
        "own below.",
    )


def _plots(found: Comparison, rows: Sequence[dict[str, Any]]) -> tuple[Plot, ...]:
    plots = []
    for figure, note in (
        ("fvu", "Lower and further left is better. Compare at a like L0."),
        ("loss_recovered", "Higher and further left is better; 1 loses nothing."),
    ):
        if any(row[figure] is not None for row in rows):
            plots.append(_plot(figure, "l0", "series", "line", note))
        if any(row[f"{figure}_difference"] is not None for row in rows):
            note = (
                f"Minus {found.reference.key}. An interval that holds 0 is no difference."
            )
            plots.append(_plot(f"{figure}_difference", "l0", "series", "scatter", note))
    if len({row["num_atoms"] for row in rows if row["is_main"]}) > 1:
        note = "All dictionaries with a like setting, by how many atoms they have."
        plots.append(_plot("fvu", "num_atoms", "setting", "line", note))
    return tuple(plots)


def _plot(y: str, x: str, group: str, kind: Any, caption: str) -> Plot:
    figure = IN_WORDS[y.removesuffix("_difference")]
    label = f"{figure}, minus the reference's" if y.endswith("_difference") else figure
    x_label = IN_WORDS["l0"] if x == "l0" else "atoms"
    return Plot(
        table=TABLE,
        kind=kind,
        x=x,
        y=y,
        low=f"{y}_low",
        high=f"{y}_high",
        group=group,
        x_label=x_label,
        y_label=label,
        log_x=True,
        title=f"{label[:1].upper()}{label[1:]} against {'sparsity' if x == 'l0' else 'size'}",
        caption=caption,
    )


def _tables(found: Comparison, rows: Sequence[dict[str, Any]]) -> tuple[Table, ...]:
    return tuple(
        Table(
            table=f"artifacts/{figure}.parquet",
            columns=(("dictionary", "dictionary"), ("words", "what it is"),
                     ("num_seeds", "seeds"), ("l0", "L0"), (f"{figure}_words", IN_WORDS[figure]),
                     (f"{figure}_difference_words", f"minus {found.reference.key}"),
                     (f"{figure}_difference_n", "n")),
            title=IN_WORDS[figure][:1].upper() + IN_WORDS[figure][1:],
            caption="95 % intervals; n counts documents (for F1 labels), or seeds where they are "
            "pooled.",
        )
        for figure in FIGURES
        if any(row[f"{figure}_words"] for row in rows)
    )  # fmt: skip


def _atoms(found: Comparison) -> Table | Text:
    headings = (
        ("dictionary", "dictionary"),
        ("with", "matched with"),
        ("cosine", "mean cosine"),
        ("share", "share above 0.9"),
        ("random_cosine", "mean cosine, random"),
        ("random_share", "share, random"),
    )
    if len(found.contenders) < 2:
        return Text(text="There is one dictionary, so nothing to match.")
    return Table(
        table=ATOMS,
        columns=headings,
        title="Atoms matched one to one",
        caption="Each atom of the smaller dictionary has the one partner that makes the sum of "
        "cosines largest; as many random directions, matched in the same way, stand beside. "
        "Methods of one seed begin from the same random directions, so where the seed is the "
        "same, atoms are alike that nothing found twice. Dead atoms count. Seeds of one "
        "dictionary are matched with one another.",
    )  # fmt: skip


def _limits(found: Comparison) -> Limits:
    items = [
        "A dictionary of one seed stands for that seed alone: its intervals are over documents, "
        "and another seed may lie outside them.",
        "With fewer than about ten documents or seeds a bootstrap interval is too narrow.",
        "FVU and loss recovered improve with L0: a difference at another L0 is no merit by itself.",
        "F1 is known of a run's main dictionary alone.",
        f"{len(found.contenders) - 1} differences were drawn beside one another: about one in "
        "twenty of their intervals would miss 0 by chance.",
    ]
    return Limits(items=tuple(items))
