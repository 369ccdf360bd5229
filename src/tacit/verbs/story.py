"""The pages of a learn run: what is told, in which order, with which tables beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tacit.activations.store import Store
from tacit.base.pages import (
    Features,
    Headline,
    Limits,
    Opening,
    Page,
    Plot,
    Table,
    Text,
)
from tacit.base.records import Record, Result
from tacit.features.agreement import Agreement, LabelAgreement
from tacit.features.index import Index
from tacit.verbs.cards import write_table
from tacit.verbs.settings import LearnSettings

SHOWN_NAMES = {
    "top-k": "TopK",
    "relu-l1": "ReLU with L1",
    "pca": "PCA (largest coordinates)",
    "random": "random directions",
}


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
    num_steps: int
    cards: tuple[str, str]
    """Tables of facts and contexts."""


def pages_of(found: Findings, artifacts: Path) -> list[Page]:
    """Write the tables under ``artifacts`` and return the pages that draw them."""
    frontier = _frontier_rows(found.records)
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
        Page(title="How good is the dictionary?", blocks=_quality(frontier)),
        Page(title="How often do features fire?", blocks=(_density(found, len(density)),)),
    ]
    if found.agreement is not None:
        pages.append(
            Page(title="Do features mean something?", blocks=_labels(found, artifacts))
        )
    pages.append(Page(title="Features", blocks=(_features(found),)))
    return pages


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
            f"{', each opened by a BOS token' if configuration['prepend_bos'] else ''}). What "
            f"flowed at {settings.site}, {found.store.width(settings.site)} numbers a token, was "
            f"recorded, and a dictionary was fitted to it: {found.main_name}, in "
            f"{found.num_steps:,} steps of {settings.fit.batch:,} tokens, seed {settings.seed}.\n\n"
            "A dictionary is a list of directions, its atoms. It rewrites each recorded vector as "
            "a sum of a few of them; a direction with what is known of it is called a feature. "
            "All figures are from documents that the dictionary was not fitted on"
            f"{'' if made['split'] == 'documents' else ' (here: windows, as there are too few)'}, "
            f"with 95 % intervals over those documents. {left_out:,} positions (special tokens, "
            "and vectors of extreme norm) took no part in fit and measure."
        ),
    )


def _find(records: Sequence[Record], name: str, of: Mapping[str, Any]) -> int | None:
    for place, record in enumerate(records):
        if (
            isinstance(record, Result)
            and record.name == name
            and of.items() <= record.of.items()
        ):
            return place
    return None


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
         "Mean over labels of the best feature's F1 on held-out text; the best of as many random "
         "directions is in the table below."),
    )  # fmt: skip
    cards = [
        {"result": place, "label": label, "meaning": meaning}
        for name, of, label, meaning in wanted
        if (place := _find(found.records, name, of)) is not None
    ]
    return Headline(results=tuple(cards))


def _frontier_rows(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Return one row a dictionary: its sparsity, fidelity and kept loss with intervals."""
    rows = []
    for record in records:
        if not isinstance(record, Result) or record.name != "fvu":
            continue
        if record.of["positions"] != "usable":
            continue
        of = {key: value for key, value in record.of.items() if key != "positions"}
        at = {**of, "positions": "usable"}
        row: dict[str, Any] = {
            "method": SHOWN_NAMES.get(str(of["method"]), str(of["method"])),
            "setting": ", ".join(
                f"{k} {v:g}" for k, v in of.items() if k in ("k", "penalty")
            ),
            "num_atoms": of["num_atoms"],
        }
        for name, extra in (
            ("fvu", {}),
            ("l0", {}),
            ("loss_recovered", {"against": "zero"}),
        ):
            place = _find(records, name, {**at, **extra})
            result = records[place] if place is not None else None
            ends = result.interval if isinstance(result, Result) else None
            row[name] = result.value if isinstance(result, Result) else None
            row[f"{name}_low"], row[f"{name}_high"] = ends or (None, None)
        rows.append(row)
    return sorted(rows, key=lambda row: (row["method"], row["l0"]))


