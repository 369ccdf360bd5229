"""The commands that explain features and score explanations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from tacit.base.configuration import gather
from tacit.base.errors import UserError
from tacit.base.progress import for_terminal
from tacit.cli import printing
from tacit.cli.options import AsJson, Quiet, Seed
from tacit.cli.printing_explained import ending, explained_as_json, show_explained

explaining = typer.Typer()
LARGEST_RANGE = 10_000_000
Run = Annotated[Path, typer.Argument(help="A finished run of `tacit learn`.")]
Prompts = Annotated[
    str | None,
    typer.Option(
        help="For chat models: a name of `tacit list prompts`; default fragments-1."
    ),
]
PriceIn = Annotated[
    float | None, typer.Option(min=0, help="Dollars for a million tokens read.")
]
PriceOut = Annotated[
    float | None, typer.Option(min=0, help="Dollars for a million tokens written.")
]
MaxCost = Annotated[
    float | None,
    typer.Option(
        help="Dollars that this call may spend. What is under way when they are spent is finished; "
        "the same command goes on, with as much again."
    ),
]
MaxTokens = Annotated[
    int | None, typer.Option(help="Tokens, read and written, that this call may spend.")
]
AtOnce = Annotated[
    int | None, typer.Option(min=1, help="Features under way at once; default 50.")
]
BaseUrl = Annotated[
    str | None, typer.Option(help="Address of a server of your own, e.g. of vLLM.")
]
Again = Annotated[
    bool, typer.Option("--again", help="Ask once more where there is no value yet.")
]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set", help="A further setting, e.g. protocol.scored=10 or chat.temperature=0."
    ),
]


@explaining.command(epilog="Example: tacit explain runs/demo --explainer lexical --num 200")
def explain(
    run: Run,
    *,
    explainer: Annotated[
        str | None,
        typer.Option(
            help="lexical (the default), label, unigram, random, or a chat model: PROVIDER/MODEL."
        ),
    ] = None,
    features: Annotated[
        str | None, typer.Option(help="Which, e.g. 0-99,812; default a sample of --num.")
    ] = None,
    num: Annotated[
        int | None,
        typer.Option(
            min=1, help="How many to draw of those that can be explained; default 200."
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="Folder under RUN/explanations; default the explainer's name."),
    ] = None,
    prompts: Prompts = None,
    price_in: PriceIn = None,
    price_out: PriceOut = None,
    max_cost: MaxCost = None,
    max_tokens: MaxTokens = None,
    at_once: AtOnce = None,
    base_url: BaseUrl = None,
    again: Again = False,
    seed: Seed = None,
    sets: Sets = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Explain what features respond to, without a model or by a chat model.

    A call adds to what RUN/explanations/NAME holds. Stopped, by Ctrl-C or a budget, it goes on
    when given again; a budget that is reached is no error.
    """
    from tacit.verbs.explain import explain as run_explain
    from tacit.verbs.explain_settings import ExplainSettings

    if features is not None and num is not None:
        raise UserError("--features names them and --num draws them; give one of the two.")
    options = {
        "explainer": explainer,
        "num": num,
        "name": name,
        "chat.prompts": prompts,
        "seed": seed,
        **spending_of(price_in, price_out, max_cost, max_tokens, at_once, base_url),
    }
    settings, passed = gather(ExplainSettings, sets=sets or [], options=options)
    found = run_explain(
        run,
        settings,
        features=None if features is None else numbers_in(features),
        again=again,
        passed=passed,
        progress=for_terminal(quiet=quiet or as_json),
    )
    if as_json:
        printing.write(json.dumps(explained_as_json(found), indent=1))
    else:
        show_explained(found)


@explaining.command(
    epilog="Example: tacit score runs/demo --explainer lexical --scorer simulation"
)
def score(
    run: Run,
    *,
    explainer: Annotated[
        str | None,
        typer.Option(help="Name of the explanations; default the only ones there are."),
    ] = None,
    reader: Annotated[
        str | None,
        typer.Option(
            help="Who predicts from an explanation: lexical, label, or a chat model; default the "
            "explainer's own kind."
        ),
    ] = None,
    scorer: Annotated[
        list[str] | None,
        typer.Option(
            help="A name of `tacit list scorers`; repeatable; default all but intervention."
        ),
    ] = None,
    no_control: Annotated[
        bool,
        typer.Option(
            "--no-control",
            help="Leave out the floors: a chat model reads as much for them as for the rest.",
        ),
    ] = False,
    prompts: Prompts = None,
    price_in: PriceIn = None,
    price_out: PriceOut = None,
    max_cost: MaxCost = None,
    max_tokens: MaxTokens = None,
    at_once: AtOnce = None,
    base_url: BaseUrl = None,
    again: Again = False,
    sets: Sets = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Score explanations on text that the explainer did not see, beside chance and floors.

    Adds to RUN/explanations/NAME/scores/READER, and draws its report anew. Stopped, by Ctrl-C or
    a budget, it goes on when given again; a budget that is reached is no error.
    """
    from tacit.base.records import to_json
    from tacit.verbs.explain_settings import ScoreSettings
    from tacit.verbs.score import score as run_score

    options = {
        "explainer": explainer,
        "reader": reader,
        "scorers": scorer,
        "control": False if no_control else None,
        "chat.prompts": prompts,
        **spending_of(price_in, price_out, max_cost, max_tokens, at_once, base_url),
    }
    settings, passed = gather(ScoreSettings, sets=sets or [], options=options)
    found = run_score(
        run,
        settings,
        again=again,
        passed=passed,
        progress=for_terminal(quiet=quiet or as_json),
    )
    if as_json:
        plain = {
            "folder": str(found.folder),
            "report": str(found.report),
            "records": [to_json(each) for each in found.records],
            "spent": vars(found.spent),
            "stopped": found.worked.stopped,
        }
        printing.write(json.dumps(plain, indent=1))
        return
    printing.write(f"report: {found.report}")
    for each in found.headlines:
        figure = f"{each.of['scorer']}, {each.of.get('figure', 'left out')}"
        chance = f", chance {each.of['chance']:g}" if "chance" in each.of else ""
        printing.write(f"  {figure:<38} {printing.short(each)}{chance}")
    for line in ending(found.spent, found.worked.stopped):
        printing.write(line)


def spending_of(
    price_in: float | None,
    price_out: float | None,
    max_cost: float | None,
    max_tokens: int | None,
    at_once: int | None,
    base_url: str | None,
) -> dict[str, Any]:
    """Return what chat models may cost, by the names of settings."""
    given = {
        "price_in": price_in,
        "price_out": price_out,
        "max_cost": max_cost,
        "max_tokens": max_tokens,
        "at_once": at_once,
        "base_url": base_url,
    }
    return {f"spending.{name}": value for name, value in given.items()}


def numbers_in(text: str) -> list[int]:
    """Return the numbers of a list such as ``0-99,812``."""
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise UserError(
                f"--features {text} was given; give numbers and ranges, as in 0-99,812."
            )
        ends = int(first), int(last or first)
        if ends[1] - ends[0] > LARGEST_RANGE:
            raise UserError(
                f"--features {text} names more features than any dictionary has."
            )
        found += range(ends[0], ends[1] + 1)
    return found
