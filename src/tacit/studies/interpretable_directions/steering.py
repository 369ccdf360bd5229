"""Steering the next pronoun to the other gender: a feature, a difference of means, a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from tacit.activations.store import Store
from tacit.base.pages import Plot, Table
from tacit.base.seeds import stream
from tacit.data.stories.tasks import pairs_of
from tacit.data.stories.words import BE, FEELINGS, GENDER, PRONOUN, RESTING, Gender, verb
from tacit.dictionaries import Dictionary
from tacit.interventions.erasure import feature_erasers
from tacit.interventions.steering import Steered, says_first, steering_sweep
from tacit.interventions.ways import Prompt, Way, feature_push, means_push, random_push
from tacit.models.prompt_pairs import PromptPairs, read_pairs
from tacit.models.subject import Subject
from tacit.studies.interpretable_directions.erasing import CONCEPTS, rows_of_concept
from tacit.studies.interpretable_directions.settings import DirectionsSettings

FEATURE, MEANS, SENTENCE = "best feature", "difference of means", "a sentence before"
TURNS: tuple[tuple[Gender, Gender], ...] = (("female", "male"), ("male", "female"))
"""Gender that is wanted, and that of whom the prompts are about."""
STRENGTHS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0)
NEW_TOKENS = 8
RISE = 2.0
"""Price in nats a token above unsteered at which ways are compared. The unlikely pronoun alone
costs ``stories`` about 11 nats, which is 1.4 a token."""
Rows = list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class SteeredRow:
    """One way at one strength, of one subject and seed."""

    subject: str
    seed: int
    toward: str
    """Gender that the pronoun should have; prompts are about people of the other one."""
    way: str
    strength: float
    """In units of the feature's largest activation, or of the distance of the means."""
    share: float
    """Of continuations whose first pronoun has that gender."""
    low: float
    high: float
    """95 % interval over prompts (Wilson)."""
    price: float
    """Loss of the continuation for the unedited subject, nats a token."""
    prompts: int


def steered_of(
    settings: DirectionsSettings,
    subject: Subject,
    unit: tuple[str, int],
    store: Store,
    dictionary: Dictionary,
) -> list[SteeredRow]:
    """Return what each way does at each strength, both genders wanted in turn.

    Directions come from training text; nothing where its labels do not know gender.
    """
    gender = CONCEPTS["gender"]
    assert gender.task is not None and gender.at is not None
    if not {gender.truth, gender.at} <= set(store.labels):
        return []
    rows, is_female = rows_of_concept(settings, store, gender, held_out=0)
    asked = _asked(read_pairs(subject, pairs_of(gender.task, settings.prompts, unit[1])))
    pronouns = {each: {own.pronoun for own in asked[each]} for each in asked}
    found = []
    for toward, away in TURNS:
        rng = stream(unit[1], f"studies/directions/steering/{toward}")
        has_it = is_female if toward == "female" else ~is_female
        ways = _pushes(settings, dictionary, rows, has_it, rng)
        cued = [_cued(subject, own.text, toward) for own in asked[away]]
        steered = steering_sweep(
            subject,
            [own.ids for own in asked[away]],
            [*ways, Prompt(name=SENTENCE, cued=cued)],
            STRENGTHS,
            says_first(pronouns[toward], pronouns[away]),
            max_new_tokens=NEW_TOKENS,
            seeds=rng.integers(2**32, size=len(cued)).tolist(),
        )
        found += [_row(unit, toward, each) for each in steered]
    return found


class _Asked(NamedTuple):
    """A prompt about somebody, and the pronoun that should follow."""

    text: str
    ids: list[int]
    pronoun: int


def _asked(prompts: PromptPairs) -> Mapping[Gender, list[_Asked]]:
    """Return both prompts of every pair, by the gender of the one they are about."""
    found: dict[Gender, list[_Asked]] = {"female": [], "male": []}
    for row, pair in enumerate(prompts.pairs):
        for text, ids, pronoun in (
            (pair.clean, prompts.clean, prompts.answer),
            (pair.counterfactual, prompts.counterfactual, prompts.other),
        ):
            own = ids[row, prompts.mask[row]].tolist()
            found[GENDER[_name_in(text)]].append(_Asked(text, own, int(pronoun[row])))
    return found


def _name_in(prompt: str) -> str:
    """Return the name of the one whom a prompt is about: it comes first."""
    return prompt.partition(" ")[0]


