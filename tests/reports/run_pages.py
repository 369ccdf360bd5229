"""The pages and records of a run like a real one."""

from __future__ import annotations

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
from tacit.base.records import Claim, Gap, Record, Result


def records() -> list[Record]:
    """Return results, a gap and claims."""
    top_k = {"method": "top-k", "k": 32, "site": "resid.3"}
    loss = Result(
        name="loss_recovered",
        value=0.9471,
        unit="1",
        better="higher",
        n=118,
        interval=(0.9402, 0.9533),
        of=top_k,
    )
    random = Result(
        name="fvu",
        value=0.8123,
        unit="1",
        better="lower",
        n=1,
        interval=None,
        of={"method": "random", "k": 32, "site": "resid.3"},
    )
    gap = Gap(
        name="downstream_loss",
        reason="the subject has no language head, so no loss can be taken",
        of=top_k,
    )
    return [
        Result(
            name="fvu",
            value=0.12345,
            unit="1",
            better="lower",
            n=3,
            interval=(0.1198, 0.1281),
            of=top_k,
        ),
        loss,
        Result(
            name="l0",
            value=31.87,
            unit="tokens",
            better="neither",
            n=118,
            interval=(31.6, 32.1),
            of=top_k,
        ),
        gap,
        random,
        Claim(
            published="A sparse code keeps over 90 % of the loss at 32 active atoms.",
            source="Example et al. 2024, table 2",
            rule="reproduced if the whole interval is above 0.9",
            measured=loss,
            judgement="reproduced",
        ),
        Claim(
            published="Random directions explain nothing.",
            source="Example et al. 2024, section 4",
            rule="reproduced if the whole interval is above 0.95",
            measured=random,
            judgement="inconclusive",
        ),
        Claim(
            published="Loss falls when atoms are added.",
            source="Example et al. 2024, figure 5",
            rule="reproduced if the slope's interval is below 0",
            measured=gap,
            judgement="not testable at this scale",
        ),
    ]


def pages() -> list[Page]:
    """Return the pages of the report."""
    best = {"result": 0, "label": "Variance unexplained", "meaning": "What is lost of it."}
    return [
        Page(
            title="How faithful the dictionary is",
            blocks=(
                Opening(
                    title="Sparse features of a small model of Python",
                    setting="A two-million-parameter model of Python code was read at the "
                    "output of its third block on 1.2 million tokens of the standard library. "
                    "Four methods were fitted on the same stream, three seeds each.",
                ),
                Headline(
                    results=(
                        {
                            **best,
                            "meaning": "The dictionary gives back all but an eighth of the "
                            "activation's variance.",
                        },
                        {
                            "result": 1,
                            "label": "Loss recovered",
                            "meaning": "Run on the rebuilt activation, the model predicts "
                            "nearly as well as on its own.",
                        },
                        {
                            "result": 2,
                            "label": "Active atoms",
                            "meaning": "How many features act on a token.",
                        },
                        {
                            "result": 3,
                            "label": "Downstream loss",
                            "meaning": "The next-token loss behind the rebuilt activation.",
                        },
                    )
                ),
                Text(
                    text="A dictionary is judged on two things at once.\n\nFewer is better."
                ),
                Plot(
                    table="artifacts/frontier.parquet",
                    kind="line",
                    x="l0",
                    y="fvu",
                    group="method",
                    low="low",
                    high="high",
                    x_label="active atoms a token (L0)",
                    y_label="variance unexplained (FVU)",
                    log_x=True,
                    log_y=True,
                    title="Fidelity against sparsity",
                    caption="Lower and further left is better. Bars are 95 % intervals over "
                    "three seeds.",
                ),
                Table(
                    table="artifacts/frontier.parquet",
                    columns=(
                        ("method", "Method"),
                        ("l0", "L0"),
                        ("fvu", "FVU"),
                        ("recovered", "Loss recovered"),
                        ("best", "Example"),
                    ),
                    link="best",
                    title="Loss recovered",
                    caption="One is the model's own loss, zero that of the mean activation.",
                ),
            ),
        ),
        Page(
            title="What the features are",
            blocks=(
                Plot(
                    table="artifacts/facts.parquet",
                    kind="histogram",
                    x="density",
                    x_label="share of tokens on which a feature acts",
                    y_label="features",
                    log_x=True,
                    title="How often features act",
                    caption="Most act on fewer than one token in a hundred.",
                ),
                Plot(
                    table="artifacts/frontier.parquet",
                    kind="bar",
                    x="method",
                    y="fvu",
                    group="l0",
                    low="low",
                    high="high",
                    y_label="variance unexplained (FVU)",
                    title="Methods side by side",
                    caption="Each bar is one number of active atoms.",
                ),
                Plot(
                    table="artifacts/facts.parquet",
                    kind="scatter",
                    x="density",
                    y="max_value",
                    log_x=True,
                    x_label="density",
                    y_label="largest value",
                    title="Density against strength",
                    caption="One dot a feature.",
                ),
                Features(
                    facts="artifacts/facts.parquet",
                    contexts="artifacts/contexts.parquet",
                    title="Forty features",
                    caption="The best match of each label, and as many drawn at random.",
                ),
                Limits(items=("One subject was studied, with one tokenizer.",)),
            ),
        ),
    ]
