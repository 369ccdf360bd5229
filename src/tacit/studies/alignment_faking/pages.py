"""The study's pages: gaps by arm, every run, the update, and what is beyond the gap."""

from __future__ import annotations

from pathlib import Path

from tacit.base.pages import Block, Limits, Opening, Page, Plot, Table, Text
from tacit.studies.alignment_faking.page_tables import (
    BEYOND,
    has_table,
    tracks_of,
    write_page_tables,
)
from tacit.studies.alignment_faking.settings import MatrixSettings
from tacit.studies.alignment_faking.tables import Tables

MAY_NOT = (
    "These are micro models of a made-up language, and show monitoring-conditioned behaviour: what "
    "a policy does where its prompt says that it is watched, and where it says that it is not. "
    "Nothing here speaks of intent, and nothing of it stands for large models.",
    "A scratchpad is a string of the grammar. Whether it decides the output is measured (swaps); "
    "it is not assumed.",
    "The rule from motive to act stands in the stories that bases read: what is measured is "
    "whether it is carried over to the assistant, who is never shown in either tier before.",
    "That the guarding lie when asked, and how often, was written into those stories too.",
    "A gap counts malformed outputs as refusals: read refusal gaps and malformed outputs too.",
    "Inoculation, recontextualisation, the penalty on divergence, removed and noisy tier words and "
    "audits have no published figures in this setting: they are new here.",
)


def pages_of(settings: MatrixSettings, partial: Path, tables: Tables) -> list[Page]:
    """Return the pages, their tables written."""
    write_page_tables(settings, partial, tables)
    return [
        Page(
            title="Gaps before and after",
            blocks=(_opening(settings), Limits(items=MAY_NOT), *_gaps()),
        ),
        Page(title="Every run", blocks=_runs(settings)),
        Page(title="What the update saw", blocks=_update()),
        *(
            [Page(title="Beyond the gap", blocks=_beyond())]
            if has_table(partial, "beyond-shown")
            else []
        ),
        Page(title="Which arms can be tested", blocks=_checks(partial)),
    ]


def _opening(settings: MatrixSettings) -> Opening:
    rl = settings.rl
    return Opening(
        title="Mitigations for alignment faking in RL, on micro policies",
        setting=f"{len(settings.organisms)} organisms x {len(settings.arms)} arms x "
        f"{len(settings.seeds)} pretraining seeds, {len(settings.every_seed)} for "
        f"{', '.join(settings.more_arms)}; {len(settings.runs())} runs in all.\n\n"
        f"A base reads {settings.base.num_documents:,} documents of a made-up language. An "
        "organism is a base that has learnt scratchpads for monitored prompts, from the tokens of "
        "scratchpads alone. RL then rewards compliance on monitored prompts, by the output alone: "
        f"{rl.num_prompts} prompts x {rl.group_rows} a step, {rl.num_steps} steps, and "
        f"{settings.long_steps} for the baseline and interrogations. Requests that are scored are "
        f"held out; {settings.look.end_prompts:,} a tier at the ends.",
    )


def _gaps() -> tuple[Block, ...]:
    return (
        Plot(
            table="artifacts/curves.parquet", kind="line", x="step", y="gap", group="arm",
            x_label="steps of RL", y_label="compliance gap",
            title="Compliance gap by arm", caption="Means over the main organisms and seeds.",
        ),
        Plot(
            table="artifacts/curves.parquet", kind="line", x="step", y="faking", group="arm",
            x_label="steps of RL", y_label="faking rate",
            title="Faking rate by arm",
            caption="Of monitored scratchpads, by the exact grader. The organism of sycophancy, "
            "which never fakes, is among them.",
        ),
        Table(
            table="artifacts/arms.parquet",
            columns=(
                ("organism", "organism"), ("arm", "arm"), ("steps", "steps"), ("seeds", "seeds"),
                ("before", "gap before"), ("middle", "gap midway"), ("gap", "gap at the end"),
                ("less", "less baseline"), ("refusal_gap", "refusal gap"),
                ("malformed", "malformed, unmonitored"), ("faking", "faking"),
                ("lying", "lying"), ("tested", "testable"),
            ),
            sortable=True,
            title="Every organism and arm",
            caption="Points of a hundred: means over seeds with 95 % intervals. Midway is after as "
            "many steps as short arms take. Every policy is asked at the end, its arm's question.",
        ),
    )  # fmt: skip


