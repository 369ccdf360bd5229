"""What SAEBench and we are both asked: dictionaries of a planted world, and a small model's site.

Axes: n rows, d width, f atoms.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import normalize

from tacit.activations.harvest import HarvestSettings, harvest
from tacit.activations.windows import windows_in
from tacit.base.seeds import stream
from tacit.data.text import load_text
from tacit.dictionaries.dictionary import Dictionary
from tacit.dictionaries.selections import Relu
from tacit.evaluations.concepts import UNKNOWN, Concept
from tacit.evaluations.evidence import Evidence, Live, codes_of
from tacit.evaluations.linear_probes import LinearProbe, fit_probe
from tacit.evaluations.planted_evidence import planted_evidence
from tacit.evaluations.planted_world import PlantedWorld
from tacit.models.subject import Subject

WORLD = PlantedWorld(
    width=128,
    num_labels=6,
    label_rate=0.3,
    num_families=2,
    children=12,
    num_attributes=2,
    num_background=16,
    noise=0.05,
)
TURN, BIAS = 0.2, -0.2
"""How far atoms are off, in units of what they stand for, and what holds back their noise."""
OFFSET = 0.15
"""Of each dimension, in every row: the mean that a site of a model has."""
TRAIN, TEST = "train", "test"
LAST_SITE, COIN = "resid.3", "toss of a coin"


def _drawn(name: str) -> torch.Tensor:
    drawn = stream(WORLD.seed, f"tests/{name}").standard_normal(
        (len(WORLD.places), WORLD.width)
    )
    return torch.from_numpy(drawn).float()


def _dictionary(kind: str) -> Dictionary:
    """Return one whose atoms are off and whose parents give way to their children, or chance's."""
    atoms = normalize(_drawn("atoms"), dim=1)
    encoder = atoms.clone()
    if kind == "absorbing":
        atoms = normalize(WORLD.features + TURN * atoms, dim=1)
        encoder = torch.linalg.pinv(atoms).T.contiguous()
        for family in range(WORLD.num_families):
            first = WORLD.places[f"parent {family}"]
            children = slice(first + 1, first + 1 + WORLD.children)
            # Silent beside a child that is as strong as half of the parent.
            encoder[first] -= 2 * encoder[children].sum(dim=0)
            atoms[children] = normalize(atoms[children] + atoms[first], dim=1)
    return Dictionary(
        atoms=atoms,
        encoder=encoder,
        encoder_bias=torch.full((len(atoms),), BIAS),
        centre=torch.full((WORLD.width,), OFFSET),
        scale=1.0,
        selection=Relu(),
        method="by hand",
        seed=WORLD.seed,
    )


def evidence_of(kind: str) -> Evidence:
    """Return rows of the world, off centre, as a dictionary codes them."""
    planted = planted_evidence(WORLD, "perfect")
    rows, dictionary = planted.activations + OFFSET, _dictionary(kind)
    tossed = stream(0, "tests/coin").integers(0, 2, len(rows))
    coin = Concept(name=COIN, classes=("no", "yes"), truth=tossed, kind="label")
    return replace(
        planted,
        activations=rows,
        codes=codes_of(dictionary, rows),
        dictionary=dictionary,
        concepts=(*planted.concepts, coin),
    )


