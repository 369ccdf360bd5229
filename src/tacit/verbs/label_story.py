"""How features agree with labels whose truth is known, as a page tells it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from tacit.base.pages import Table, Text
from tacit.features.agreement import Agreement, LabelAgreement
from tacit.verbs.cards import write_table


def label_blocks(agreement: LabelAgreement, artifacts: Path) -> tuple[Any, ...]:
    """Write the tables of agreement and return the blocks that draw them."""
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
