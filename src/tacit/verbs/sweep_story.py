"""The pages of a sweep: the frontiers, what was chosen and why, and every setting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tacit.activations.store import Store
from tacit.base.pages import Limits, Opening, Page, Plot, Table, Text
from tacit.base.records import Gap, Record, Result
from tacit.dictionaries import Fitted
from tacit.verbs.cards import write_table
from tacit.verbs.choice import Tried
from tacit.verbs.frontier import endings, in_words, left_out, shown_name
from tacit.verbs.sweep_settings import SweepSettings

FRONTIER, COMPARED = "artifacts/frontier.parquet", "artifacts/compared.parquet"
COLUMNS = (
    ("shown", "method"),
    ("setting", "setting"),
    ("num_atoms", "atoms"),
    ("l0", "L0"),
    ("fvu", "FVU"),
    ("fvu_low", "lowest end"),
    ("fvu_high", "highest end"),
    ("kept", "loss recovered"),
    ("dead", "dead share"),
    ("seeds", "seeds"),
)


@dataclass(frozen=True, kw_only=True)
class Swept:
    """All that a sweep found, on its way to the page."""

    settings: SweepSettings
    store: Store
    found: Sequence[Tried]
    compared: Sequence[Record]
    fitted: Sequence[Fitted]
    best: Tried
    reason: str
    gaps: Sequence[Gap]


def pages_of(swept: Swept, artifacts: Path) -> list[Page]:
    """Write the tables under ``artifacts`` and return the pages that draw them."""
    rows = [_row(each, swept) for each in swept.found]
    rows.sort(key=lambda row: (row["shown"], row["num_atoms"], row["l0"]))
    write_table(artifacts / "frontier.parquet", rows)
    pages = [
        Page(title="At a glance", blocks=(_opening(swept), _chosen(swept), _limits(swept))),
        Page(title="Frontiers", blocks=_plots(swept)),
    ]
    differences = [each for each in swept.compared if isinstance(each, Result)]
    if differences:
        write_table(artifacts / "compared.parquet", [_difference(e) for e in differences])
        pages.append(Page(title="At equal L0", blocks=(_compared(swept),)))
    told = endings(each.dictionary for each in swept.fitted) + left_out(swept.gaps)
    table = Table(
        table=FRONTIER,
        columns=tuple(each for each in COLUMNS if each[0] != "kept" or swept.found[0].kept),
        title="Every setting",
        caption="Means over seeds, with the lowest and the highest end of the seeds' 95 % "
        "intervals over held-out documents." + told,
    )
    return [*pages, Page(title="Settings", blocks=(table,))]


def _row(each: Tried, swept: Swept) -> dict[str, Any]:
    name = shown_name(each.of["method"])
    several = len({other.of["num_atoms"] for other in swept.found if other.is_learned}) > 1
    sized = f", {each.of['num_atoms']:,} atoms" if several and each.is_learned else ""
    rate = each.of.get("learning_rate")
    sized += "" if rate is None else f", rate {rate:g}"
    setting = ", ".join(f"{k} {each.of[k]:g}" for k in ("k", "penalty") if k in each.of)
    return {**each.row(), "shown": name, "group": name + sized, "setting": setting}


def _opening(swept: Swept) -> Opening:
    settings, made = swept.settings, swept.store.manifest["configuration"]
    learned = [each for each in swept.found if each.is_learned]
    waited = max((each.waiting_share for each in swept.fitted), default=0.0)
    return Opening(
        title=f"A sweep of dictionaries at {settings.site} of {made['subject']}",
        setting=(
            f"{len(learned)} settings of {len(settings.methods)} methods and "
            f"{len(swept.found) - len(learned)} of baselines, each at {len(settings.seeds)} seeds, "
            f"were fitted on one reading of {swept.store.num_tokens:,} tokens of {made['text']}, "
            f"in batches of {settings.fit.batch:,}. Every figure is from held-out documents. "
            f"The fits waited for data {waited:.1%} of their time."
        ),
    )


def _chosen(swept: Swept) -> Text:
    best = swept.best
    kept = f", loss recovered {best.mean('kept'):.3f}" if best.kept else ""
    return Text(
        text=f"Chosen: {in_words(best.of)}: FVU {best.mean('fvu'):.3f} at L0 "
        f"{best.mean('l0'):.1f}{kept}. The rule: {swept.reason}. It is in the folder chosen, and "
        "can be given to tacit measure and tacit index."
    )


def _plots(swept: Swept) -> tuple[Plot, ...]:
    shared: dict[str, Any] = {"table": FRONTIER, "kind": "line", "x": "l0"}
    shared |= {"group": "group", "x_label": "active atoms a token (L0)", "log_x": True}
    fvu = Plot(
        **shared,
        y="fvu",
        low="fvu_low",
        high="fvu_high",
        y_label="variance unexplained (FVU)",
        title="Fidelity against sparsity",
        caption="Lower and further left is better. Bars reach from the lowest to the highest end "
        "of the seeds' intervals.",
    )
    if not swept.found[0].kept:
        return (fvu,)
    kept = Plot(
        **shared,
        y="kept",
        low="kept_low",
        high="kept_high",
        y_label="loss recovered",
        title="What the model can still do",
        caption="Against zero ablation, the site replaced by each reconstruction. It flatters: "
        "compare with the random directions.",
    )
    return fvu, kept


def _difference(each: Result) -> dict[str, Any]:
    low, high = each.interval or (None, None)
    shown = shown_name(each.of["method"])
    return {"shown": shown, "value": each.value, "low": low, "high": high, "n": each.n}


def _compared(swept: Swept) -> Table:
    left = [each for each in swept.compared if isinstance(each, Gap)]
    told = f" Not compared: {'; '.join(each.reason for each in left)}." if left else ""
    return Table(
        table=COMPARED,
        columns=(
            ("shown", "method"),
            ("value", "FVU less ReLU's with L1"),
            ("low", "low"),
            ("high", "high"),
            ("n", "seeds"),
        ),
        title="Against ReLU with L1 at equal L0",
        caption="Mean over a method's settings; the other's FVU is read off its own frontier at "
        "the same seed. Negative is better. Intervals are over seeds." + told,
    )


def _limits(swept: Swept) -> Limits:
    return Limits(
        items=(
            f"One site ({swept.settings.site}) and one text: on others methods can change places.",
            "All methods took the same number of steps at their default learning rate, unless "
            "rates were swept: a method that needs more steps is shown before it is done.",
            "The setting was chosen on the same held-out documents that its figures are from, so "
            "they flatter it a little.",
        )
    )
