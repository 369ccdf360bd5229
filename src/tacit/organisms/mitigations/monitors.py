"""Supervisors that read a model's activations: a linear probe, and a feature of a dictionary.

Both learn from the policy's own transcripts before the first step, and read a frozen copy of that
policy unless told to read the policy in training, which can then learn to look otherwise.
Axes: b rows, d activation width, f atoms.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tacit.base.errors import UserError
from tacit.dictionaries import Dictionary, RowBlocks, TopK, fit
from tacit.metrics.labels import auroc
from tacit.models.subject import Subject
from tacit.organisms.mitigations.classifiers import Classifier
from tacit.organisms.mitigations.starting import frozen_copy, start_transcripts
from tacit.organisms.tiers.played import Played, episodes_of
from tacit.training.grpo.episodes import Role

Reads = Literal["start", "current"]
FEWEST = 10
"""Start transcripts of either kind that a monitor must have to learn from."""
HELD_OUT = 4
"""One transcript in so many is held out, to measure the monitor on."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Line:
    """A logistic regression."""

    weights: Float[np.ndarray, " d"]
    bias: float
    auroc: float
    """On transcripts that were held out."""

    def probabilities(self, rows: Float[np.ndarray, "b d"]) -> Float[np.ndarray, " b"]:
        """Return the probability of each row."""
        # The logistic function, in a form that does not overflow.
        return (1 + np.tanh((rows @ self.weights + self.bias) / 2)) / 2


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class LinearProbe(Classifier):
    """Logistic regression on the mean activation of a scratchpad's tokens, tag of the act included.

    Labels are the exact grader's. Kinds are weighted alike, as nearly all start transcripts may be
    of one. Not published in this setting.
    """

    site: str = "resid.1"
    reads: Reads = "start"
    num_transcripts: int = 1_024
    monitor: Subject | None = None
    """The policy at the start, once prepared."""
    line: Line | None = None

    def prepared(self, policy: Subject, seed: int) -> LinearProbe:
        """Return the probe fitted on the policy's own transcripts."""
        start = frozen_copy(policy)
        played = start_transcripts(start, self.num_transcripts, seed)
        labels = _labels(played, policy.name)
        rows = scratchpad_means(*scratchpad_tokens(start, played, self.site))
        return replace(self, monitor=start, line=_line(rows, labels))

    def probabilities(self, played: Played, policy: Subject) -> Float[np.ndarray, " b"]:
        """Return the probe's probabilities."""
        subject, line = _ready(self.monitor, self.line, policy, self.reads)
        tokens, of_row = scratchpad_tokens(subject, played, self.site)
        return line.probabilities(scratchpad_means(tokens, of_row))


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class DictionaryFeature(Classifier):
    """The one atom of a top-k dictionary that tells faking best, with a logistic on it alone.

    The dictionary is fitted without labels on the start policy's scratchpads; the atom is chosen by
    its AUROC on the transcripts that are not held out. Not published in this setting.
    """

    site: str = "resid.1"
    reads: Reads = "start"
    num_transcripts: int = 1_024
    num_atoms: int = 128
    k: int = 6
    num_steps: int = 300
    monitor: Subject | None = None
    """The policy at the start, once prepared."""
    dictionary: Dictionary | None = None
    atom: int | None = None
    line: Line | None = None

    def prepared(self, policy: Subject, seed: int) -> DictionaryFeature:
        """Return the monitor with its dictionary, its atom and its logistic."""
        start = frozen_copy(policy)
        played = start_transcripts(start, self.num_transcripts, seed)
        labels = _labels(played, policy.name)
        tokens, of_row = scratchpad_tokens(start, played, self.site)
        method = TopK(num_atoms=self.num_atoms, k=self.k)
        block_rows = min(len(tokens), 512)
        blocks = RowBlocks(rows={self.site: tokens}, block_rows=block_rows, seed=seed)
        dictionary = fit([method], blocks, [seed], steps=self.num_steps)[0].dictionary
        codes = scratchpad_means(dictionary.encode(tokens).dense(), of_row)
        learns = ~_held_out(labels)
        scores = [
            auroc(codes[learns, atom], labels[learns]) for atom in range(codes.shape[1])
        ]
        atom = int(np.argmax(scores))
        return replace(
            self,
            monitor=start,
            dictionary=dictionary,
            atom=atom,
            line=_line(codes[:, [atom]], labels),
        )

    def probabilities(self, played: Played, policy: Subject) -> Float[np.ndarray, " b"]:
        """Return what the atom's mean activation over a scratchpad says."""
        subject, line = _ready(self.monitor, self.line, policy, self.reads)
        assert self.dictionary is not None and self.atom is not None
        tokens, of_row = scratchpad_tokens(subject, played, self.site)
        values = self.dictionary.encode(tokens).dense()[:, [self.atom]]
        return line.probabilities(scratchpad_means(values, of_row))


def scratchpad_tokens(
    subject: Subject, played: Played, site: str
) -> tuple[Float[Tensor, "n d"], Int[np.ndarray, " n"]]:
    """Return a site's activations on all scratchpad tokens, and the row each is of."""
    episodes = episodes_of(played, group_rows=1)
    ids = episodes.ids.masked_fill(episodes.roles == Role.PADDING, -1)
    flow = subject.run(ids, sites=(site,)).activations[site].float().cpu()
    is_thought = episodes.roles == Role.SCRATCHPAD
    return flow[is_thought], is_thought.nonzero()[:, 0].numpy()


def scratchpad_means(
    tokens: Float[Tensor, "n d"], of_row: Int[np.ndarray, " n"]
) -> Float[np.ndarray, "b d"]:
    """Return the mean of each row's tokens; every row has one at least."""
    place = torch.from_numpy(of_row)
    sums = tokens.new_zeros(int(of_row.max()) + 1, tokens.shape[1])
    sums.index_add_(0, place, tokens)
    return (sums / place.bincount()[:, None]).double().numpy()


def _labels(played: Played, name: str) -> Bool[np.ndarray, " b"]:
    labels = np.array([each.fakes for each in played.grades])
    faking = int(labels.sum())
    if min(faking, len(labels) - faking) < FEWEST:
        raise UserError(
            f"{faking} of {len(labels)} start transcripts of {name} fake; a monitor needs "
            f"{FEWEST} of either kind to learn from. Draw more (num_transcripts), or let a "
            "classifier read words."
        )
    return labels


def _held_out(labels: Bool[np.ndarray, " b"]) -> Bool[np.ndarray, " b"]:
    """Return every fourth transcript of either kind."""
    held = np.zeros(len(labels), bool)
    for kind in (True, False):
        held[np.flatnonzero(labels == kind)[::HELD_OUT]] = True
    return held


def _line(rows: Float[np.ndarray, "b d"], labels: Bool[np.ndarray, " b"]) -> Line:
    from sklearn.linear_model import LogisticRegression

    held = _held_out(labels)
    scale = rows[~held].std() + 1e-12  # one number, so that the penalty fits any unit
    probe = LogisticRegression(max_iter=1_000, class_weight="balanced")
    probe.fit(rows[~held] / scale, labels[~held])
    weights, bias = probe.coef_[0] / scale, float(np.asarray(probe.intercept_)[0])
    return Line(weights=weights, bias=bias, auroc=auroc(rows[held] @ weights, labels[held]))


def _ready(
    monitor: Subject | None, line: Line | None, policy: Subject, reads: Reads
) -> tuple[Subject, Line]:
    if monitor is None or line is None:
        raise UserError("the monitor has learnt nothing yet; call prepared(policy, seed).")
    return (monitor if reads == "start" else policy), line