def _pushes(
    settings: DirectionsSettings,
    dictionary: Dictionary,
    rows: Tensor,
    has_it: Tensor,
    rng: np.random.Generator,
) -> list[Way]:
    """Return the directions toward a gender, each with its control.

    The feature is that which erasing would switch off; its direction is turned about where the
    other gender is what it is active with.
    """
    chosen = feature_erasers(dictionary, rows, has_it, rng, few=settings.few)[FEATURE]
    (feature,) = chosen.features
    push = feature_push(FEATURE, settings.site, dictionary, feature, rows)
    values = dictionary.encode(rows).dense()[:, feature]
    if values[has_it].mean() < values[~has_it].mean():
        push = replace(push, direction=-push.direction)
    means = means_push(MEANS, settings.site, rows, has_it)
    return [push, means, random_push(push, rng), random_push(means, rng)]


def _cued(subject: Subject, prompt: str, toward: Gender) -> list[int]:
    """Return a prompt behind a sentence that gives the one it is about the wanted gender."""
    is_tired = f"{_name_in(prompt)} {verb(BE, 'past', 'singular')} {FEELINGS[0]}"
    rested = f"{PRONOUN[toward]} {verb(RESTING[0], 'past', 'singular')}"
    opening = [] if subject.bos_id is None else [subject.bos_id]
    return [*opening, *subject.tokenize(f"{is_tired}, so {rested}. {prompt}").ids]


def _row(unit: tuple[str, int], toward: Gender, steered: Steered) -> SteeredRow:
    share = steered.share
    assert share.ends is not None, "there are several prompts"
    return SteeredRow(
        subject=unit[0],
        seed=unit[1],
        toward=toward,
        way=steered.way,
        strength=steered.strength,
        share=share.value,
        low=share.ends[0],
        high=share.ends[1],
        price=steered.price,
        prompts=steered.n,
    )


def shares_at_price(rows: Sequence[SteeredRow]) -> dict[str, dict[tuple[str, int], float]]:
    """Return each way's best share at a price at most ``RISE`` above unsteered.

    By subject and seed, the mean over both genders wanted. Strengths are chosen on the prompts
    that they are measured on; the sentence alone has no strengths to choose from.
    """
    sweeps: dict[tuple[str, str, int, str], list[SteeredRow]] = {}
    for row in rows:
        sweeps.setdefault((row.way, row.subject, row.seed, row.toward), []).append(row)
    best: dict[str, dict[tuple[str, int], list[float]]] = {}
    for (way, subject, seed, _), own in sweeps.items():
        most = next(row.price for row in own if row.strength == 0) + RISE
        share = max(row.share for row in own if row.price <= most)
        best.setdefault(way, {}).setdefault((subject, seed), []).append(share)
    return {
        way: {unit: sum(shares) / len(shares) for unit, shares in units.items()}
        for way, units in best.items()
    }


def steered_pages(
    rows: Sequence[SteeredRow],
) -> tuple[Mapping[str, Rows], tuple[Plot | Table, ...]]:
    """Return the tables that are drawn, by name, and the blocks that draw them."""
    groups: dict[tuple[str, float], list[SteeredRow]] = {}
    for row in rows:
        groups.setdefault((row.way, row.strength), []).append(row)
    curves: Rows = [
        {
            "way": way,
            "strength": strength,
            "sweeps": len(own),
            "share": sum(row.share for row in own) / len(own),
            "price": sum(row.price for row in own) / len(own),
        }
        for (way, strength), own in groups.items()
    ]
    best: Rows = [
        {"way": way, "runs": len(shares), "share": sum(shares.values()) / len(shares)}
        for way, shares in shares_at_price(rows).items()
    ]
    return {"steered": curves, "steered_best": best}, _blocks()


def _blocks() -> tuple[Plot | Table, ...]:
    plot = Plot(
        table="artifacts/steered.parquet",
        kind="scatter",
        x="price",
        y="share",
        group="way",
        x_label="loss of what is written, nats a token",
        y_label="share with the other pronoun",
        title="How often the pronoun turns, and at what price",
        caption="A point for each strength, mean over subjects, seeds and both genders wanted; "
        "upper left is better. The unlikely pronoun is part of the price.",
    )
    strengths = Table(
        table="artifacts/steered.parquet",
        columns=(
            ("way", "way"),
            ("strength", "strength"),
            ("sweeps", "sweeps"),
            ("share", "share"),
            ("price", "price, nats a token"),
        ),
        title="Every strength",
        caption="Strength 1 is the feature's largest activation, or the distance of the means; a "
        "sentence is there or not. Price: for the subject left alone, after the plain prompt.",
    )
    best = Table(
        table="artifacts/steered_best.parquet",
        columns=(("way", "way"), ("runs", "runs"), ("share", "share")),
        title="The best strength at an equal price",
        caption=f"At most {RISE:g} nats a token above unsteered, chosen on the same prompts.",
    )
    return plot, best, strengths