def _quality(frontier: Sequence[Mapping[str, Any]]) -> tuple[Any, ...]:
    table = "artifacts/frontier.parquet"
    shared: dict[str, Any] = {"table": table, "kind": "line", "x": "l0", "group": "method"}
    shared |= {"x_label": "active atoms a token (L0)", "log_x": True}
    blocks: list[Any] = [
        Plot(
            **shared,
            y="fvu",
            low="fvu_low",
            high="fvu_high",
            y_label="variance unexplained (FVU)",
            title="Fidelity against sparsity",
            caption="Lower and further left is better. PCA and random directions are floors: a "
            "dictionary that does not lie below them has found no structure of its own.",
        )
    ]
    if any(row["loss_recovered"] is not None for row in frontier):
        blocks.append(
            Plot(
                **shared,
                y="loss_recovered",
                low="loss_recovered_low",
                high="loss_recovered_high",
                y_label="loss recovered",
                title="What the model can still do",
                caption="The model ran with the site replaced by each reconstruction. 1 means its "
                "next-token loss did not change, 0 that it lost as much as with the site set to "
                "zero.",
            )
        )
    columns = [("method", "dictionary"), ("setting", "setting"), ("num_atoms", "atoms")]
    columns += [("l0", "L0"), ("fvu", "FVU"), ("loss_recovered", "loss recovered")]
    blocks.append(
        Table(
            table=table,
            columns=tuple(columns),
            title="Every dictionary of this run",
            caption="All fitted on one stream of tokens and measured on the same held-out text.",
        )
    )
    return tuple(blocks)


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


def _labels(found: Findings, artifacts: Path) -> tuple[Any, ...]:
    agreement = found.agreement
    assert agreement is not None
    rows = [
        {"label": label, **_columns(best), **_columns(agreement.random[label], "random_")}
        for label, best in sorted(agreement.by_label.items(), key=lambda pair: -pair[1].f1)
        if label in agreement.random
    ]
    write_table(artifacts / "labels.parquet", rows)
    ranked = sorted(agreement.by_feature, key=lambda each: (-each.f1, each.feature))
    write_table(artifacts / "aligned.parquet", [asdict(each) for each in ranked[:25]])
    heading = (("base_rate", "share of tokens"), ("feature", "feature"), ("f1", "F1"))
    left_out = "; ".join(f"{name} ({why})" for name, why in agreement.left_out.items())
    return (
        Text(
            text="For this text the truth about every token is known from Python's own tokenizer "
            "and syntax tree. Each feature was matched with the label that it tells best on "
            "training text, its threshold was set there, and both were scored on held-out text."
            + (f"\n\nLabels that could not be scored: {left_out}." if left_out else "")
        ),
        Table(
            table="artifacts/labels.parquet",
            columns=(("label", "label"), *heading, ("auroc", "AUROC"), ("random_f1", "F1, random"),
                     ("random_auroc", "AUROC, random")),
            link="feature",
            title="The best feature of each label, beside the best random direction",
            caption="AUROC alone flatters: a random orthonormal basis of the site's width often "
            "scores high too. A feature has found a label where its F1 stands well above both the "
            "share of tokens and the random direction.",
        ),
        Table(
            table="artifacts/aligned.parquet",
            columns=(("feature", "feature"), ("label", "label"), ("f1", "F1"), ("auroc", "AUROC"),
                     ("base_rate", "share of tokens")),
            link="feature",
            title="The features that agree best with a label",
            caption="Held-out F1 and AUROC of the label chosen on training text.",
        ),
    )  # fmt: skip


def _columns(found: Agreement, prefix: str = "") -> dict[str, Any]:
    names = ("feature", "base_rate", "auroc", "f1") if not prefix else ("auroc", "f1")
    return {prefix + name: vars(found)[name] for name in names}


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
        "Promoted tokens leave out what later layers do with a feature.",
    ]
    if subject == "pycode":
        items.append("pycode is a micro model: it can show a mechanism, never a claim about "
                     "large models.")  # fmt: skip
    return Limits(items=tuple(items))