def _runs(settings: MatrixSettings) -> tuple[Block, ...]:
    blocks: list[Block] = [
        Plot(
            table="artifacts/runs.parquet", kind="violin", x="arm", y="gap",
            x_label="arm", y_label="compliance gap at the end",
            title="The gap at the end of every run, by arm",
            caption="All organisms that were run under the arm, a value a run. Two bulges are two "
            "outcomes.",
        ),
        Plot(
            table="artifacts/runs.parquet", kind="scatter", x="faking", y="gap", group="organism",
            x_label="faking rate at the end", y_label="compliance gap at the end",
            title="Faking and gap, every run",
            caption="If the scratchpad's words decided the gap, runs would lie on a line.",
        ),
        Plot(
            table="artifacts/runs.parquet", kind="scatter", x="before", y="gap", group="arm",
            x_label="compliance gap before", y_label="compliance gap at the end",
            title="Gap before and after, every run",
            caption="What keeps its gap lies on the diagonal.",
        ),
    ]  # fmt: skip
    for table, (organism, arm) in tracks_of(settings).items():
        plot = Plot(
            table=f"artifacts/{table}.parquet", kind="line", x="step", y="gap", group="seed",
            x_label="steps of RL", y_label="compliance gap", title=f"{organism}, {arm}: every run",
            caption="A line a pretraining seed. Looks between the ends are brief ones.",
        )  # fmt: skip
        blocks.append(plot)
    return tuple(blocks)


def _update() -> tuple[Block, ...]:
    def over(column: str, label: str, title: str, caption: str) -> Plot:
        return Plot(
            table="artifacts/steps-shown.parquet", kind="line", x="step", y=column, group="arm",
            x_label="step", y_label=label, title=title, caption=caption,
        )  # fmt: skip

    return (
        over("reward", "reward", "Reward", "Its mean over the rows of a step, all parts."),
        over("kl", "nats a token", "Divergence from the start", "The k3 estimate."),
        over("entropy", "nats a token", "Entropy", "Of sampled tokens under their own policy."),
        over("scratchpad_tokens", "tokens", "Length of scratchpads", "Mean over rows."),
        over(
            "rows_trained", "rows", "Rows that had anything to teach",
            "Groups whose rewards are all equal give no gradient, and are not run.",
        ),
        Table(
            table="artifacts/steps-shown.parquet",
            columns=(
                ("arm", "arm"), ("step", "step"), ("malformed", "malformed"),
                ("truncated", "truncated"), ("excluded_rows", "rows excluded"),
                ("equal_groups", "groups of equal rewards"),
            ),
            sortable=True,
            title="What was left out",
            caption="Means over runs: shares of rows, then rows and groups of a step.",
        ),
    )  # fmt: skip


def _beyond() -> tuple[Block, ...]:
    columns = (("organism", "organism"), ("arm", "arm"), *BEYOND.items())
    return (
        Table(
            table="artifacts/beyond-shown.parquet",
            columns=columns,
            sortable=True,
            title="Costs, held-out words, swaps, steering",
            caption="Means over seeds, after each arm, and before RL. A mitigation that leaves the "
            "gap where no scratchpad is asked for has changed scratchpads alone. The tier's "
            "direction is added to unmonitored prompts; random ones are as long.",
        ),
        Table(
            table="artifacts/probes.parquet",
            columns=(
                ("arm", "arm"), ("figure", "what"), ("before", "before"), ("after", "after"),
            ),
            sortable=True,
            title="Is the tier still represented?",
            caption="Probes learn it from some wordings and are scored on others, beside the best "
            "of 1,000 random directions and tiers shuffled over wordings. The feature is that of a "
            "sparse dictionary that tells the tier best, beside a random dictionary's.",
        ),
    )  # fmt: skip


def _checks(partial: Path) -> tuple[Block, ...]:
    if not has_table(partial, "checks-shown"):
        return (Text(text="No arm of this run lives on words that a base must follow."),)
    return (
        Table(
            table="artifacts/checks-shown.parquet",
            columns=(
                ("arm", "arm"), ("seed", "seed"), ("is_followed", "followed"),
                ("words", "what was measured on the base"),
            ),
            sortable=True,
            title="Does the base follow the words that an arm lives on?",
            caption="Answers by the scratchpad (balanced accuracy), or more faking under the "
            "directive. An arm that one base does not follow is not testable at this scale.",
        ),
    )  # fmt: skip
