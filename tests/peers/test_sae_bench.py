"""SAEBench's scores and ours of one dictionary: the same where the definition is, or the reason.

``make peers``: needs a network at first, to make the environment. ``docs/measures/sae-bench.md``
has the figures that this prints (``-s``).
"""

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from benchmarks.rivals.environments import environment
from safetensors.torch import save_file

from peers.sae_bench_case import COIN, PAIR, Case, evidence_of, live_evidence, live_tensors
from tacit.evaluations.absorption import Absorption
from tacit.evaluations.attribution import atoms_for, attributions
from tacit.evaluations.concepts import UNKNOWN, Concept
from tacit.evaluations.fidelity import Fidelity, LossRecovered
from tacit.evaluations.linear_probes import fit_probe
from tacit.evaluations.perturbation import TargetedPerturbation
from tacit.evaluations.probing import SparseProbing
from tacit.evaluations.readings import Reading, figure_over, grouped, value_of
from tacit.evaluations.spurious import SpuriousRemoval
from tacit.metrics.concept_features import split_count, targeted_drops
from tacit.metrics.recall import mean_recall
from tacit.models import load_subject

pytestmark = [pytest.mark.peers, pytest.mark.timeout(1800)]
SCRIPT = Path(__file__).parent / "sae_bench_peer.py"
KS, ATOMS = (1, 2, 5, 20), (2, 5, 10, 20)
KINDS = ("absorbing", "random")


@pytest.fixture(scope="module")
def lives(tmp_path_factory):
    folder, subject = tmp_path_factory.mktemp("stores"), load_subject("stories")
    return {
        start: live_evidence(subject, folder / start, bos=start == "opened")
        for start in ("plain", "opened")
    }


@pytest.fixture(scope="module", params=KINDS)
def both(request, lives, tmp_path_factory):
    """A case, and what SAEBench says of it."""
    case, folder = Case(evidence_of(request.param)), tmp_path_factory.mktemp("asked")
    tensors = case.tensors()
    for start, live in lives.items():
        own = live_tensors(live).items()
        tensors |= {f"{start} {name}": each.clone().contiguous() for name, each in own}
    save_file(tensors, folder / "case.safetensors")
    told = {**os.environ, "HF_HUB_OFFLINE": "1"}
    asked = [environment("sae_bench"), SCRIPT, folder / "case.safetensors", folder / "said"]
    subprocess.run(asked, check=True, env=told, capture_output=True)
    return request.param, case, json.loads((folder / "said").read_text(encoding="utf-8"))


def said(*of, **figures: float) -> None:
    """Print a line of the page's tables."""
    numbers = "  ".join(f"{name} {value:.4f}" for name, value in figures.items())
    print(f"\n{' '.join(map(str, of)):<32}{numbers}", end="")  # noqa: T201


def read(measure, evidence, *concepts: Concept):
    """Return units by figure and coordinates, of some concepts or of what there is."""
    own = replace(evidence, concepts=concepts) if concepts else evidence
    found = [each for each in measure.read(own, seed=0) if isinstance(each, Reading)]
    return {
        (figure, *dict(of).values()): units
        for (figure, of), units in grouped(found).items()
    }


def overall(units) -> float:
    over = figure_over(units)
    assert over is not None
    return over.value


def test_active_atoms_and_squared_errors_are_the_same_and_variance_is_not(both):
    kind, case, theirs = both
    core, ours = theirs["core"], read(Fidelity(), case.evidence)
    fvu, l0 = (overall(ours[figure,]) for figure in ("fvu", "l0"))
    said(kind, "l0", ours=l0, theirs=core["l0"])
    assert core["l0"] == pytest.approx(l0, rel=1e-6)
    rows = case.evidence.activations[torch.from_numpy(case.evidence.held_out)].double()
    spread = float((rows - rows.mean(dim=0)).square().sum(dim=1).mean())
    error = core["mse"] * core["batch_rows"]
    assert error / spread == pytest.approx(fvu, rel=1e-5)
    # Theirs takes the mean of squares for the square of the mean.
    size = float(rows.square().sum(dim=1).mean())
    taken = size - (size / rows.shape[1]) ** 2
    assert 1 - core["explained_variance"] == pytest.approx(error / taken, rel=1e-4)
    said(
        kind,
        "fvu",
        ours=fvu,
        theirs=1 - core["explained_variance"],
        legacy=1 - core["explained_variance_legacy"],
    )
    assert abs(1 - core["explained_variance"] - fvu) > 0.05


@pytest.mark.parametrize("start", ["plain", "opened"])
def test_the_loss_recovered_is_the_same(both, lives, start):
    kind, _, theirs = both
    ours = read(LossRecovered(windows=None), lives[start])
    (against,) = (units for (_, place, *_), units in ours.items() if place == "zero")
    found = theirs[f"{start} loss"]["ce_loss_score"]
    said(kind, start, "loss", ours=overall(against), theirs=found)
    # With a special token first, too: at the last site it speaks of the first word alone, whose
    # loss theirs leaves out, and which ours leaves as it was.
    assert found == pytest.approx(overall(against), abs=1e-5)


