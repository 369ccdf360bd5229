"""What patching finds in subjects whose circuits are known: all of the circuit, nothing else."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from tacit.data.pairs import Pair
from tacit.dictionaries import InputContract
from tacit.dictionaries.selections import AboveThreshold, Largest
from tacit.interventions.differences import code_difference
from tacit.interventions.features import scale_features, steer
from tacit.interventions.patching import (
    attributed_effects,
    check_matters,
    exact_effects,
    patching,
)
from tacit.models.circuits import CIRCUITS
from tacit.models.prompt_pairs import last_logits, read_pairs

from .conftest import dictionary_of

NOTHING, SOMETHING = 1e-3, 0.1
"""Nats: rounding leaves less than the one, what the circuit does is more than the other."""
PAGE = Path(__file__).parents[2] / "docs" / "directions.md"


def pair(clean, counterfactual, answer, other):
    """A pair with a role for each word, by its place behind BOS."""
    roles, start = {}, 0
    for place, word in enumerate(clean.split(), start=1):
        roles[str(place)] = (start, start + len(word))
        start += len(word) + 1
    return Pair(
        task="by hand",
        clean=clean,
        counterfactual=counterfactual,
        answer=f" {answer}",
        other=f" {other}",
        roles=roles,
    )


def both(place, space, *labels):
    return {(place, f"{space}: {label}") for label in labels}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A pair and, for each site, the features that matter where they differ."""

    circuit: str
    pair: Pair
    truth: dict[str, set[tuple[int, str]]]


CASES = {
    "copying: what stood there": Case(
        circuit="copying",
        pair=pair("a b c", "a d c", "b", "d"),
        truth={
            "embed": both(2, "token", "b", "d"),
            "attn_out.0": both(3, "copied", "b", "d"),
            "resid.0": both(3, "copied", "b", "d"),
        },
    ),
    "induction: what followed": Case(
        circuit="induction",
        pair=pair("a b c a", "a d c a", "b", "d"),
        truth={
            "embed": both(2, "token", "b", "d"),
            "resid.0": both(2, "token", "b", "d"),
            "attn_out.1": both(4, "copied", "b", "d"),
            "resid.1": both(4, "copied", "b", "d"),
        },
    ),
    # Where both letters stand, the one that is looked for decides.
    "induction: where it stood": Case(
        circuit="induction",
        pair=pair("a b c d a", "c b a d a", "b", "d"),
        truth={
            "embed": {(1, "token: a"), (3, "token: a")},
            "attn_out.0": {(2, "previous: a"), (4, "previous: a")},
            "resid.0": {(2, "previous: a"), (4, "previous: a")},
            "resid.1": both(5, "copied", "b", "d"),
        },
    ),
    "induction: what is looked for": Case(
        circuit="induction",
        pair=pair("a b c d a", "a b c d c", "b", "d"),
        truth={
            "embed": both(5, "token", "a", "c"),
            "resid.0": both(5, "token", "a", "c"),
            "resid.1": both(5, "copied", "b", "d"),
        },
    ),
    "brackets: of which kind": Case(
        circuit="brackets",
        pair=pair("( a b", "[ a b", ")", "]"),
        truth={
            "embed": both(1, "bracket", "(", "["),
            "attn_out.0": both(3, "balance", "round", "square"),
            "mlp_out.0": both(3, "open", "round", "square"),
            "resid.0": both(3, "open", "round", "square"),
        },
    ),
    "brackets: whether": Case(
        circuit="brackets",
        pair=pair("( a b c", "( a ) c", ")", "."),
        truth={
            "embed": {(3, "bracket: )")},
            "attn_out.0": {(4, "balance: round")},
            "resid.0": {(4, "open: round")},
        },
    ),
    "name mover: who else": Case(
        circuit="name mover",
        pair=pair("Ann and Bob met , Bob gave it to", "Cid and Bob met , Bob gave it to",
                  "Ann", "Cid"),
        truth={
            "embed": both(1, "name", "Ann", "Cid"),
            "resid.0": both(1, "name", "Ann", "Cid"),
            "resid.1": both(1, "name", "Ann", "Cid"),
            "attn_out.2": both(9, "moved", "Ann", "Cid"),
            "resid.2": both(9, "moved", "Ann", "Cid"),
        },
    ),
    # A second Ann at place 6 would be found by the mover, once Bob alone is inhibited.
    "name mover: who gives": Case(
        circuit="name mover",
        pair=pair("Ann and Bob met , Bob gave it to", "Ann and Bob met , Ann gave it to",
                  "Ann", "Bob"),
        truth={
            "embed": both(6, "name", "Ann", "Bob"),
            "attn_out.0": both(6, "repeated", "Ann", "Bob"),
            "resid.0": both(6, "repeated", "Ann", "Bob") | {(6, "name: Ann")},
            "attn_out.1": both(9, "inhibited", "Ann", "Bob"),
            "resid.1": both(9, "inhibited", "Ann", "Bob") | {(6, "name: Ann")},
            "resid.2": both(9, "moved", "Ann", "Bob"),
        },
    ),
}  # fmt: skip
SITES = [(name, site) for name, case in CASES.items() for site in case.truth]


