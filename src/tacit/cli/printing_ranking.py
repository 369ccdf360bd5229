"""How a ranking of measured dictionaries looks in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from tacit.base.records import Gap, Record, Result
from tacit.cli.printing import short, write

COUNTS = ("over", "units", "units_left_out", "p_corrected", "figure", "measure",
          "dictionary", "minus")  # fmt: skip


def show_ranking(records: Sequence[Record], names: Sequence[str]) -> None:
    """Print the mean ranks, then of each figure how far the others are from the best."""
    from tacit.verbs.ranking_tables import verdict_of

    widest = max(map(len, names))
    write("\nmean rank over figures, 1 is best, with 95 % intervals over figures")
    for record in records:
        if not isinstance(record, Result | Gap):
            continue
        if record.name == "mean_rank":
            write(f"  {record.of['dictionary']!s:<{widest}}  {short(record)}")
    heading = ""
    for record in records:
        if not isinstance(record, Result) or record.name != "figure_difference":
            continue
        of = record.of
        rest = "".join(f", {key} {of[key]}" for key in of if key not in COUNTS)
        title = f"{of['figure']}{rest}, {record.better} is better, over {of['over']}"
        if title != heading:
            write(f"\n{title}")
            heading = title
        told = f"{short(record, signed=True)}: {verdict_of(record)}"
        write(f"  {of['dictionary']!s:<{widest}}  minus {of['minus']!s:<{widest}}  {told}")
    missing = [each for each in records if isinstance(each, Gap)]
    if missing:
        write(f"\n{len(missing)} gaps, with their reasons, are in the report.")