def likewise(case, concept, k):
    """Return the atoms of largest difference of means, and the accuracy of our probe of them."""
    drawn, codes = case.drawn(concept), case.evidence.codes.toarray()
    train, test = (np.concatenate(list(drawn[side].values())) for side in ("train", "test"))
    means = [codes[rows].mean(axis=0) for rows in drawn["train"].values()]
    atoms = np.argsort(-np.abs(means[1] - means[0]), kind="stable")[:k]
    # Ours divides codes by their spread before it fits, so this is the same penalty.
    penalty = float(codes[train][:, atoms].var(axis=0).mean())
    probe = fit_probe(codes[train][:, atoms], concept.truth[train], inverse_penalty=penalty)
    return atoms, mean_recall(probe.told(codes[test][:, atoms]), concept.truth[test])


def test_probes_of_atoms_chosen_likewise_tell_as_much(both):
    kind, case, theirs = both
    for k in KS:
        accuracies = []
        for concept in case.binary:
            own = theirs["probing"][f"binary {concept.name}"]
            atoms, accuracy = likewise(case, concept, k)
            assert set(atoms) == set(own[f"atoms {k}"]), (concept.name, k)
            # A few rows at the boundary, as the solvers stop at different places.
            assert accuracy == pytest.approx(own[f"accuracy {k}"], abs=0.01)
            ours = read(SparseProbing(), case.evidence, case.only_drawn(concept))
            value = overall(ours["sparse_probe_accuracy", k])
            if concept.name != COIN:
                accuracies.append((value, accuracy, own[f"accuracy {k}"]))
        ours, same, found = np.mean(accuracies, axis=0)
        said(kind, "probing", k, ours=ours, likewise=same, theirs=found)
        # One by spread is never much worse than one by difference alone.
        assert ours > found - 0.02


def test_dense_probes_agree(both):
    kind, case, theirs = both
    pairs = {}
    for concept in case.binary:
        ours = read(SparseProbing(), case.evidence, case.only_drawn(concept))
        found = theirs["probing"][f"binary {concept.name}"]["dense"]
        pairs[concept.name] = overall(ours["dense_probe_accuracy",]), found
    said(kind, "dense of a coin", ours=pairs[COIN][0], theirs=pairs.pop(COIN)[1])
    ours, found = np.mean(list(pairs.values()), axis=0)
    said(kind, "dense", ours=ours, theirs=found)
    assert all(found == pytest.approx(ours, abs=0.02) for ours, found in pairs.values())


def taken_out_likewise(case, probes, n):
    """Return targeted drops with SAEBench's probes, atoms and rows being chosen as ours are."""
    evidence, concept = case.evidence, case.several
    train, test = (
        np.concatenate(list(each.values())) for each in case.drawn(concept).values()
    )
    rows, truth = evidence.activations.numpy()[test], concept.truth[test]
    drops = np.zeros((len(probes), len(probes)))
    for one, name in enumerate(probes):
        has_it = concept.truth == concept.classes.index(name)
        atoms = atoms_for(evidence, has_it, train, np.array(probes[name][:-1]), n)
        left = rows - evidence.part_of(atoms, test).numpy()
        for other, (judge, (*normal, offset)) in enumerate(probes.items()):
            own = (truth == concept.classes.index(judge)).astype(np.int64)
            before, after = (
                mean_recall((each @ np.array(normal) + offset > 0).astype(np.int64), own)
                for each in (rows, left)
            )
            drops[one, other] = before - after
    return targeted_drops(drops).mean()


def test_targeted_perturbation_is_the_same_sum_and_with_the_same_probes_the_same(both):
    kind, case, theirs = both
    own = theirs["tpp"][f"several {case.several.name}"]
    classes = list(own["clean"])
    ours = read(
        TargetedPerturbation(atoms=ATOMS), case.evidence, case.only_drawn(case.several)
    )
    for n in ATOMS:
        found = own["overall"][f"tpp_threshold_{n}_total_metric"]
        drops = [
            [own["clean"][j] - own["after"][i][str(n)][j] for j in classes] for i in classes
        ]
        assert targeted_drops(np.array(drops)).mean() == pytest.approx(found, abs=1e-9)
        same = taken_out_likewise(case, own["probes"], n)
        value = overall(ours["targeted_perturbation", n])
        fewest = min(np.sum(np.array(each) > 0) for each in own["effects"].values())
        said(kind, "tpp", n, ours=value, likewise=same, theirs=found, positive=fewest)
        idle = sum(effect == 0 for effect in own["of_taken"][str(n)])
        assert (idle > 0) == (sum(np.array(own["effects"][own["class"]]) > 0) < n)
        # Theirs finds effects and judges on a third of the rows without a class, drawn anew each
        # time. Where fewer atoms speak for a class, it takes any of no effect, too.
        if n <= fewest:
            assert same == pytest.approx(found, abs=0.03)


