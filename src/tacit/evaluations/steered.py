"""Does a dictionary's feature bring about what it stands for, as well as other ways to do so?

Axes: w prefixes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np
import torch
from jaxtyping import Float

from tacit.base.records import Gap
from tacit.base.seeds import stream
from tacit.evaluations.behaviours import Behaviour, behaviour_of, telling_atom
from tacit.evaluations.evidence import Evidence, Live
from tacit.evaluations.measure import Measure, Readings
from tacit.evaluations.parts import by_document
from tacit.evaluations.prefixes import Prefixes, prefixes_in, richest_stretches
from tacit.evaluations.read_windows import windows_of
from tacit.evaluations.readings import Reading
from tacit.interventions.steering import Steered, steering_sweep
from tacit.interventions.ways import Push, Way, means_push, random_push
from tacit.metrics.editing import dose_at_price
from tacit.models.sampling import sample

FEATURE, MEANS, RANDOM, PROMPT = "feature", "difference of means", "random", "prompt"
UNSTEERED = "unsteered"
CUE_WINDOWS = 256
"""Training windows that the prompt's stretches are looked for in."""
NUM_CUES = 8
"""Stretches that prompts take turns with."""


@final
@dataclass(frozen=True, kw_only=True)
class SteeringOf(Measure):
    """Text written under a label's best feature, at an equal price beside three other ways.

    Training prefixes tell which strength costs ``rise``; held-out ones are continued at that.
    """

    name: ClassVar[str] = "steering"
    figures: ClassVar[tuple[str, ...]] = ("steering_advantage", "steered_share")
    needs_model: ClassVar[bool] = True
    edits_rows: ClassVar[bool] = True

    labels: int = 6
    """Labels at most, drawn from those whose tokens can be told and are not written anyway."""
    prefixes: int = 48
    """Stretches of text at most that are continued, on either side of the split."""
    prefix_tokens: int = 16
    """Tokens of one, BOS included; as many of training text are the prompt."""
    new_tokens: int = 6
    """Tokens written."""
    strengths: tuple[float, ...] = (0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
    """Rising; in units of the feature's mean activation, and of the step between the means."""
    rise: float = 1.0
    """What each way costs: loss of what is written above that of unsteered text, nats a token."""
    most_unsteered: float = 0.5
    """Share of unsteered continuations with a label's token, above which it is left out."""

    def read(self, evidence: Evidence, *, seed: int) -> Readings:
        """Return the share of each way by the document of the prefix, and the feature's lead."""
        live = evidence.live
        assert live is not None, "the suite gives the model to what needs it"
        if not live.subject.is_causal:
            return self._gaps(f"{live.subject.name} predicts no next token")
        limit, needed = (
            live.subject.context_tokens,
            2 * self.prefix_tokens + self.new_tokens,
        )
        if limit is not None and limit < needed:
            return self._gaps(f"{live.subject.name} reads {limit} of {needed} tokens")
        train, held_out = (
            self._prefixes(evidence, live, seed, held_out=side) for side in (False, True)
        )
        if not train.ids or not held_out.ids:
            return self._gaps(
                f"one side of the split has no {self.prefix_tokens} tokens on end"
            )
        chosen, found = self._behaviours(evidence, live, train, seed)
        for behaviour in chosen:
            found += self._read_one(evidence, live, behaviour, (train, held_out), seed)
        return found

    def _prefixes(
        self, evidence: Evidence, live: Live, seed: int, *, held_out: bool
    ) -> Prefixes:
        side = "held out" if held_out else "train"
        return prefixes_in(
            evidence,
            windows_of(evidence, live, held_out=held_out, most=self.prefixes),
            tokens=self.prefix_tokens,
            most=self.prefixes,
            bos=live.subject.bos_id,
            rng=stream(seed, f"evaluations/steering/{side}"),
        )

    def _behaviours(
        self, evidence: Evidence, live: Live, train: Prefixes, seed: int
    ) -> tuple[list[Behaviour], list[Reading | Gap]]:
        """Return labels to bring about, drawn from those that unsteered text seldom has."""
        written = sample(
            live.subject, train.ids, max_new_tokens=self.new_tokens, seeds=train.seeds
        ).ids
        binary = [each for each in evidence.concepts if each.kind == "label"]
        chosen: list[Behaviour] = []
        gaps: list[Reading | Gap] = []
        order = stream(seed, "evaluations/steering/labels").permutation(len(binary))
        for concept in (binary[place] for place in order):
            if len(chosen) == self.labels:
                break
            made = behaviour_of(evidence, live, concept)
            if isinstance(made, Behaviour):
                share = float(np.mean([made.is_shown(ids) for ids in written]))
                if share <= self.most_unsteered:
                    chosen.append(made)
                    continue
                made = f"{share:.0%} of unsteered continuations have its tokens"
            gaps += self._gaps(made, concept=concept.name)
        if not chosen:
            gaps += self._gaps(
                "no label has tokens of its own that are seldom written anyway"
            )
        return chosen, gaps

    def _read_one(
        self,
        evidence: Evidence,
        live: Live,
        behaviour: Behaviour,
        sides: tuple[Prefixes, Prefixes],
        seed: int,
    ) -> list[Reading | Gap]:
        """Return each way's share on held-out prefixes, at the strength that costs as much."""
        train, held_out = sides
        pushes = self._pushes(evidence, live, behaviour, seed)
        if isinstance(pushes, str):
            return self._gaps(pushes, concept=behaviour.name)
        text = windows_of(evidence, live, held_out=False, most=CUE_WINDOWS)
        cues = richest_stretches(text, behaviour.wanted, self.prefix_tokens, NUM_CUES)
        ways = [*pushes, *([train.after(PROMPT, cues)] if cues else [])]
        swept = self._swept(live, behaviour, train, ways, self.strengths)
        mixed = _mixed_at_price(swept, self.rise)
        shown: dict[str, Float[np.ndarray, " w"]] = {}
        for way in [*pushes, *([held_out.after(PROMPT, cues)] if cues else [])]:
            weights = mixed[way.name]
            own = self._swept(live, behaviour, held_out, [way], [*filter(None, weights)])
            shown[UNSTEERED] = own[0].shown * 1.0
            shown[way.name] = sum(
                (weights.get(each.strength, 0.0) * each.shown for each in own),
                start=np.zeros(len(own[0].shown)),
            )
        lead = shown[FEATURE] - shown[MEANS]
        found: list[Reading | Gap] = []
        found += by_document(
            "steering_advantage", behaviour.name, lead, held_out.document, {}
        )
        for name, each in shown.items():
            found += by_document(
                "steered_share",
                behaviour.name,
                each * 1.0,
                held_out.document,
                {"way": name},
            )
        return found

    def _pushes(
        self, evidence: Evidence, live: Live, behaviour: Behaviour, seed: int
    ) -> list[Push] | str:
        """Return the ways that add a direction, or why there is no feature."""
        feature = telling_atom(evidence, behaviour.rows, behaviour.has_it)
        if feature is None:
            return "no atom fires more where the next token has it"
        codes = evidence.of([feature])[evidence.train]
        size = float(codes[codes > 0].mean()) * evidence.dictionary.scale
        push = Push(
            name=FEATURE,
            site=live.site,
            direction=evidence.dictionary.atoms[feature] * size,
        )
        vectors = evidence.activations[torch.from_numpy(behaviour.rows)].float()
        means = means_push(MEANS, live.site, vectors, torch.from_numpy(behaviour.has_it))
        rng = stream(seed, f"evaluations/steering/random/{behaviour.name}")
        return [push, means, replace(random_push(push, rng), name=RANDOM)]

    def _swept(
        self,
        live: Live,
        behaviour: Behaviour,
        prefixes: Prefixes,
        ways: Sequence[Way],
        strengths: Sequence[float],
    ) -> list[Steered]:
        return steering_sweep(
            live.subject,
            prefixes.ids,
            ways,
            strengths,
            behaviour.is_shown,
            max_new_tokens=self.new_tokens,
            seeds=prefixes.seeds,
        )

    def _gaps(self, reason: str, **of: str) -> list[Reading | Gap]:
        return [Gap(name=figure, reason=reason, of=of) for figure in self.figures]


def _mixed_at_price(
    steered: Sequence[Steered], rise: float
) -> dict[str, dict[float, float]]:
    """Return how much of each strength makes each way cost ``rise`` nats a token.

    Two strengths where the price lies between theirs; the largest alone where none costs as much.
    """
    mixed: dict[str, dict[float, float]] = {}
    for way in dict.fromkeys(each.way for each in steered):
        own = [each for each in steered if each.way == way]
        found = dose_at_price(np.array([each.price - own[0].price for each in own]), rise)
        if found is None:
            mixed[way] = {own[-1].strength: 1.0}
        else:
            before, share = found
            mixed[way] = {own[before].strength: 1 - share, own[before + 1].strength: share}
    return mixed