@dataclass(frozen=True)
class Case:
    """A dictionary with the rows of each question; both sides are asked of these alone."""

    evidence: Evidence

    def drawn(self, concept: Concept) -> dict[str, dict[str, np.ndarray]]:
        """Return of either side as many rows of each class, by its name."""
        found = {}
        for name, side in ((TRAIN, self.evidence.train), (TEST, self.evidence.held_out)):
            rng = stream(0, f"tests/{concept.name}/{name}")
            own = [
                np.flatnonzero(side & (concept.truth == c))
                for c in range(len(concept.classes))
            ]
            fewest = min(map(len, own))
            found[name] = {
                label: np.sort(rng.permutation(rows)[:fewest])
                for label, rows in zip(concept.classes, own, strict=True)
            }
        return found

    def only_drawn(self, concept: Concept) -> Concept:
        """Return the concept, known of the drawn rows alone."""
        truth = np.full(len(concept.truth), UNKNOWN)
        for side in self.drawn(concept).values():
            for rows in side.values():
                truth[rows] = concept.truth[rows]
        return replace(concept, truth=truth)

    @cached_property
    def binary(self) -> list[Concept]:
        """Concepts that rows have or have not."""
        return [each for each in self.evidence.concepts if each.is_binary]

    @cached_property
    def several(self) -> Concept:
        """One of several classes."""
        return next(each for each in self.evidence.concepts if not each.is_binary)

    @cached_property
    def pair(self) -> Concept:
        """Two labels: which of the four combinations a row is."""
        wanted, other = self.binary[:2]
        return Concept(
            name="pair",
            classes=("neither", "other", "wanted", "both"),
            truth=2 * wanted.truth + other.truth,
            kind="labels",
        )

    @cached_property
    def parents(self) -> list[Concept]:
        """Concepts whose atoms are silent where a child's is active."""
        return [each for each in self.binary if each.name.startswith("parent")]

    def probe_of(self, concept: Concept) -> LinearProbe:
        """Return the probe of all training rows, as `absorption` fits it."""
        train = np.flatnonzero(self.evidence.train)
        return fit_probe(self.evidence.activations[train].numpy(), concept.truth[train])

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return all that SAEBench is asked about."""
        evidence = self.evidence
        found = {
            **weights_of(evidence.dictionary),
            "rows": evidence.activations,
            "held_out": torch.from_numpy(np.flatnonzero(evidence.held_out)),
            "document_rows": torch.tensor(WORLD.document_rows),
        }
        for kind, concepts in (("binary", self.binary), ("several", [self.several])):
            for each in concepts:
                for side, classes in self.drawn(each).items():
                    for label, rows in classes.items():
                        key = f"{kind} {each.name}/{side}/{label}"
                        found[key] = torch.from_numpy(rows)
        for side, own in self.drawn(self.pair).items():
            for key, combinations in PAIR.items():
                rows = np.concatenate([own[each] for each in combinations])
                found[f"pair/{side}/{key}"] = torch.from_numpy(rows)
        for each in self.parents:
            rows, without = self.absorbed_rows(each)
            key = f"absorbed {each.name}"
            found[f"{key}/rows"] = torch.from_numpy(rows)
            found[f"{key}/without"] = without
            found[f"{key}/probe"] = torch.from_numpy(self.probe_of(each).normals[0]).float()
            found[f"{key}/main"] = torch.tensor([WORLD.places[each.name]])
        return {name: each.contiguous() for name, each in found.items()}

    def absorbed_rows(self, concept: Concept) -> tuple[np.ndarray, torch.Tensor]:
        """Return held-out rows of which the probe rightly says that they have it, and its zero."""
        evidence = self.evidence
        rows = np.flatnonzero(evidence.held_out & concept.has_it)
        rows = rows[self.probe_of(concept).told(evidence.activations[rows].numpy()) == 1]
        without = evidence.activations[torch.from_numpy(evidence.train & ~concept.has_it)]
        return rows, without.mean(dim=0)


# SAEBench knows a pair under these names alone: which of the four combinations each holds.
PAIR = {
    "male / female": ("wanted", "both"),
    "female_data_only": ("neither", "other"),
    "professor / nurse": ("other", "both"),
    "nurse_data_only": ("neither", "wanted"),
    "male_professor / female_nurse": ("both",),
    "female_nurse_data_only": ("neither",),
}


def weights_of(dictionary: Dictionary) -> dict[str, torch.Tensor]:
    """Return a dictionary's weights; its scale is 1."""
    assert dictionary.scale == 1
    return {
        "atoms": dictionary.atoms,
        "encoder": dictionary.encoder,
        "bias": dictionary.encoder_bias,
        "centre": dictionary.centre,
    }


def live_evidence(subject: Subject, folder: Path, *, bos: bool) -> Evidence:
    """Return evidence of a dictionary at the last site of a subject, a window of each document."""
    settings = HarvestSettings(
        context_tokens=32 + bos,
        prepend_bos=bos,
        windows="documents",
        max_tokens=6_000,
        high_norm_factor=None,
        dtype="float32",
    )
    store = harvest(subject, load_text("stories"), [LAST_SITE], folder, settings=settings)
    kept = np.flatnonzero(store.usable(LAST_SITE))
    rows = store.vectors(LAST_SITE, kept)
    drawn = stream(0, "tests/live").standard_normal((2 * rows.shape[1], rows.shape[1]))
    atoms = normalize(torch.from_numpy(drawn).float(), dim=1)
    dictionary = Dictionary(
        atoms=atoms,
        encoder=torch.linalg.pinv(atoms).T.contiguous(),
        encoder_bias=torch.zeros(len(atoms)),
        centre=rows.mean(dim=0),
        scale=1.0,
        selection=Relu(),
        method="by hand",
        seed=0,
    )
    return Evidence(
        basis="dictionary",
        dictionary=dictionary,
        activations=rows,
        codes=codes_of(dictionary, rows),
        document=store.column("document")[kept].astype(np.int64),
        held_out=store.column("held_out")[kept],
        concepts=(),
        rows=kept,
        live=Live(subject=subject, store=store, site=LAST_SITE, folder=folder),
    )


def live_tensors(evidence: Evidence) -> dict[str, torch.Tensor]:
    """Return the windows of held-out text, what the last site holds, and what follows it."""
    live = evidence.live
    assert live is not None
    windows = windows_in(live.store, LAST_SITE, held_out=True)
    tokens = torch.from_numpy(windows.ids)
    assert (tokens >= 0).all(), "SAEBench knows no padding"
    model = live.subject.model
    norm = model.gpt_neox.final_layer_norm
    return {
        **weights_of(evidence.dictionary),
        "tokens": tokens,
        "special": tokens[torch.from_numpy(~windows.usable)].unique(),
        "site": live.subject.run(tokens, sites=[LAST_SITE]).activations[LAST_SITE],
        "norm_weight": norm.weight.detach(),
        "norm_bias": norm.bias.detach(),
        "norm_eps": torch.tensor(norm.eps),
        "unembed": model.get_output_embeddings().weight.detach(),
    }