@pytest.fixture(scope="module")
def circuits():
    return {task: make() for task, make in CIRCUITS.items()}


def dictionary_at(circuit, site):
    """Every direction of the circuit as an atom; rounding is below the threshold."""
    return dictionary_of(
        circuit.directions,
        AboveThreshold(),
        thresholds=torch.full((len(circuit.directions),), 1e-2),
        contract=InputContract(site=site),
    )


def read_case(circuits, name):
    case = CASES[name]
    circuit = circuits[case.circuit]
    return circuit, read_pairs(circuit.subject, [case.pair])


def named(circuit, rows):
    return {circuit.names[row] for row in rows.nonzero()[:, 0]}


def rows_of(circuit, spaces):
    """Which rows of the circuit's directions lie in some spaces."""
    return torch.tensor([name.partition(":")[0] in spaces for name in circuit.names])


def argmax_words(subject, texts, **edits):
    flow = subject.run(texts, prepend_bos=True, logits=True, **edits)
    best = flow.logits[:, -1].argmax(dim=1).tolist()
    return [subject.tokenizer.decode([token]) for token in best]


@pytest.mark.parametrize(("name", "site"), SITES)
def test_single_patches_find_the_features_and_positions_of_the_circuit(
    circuits, name, site
):
    circuit, prompts = read_case(circuits, name)
    runs = patching(circuit.subject, prompts)
    found, differing = set(), set()
    for place in prompts.positions:
        difference = code_difference(
            circuit.subject, prompts, site, dictionary_at(circuit, site), role=place
        )
        if not len(difference.feature):
            continue
        effects = exact_effects(runs, difference)[0].abs()
        assert ((effects < NOTHING) | (effects > SOMETHING)).all()
        found |= {(int(place), feature) for feature in named(circuit, effects > NOTHING)}
        differs = named(circuit, difference.candidates()[0])
        differing |= {(int(place), feature) for feature in differs}
    assert found == CASES[name].truth[site]
    # Elsewhere something else differs too: what idle heads write, say.
    assert differing > found or site in ("embed", "mlp_out.0")


@pytest.mark.parametrize(("name", "site"), SITES)
def test_the_circuit_s_features_together_are_all_that_passes_a_site(circuits, name, site):
    circuit, prompts = read_case(circuits, name)
    runs = patching(circuit.subject, prompts)
    difference = code_difference(
        circuit.subject, prompts, site, dictionary_at(circuit, site)
    )
    check_matters(runs, difference)
    used = rows_of(circuit, circuit.used(site))
    ours, others = (
        runs.distances(site, difference.clean + difference.change(chosen[None]))
        for chosen in (used, ~used)
    )
    assert ours.item() == pytest.approx(0, abs=NOTHING)
    assert others.item() == pytest.approx(runs.distance.item(), abs=NOTHING)


STRAIGHT = [
    ("copying: what stood there", "embed"),
    ("copying: what stood there", "resid.0"),
    ("induction: what followed", "embed"),
    ("induction: what followed", "resid.0"),
    ("induction: where it stood", "resid.1"),
    ("brackets: of which kind", "resid.0"),
    ("brackets: whether", "resid.0"),
    ("name mover: who else", "embed"),
    ("name mover: who else", "resid.1"),
    ("name mover: who gives", "resid.2"),
]
"""Ways on which values are moved, and nothing decides where from."""
DECIDED = [
    ("induction: where it stood", "embed"),
    ("induction: where it stood", "resid.0"),
    ("induction: what is looked for", "resid.0"),
    ("name mover: who gives", "embed"),
    ("name mover: who gives", "attn_out.0"),
    ("name mover: who gives", "attn_out.1"),
]
"""Ways through attention that looks elsewhere in the counterfactual run."""


def attributed(circuits, name, site, at):
    """Features with a hundredth of the largest attribution, and that; the exact ones."""
    circuit, prompts = read_case(circuits, name)
    runs = patching(circuit.subject, prompts)
    difference = code_difference(
        circuit.subject, prompts, site, dictionary_at(circuit, site)
    )
    found = attributed_effects(runs, difference, at=at)[0].abs()
    exact = exact_effects(runs, difference)[0]
    largest = found.max().item()
    return named(circuit, found > largest / 100), largest, named(circuit, exact > NOTHING)