def test_effects_on_a_probe_and_rows_without_atoms_are_the_same(both):
    _, case, theirs = both
    evidence, concept = case.evidence, case.binary[0]
    own = theirs["tpp"][f"binary {concept.name}"]
    has_it = concept.truth == concept.classes.index(own["class"])
    drawn = case.drawn(concept)
    train = np.concatenate(list(drawn["train"].values()))
    normal = np.array(own["probes"][own["class"]][:-1])
    effects = attributions(evidence, has_it, train, normal)
    np.testing.assert_allclose(effects, own["effects"][own["class"]], atol=1e-5)
    chosen = atoms_for(evidence, has_it, train, normal, 2)
    assert set(chosen) == set(own["ablated"])
    rows = drawn["test"][own["class"]]
    left = evidence.activations[torch.from_numpy(rows)] - evidence.part_of(chosen, rows)
    torch.testing.assert_close(left, torch.tensor(own["rows_after"]), atol=1e-5, rtol=1e-5)


def removed_likewise(case, probes, n, other, wanted, *, held):
    """Return spurious removal with SAEBench's probes: atoms of ``other`` set to 0, or held."""
    evidence, vectors = case.evidence, case.evidence.activations.numpy()
    names = list(case.pair.classes)
    train, test = (
        np.concatenate([side[name] for name in names])
        for side in case.drawn(case.pair).values()
    )
    has_other, has_wanted = (
        np.isin(case.pair.truth, [names.index(each) for each in PAIR[key]])
        for key in (other, wanted)
    )
    normal = np.array(probes[other][:-1])
    effects = attributions(evidence, has_other, train, normal, either_side=True)
    atoms = np.argsort(-np.abs(effects))[:n]
    usual = evidence.part_of(atoms, train).mean(dim=0).numpy() if held else 0
    left = vectors[test] - evidence.part_of(atoms, test).numpy() + usual

    def right(key, rows):
        *normal, offset = probes[key]
        return np.mean((rows @ np.array(normal) + offset > 0) == has_wanted[test])

    biased = "male_professor / female_nurse"
    before = right(biased, vectors[test])
    return (right(biased, left) - before) / (right(wanted, vectors[test]) - before)


def test_spurious_removal_differs_by_its_probes_and_by_what_stands_in_for_atoms(both):
    kind, case, theirs = both
    drawn = case.only_drawn(case.pair).is_known
    wanted, other = (
        replace(each, truth=np.where(drawn, each.truth, UNKNOWN))
        for each in case.binary[:2]
    )
    found = SpuriousRemoval(atoms=ATOMS).read(
        replace(case.evidence, concepts=(wanted, other)), seed=0
    )
    own = theirs["scr"]
    for direction, keys, unit in (
        (1, ("male / female", "professor / nurse"), f"{other.name} without {wanted.name}"),
        (2, ("professor / nurse", "male / female"), f"{wanted.name} without {other.name}"),
    ):
        for n in ATOMS:
            (ours,) = (
                each.top / each.bottom
                for each in found
                if isinstance(each, Reading) and each.of["atoms"] == n and each.part == unit
            )
            score = own["scores"][f"scr_dir{direction}_threshold_{n}"]
            same, held = (
                removed_likewise(case, own["probes"], n, *keys, held=each)
                for each in (False, True)
            )
            said(
                kind, "scr", direction, n, ours=ours, held=held, likewise=same, theirs=score
            )
            assert same == pytest.approx(score, abs=1e-5)


def test_absorption_is_the_same_from_the_same_zero(both):
    kind, case, theirs = both
    # So that a concept's own atom is its only main one, as SAEBench is told here, and its probe
    # that of all training rows.
    ours = read(Absorption(split_gain=0.2, train_rows=10_000), case.evidence, *case.parents)
    for concept in case.parents:
        own = theirs["absorption"][f"absorbed {concept.name}"]
        value = value_of(ours["absorbed_share",][concept.name])
        split = value_of(ours["split_features",][concept.name])
        said(
            kind,
            concept.name,
            split=split,
            ours=value,
            likewise=own["likewise"]["full"],
            theirs=own["as it is"]["full"],
            fraction=own["as it is"]["fraction"],
        )
        if kind == "absorbing":
            assert split == 1
            assert value == pytest.approx(own["likewise"]["full"], abs=1e-9)


def test_splits_are_counted_alike_and_found_otherwise(both):
    kind, case, theirs = both
    ours = read(Absorption(), case.evidence, *case.binary)["split_features",]
    for concept in case.binary:
        own = theirs["splits"][f"binary {concept.name}"]
        said(
            kind,
            concept.name,
            "splits",
            ours=value_of(ours[concept.name]),
            theirs=own["atoms"],
        )
        assert split_count(own["f1s"], least_gain=0.03) == own["atoms"]