@pytest.mark.parametrize(("name", "site"), STRAIGHT)
@pytest.mark.parametrize("at", [0.0, 0.5])
def test_attribution_finds_the_features_whose_values_are_moved(circuits, name, site, at):
    found, largest, exact = attributed(circuits, name, site, at)
    assert found == exact
    assert largest > SOMETHING


@pytest.mark.parametrize(("name", "site"), DECIDED)
def test_attribution_misses_where_attention_looks_unless_taken_half_way(
    circuits, name, site
):
    """Attention as good as hard has no slope at the clean run; half-way it is undecided."""
    _, nothing, exact = attributed(circuits, name, site, 0.0)
    assert nothing < NOTHING
    found, largest, _ = attributed(circuits, name, site, 0.5)
    assert found == exact
    assert largest > SOMETHING


def test_attribution_misses_what_neurons_at_their_limit_hide(circuits):
    """A balance far above the threshold has no slope; patched alone it closes the bracket."""
    for at in (0.0, 0.5):
        _, nothing, exact = attributed(circuits, "brackets: whether", "attn_out.0", at)
        assert nothing < NOTHING
        assert exact == {"balance: round"}


def test_axes_of_the_stream_are_not_the_circuit(circuits):
    """In the neuron basis no axis does a tenth of what the one feature does."""
    circuit, prompts = read_case(circuits, "induction: where it stood")
    width = len(circuit.directions)
    axes = dictionary_of(
        torch.eye(width), Largest(k=width), contract=InputContract(site="resid.0")
    )
    runs = patching(circuit.subject, prompts)
    difference = code_difference(circuit.subject, prompts, "resid.0", axes)
    effects = exact_effects(runs, difference)[0]
    assert effects.max() < runs.distance.item() / 10


def test_an_ablated_feature_breaks_its_own_word_and_no_other(circuits):
    circuit = circuits["induction"]
    ablated = scale_features(
        dictionary_at(circuit, "resid.0"), [circuit.row("previous", "a")], 0.0
    )
    texts = ["a b c d a", "a b c d c", "b a d c b"]
    assert argmax_words(circuit.subject, texts) == ["b", "d", "a"]
    edits = {"resid.0": ablated}
    assert argmax_words(circuit.subject, texts, edits=edits)[1:] == ["d", "a"]
    flow = circuit.subject.run(texts[:1], prepend_bos=True, logits=True, edits=edits)
    assert flow.logits[0, -1].abs().max() < NOTHING


@pytest.mark.parametrize("name", sorted(CASES))
def test_all_that_is_not_the_circuit_s_may_be_ablated(circuits, name):
    circuit, prompts = read_case(circuits, name)
    plain = last_logits(circuit.subject, prompts.clean)
    for site in CASES[name].truth:
        others = (~rows_of(circuit, circuit.used(site))).nonzero()[:, 0].tolist()
        edit = scale_features(dictionary_at(circuit, site), others, 0.0)
        found = last_logits(circuit.subject, prompts.clean, edits={site: edit})
        torch.testing.assert_close(found, plain, atol=NOTHING, rtol=0)


def test_steering_makes_the_circuit_do_what_the_direction_says(circuits):
    circuit = circuits["induction"]
    text = ["a b c d e"]
    here = torch.arange(6)[None] == 3
    previous = steer(circuit.direction("previous", "e"), 1.0, here)
    copied = steer(circuit.direction("copied", "g"), 1.0)
    unused = steer(circuit.direction("unused", "0"), 5.0)
    subject = circuit.subject
    assert argmax_words(subject, text, edits={"resid.0": previous}) == ["c"]
    assert argmax_words(subject, text, edits={"resid.1": copied}) == ["g"]
    plain, steered = (
        subject.run(text, prepend_bos=True, logits=True, edits=edits).logits
        for edits in ({}, {"resid.0": unused})
    )
    torch.testing.assert_close(steered, plain, atol=NOTHING, rtol=0)
    brackets = circuits["brackets"]
    opened = steer(brackets.direction("open", "square"), 1.0)
    assert argmax_words(brackets.subject, ["a b"], edits={"resid.0": opened}) == ["]"]


def test_the_example_on_the_page_runs():
    section = PAGE.read_text().partition("## Subjects whose circuits are known")[2]
    (block, *_) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    exec(compile(block, "docs/directions.md, known circuits", "exec"), {})
