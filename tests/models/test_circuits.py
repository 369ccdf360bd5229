"""Hand-set circuits against what a few lines of Python say of the same words."""

import itertools

import pytest
import torch

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.models import load_subject, sample
from tacit.models.circuits import CIRCUITS
from tacit.models.circuits.attention_only import LETTERS, PEOPLE, TALK
from tacit.models.circuits.blank import CONTEXT
from tacit.models.circuits.brackets import BRACKETS
from tacit.models.circuits.wiring import GAIN

NUM_PROMPTS, NUM_DIRECTION_PROMPTS = 60, 4
ROUNDING = 1e-4
"""In logits: a rounding of a score of 40, or of a mean times 32, moves them by up to 5e-5."""


def copied(words):
    return {words[-2]: GAIN} if len(words) > 1 else {}


def induced(words):
    """What followed the current word before, each in its share."""
    followers = [
        after for before, after in itertools.pairwise(words) if before == words[-1]
    ]
    return {word: GAIN * followers.count(word) / len(followers) for word in followers}


def closing(words):
    kinds = {")": "()", "]": "[]"}
    still_open = {
        end: GAIN for end, (a, b) in kinds.items() if words.count(a) > words.count(b)
    }
    return {".": GAIN / 2, **still_open}


def standing_once(words):
    """Names that are not the repeated one; before any is, names in the shares they stand in."""
    names = [word for word in words if word in PEOPLE]
    left = [name for name in names if names.count(name) == 1]
    return {name: GAIN / len(left) for name in left}


ORACLES = {
    "copying": copied,
    "induction": induced,
    "brackets": closing,
    "name mover": standing_once,
}


def random_prompts(task, length=CONTEXT - 1):
    rng = stream(0, f"tests/circuits/{task}")
    words = {"brackets": [*BRACKETS, "a", "b"]}.get(task, LETTERS)
    if task != "name mover":
        return [list(rng.choice(words, length)) for _ in range(NUM_PROMPTS)]
    return [mentions(rng, length) for _ in range(NUM_PROMPTS)]


def mentions(rng, length):
    """Talk in which one name stands twice and one or two others once, in any order."""
    twice, *once = rng.permutation(PEOPLE)[: rng.integers(2, 4)]
    words = list(rng.choice(TALK, length))
    places = rng.choice(length, 2 + len(once), replace=False)
    for place, name in zip(places, [twice, twice, *once], strict=True):
        words[place] = name
    return words


def logits_of(subject, prompts):
    """Logits behind every word of prompts of one length (n t v), BOS left out."""
    flow = subject.run(
        [" ".join(words) for words in prompts], logits=True, prepend_bos=True
    )
    return flow.logits[:, 1:]


def expected_of(task, subject, prompts):
    """What the oracle says behind every word."""
    found = torch.zeros(len(prompts), len(prompts[0]), subject.vocab_size)
    for row, words in enumerate(prompts):
        for end in range(len(words)):
            for word, logit in ORACLES[task](words[: end + 1]).items():
                found[row, end, subject.tokenize(word).ids[0]] = logit
    return found


@pytest.fixture(scope="module")
def circuits():
    return {task: make() for task, make in CIRCUITS.items()}


@pytest.fixture(params=sorted(CIRCUITS))
def task(request):
    return request.param


@pytest.fixture
def circuit(circuits, task):
    return circuits[task]


def test_every_circuit_has_an_oracle():
    assert ORACLES.keys() == CIRCUITS.keys()


def test_all_logits_are_what_the_task_says(task, circuit):
    """Behind every word of random prompts that fill the context; the name mover at the end."""
    prompts = random_prompts(task)
    found, expected = (
        logits_of(circuit.subject, prompts),
        expected_of(task, circuit.subject, prompts),
    )
    ends = slice(-1, None) if task == "name mover" else slice(None)
    torch.testing.assert_close(found[:, ends], expected[:, ends], atol=ROUNDING, rtol=0)


@pytest.mark.parametrize(
    ("chosen", "words", "length"),
    [
        ("copying", LETTERS, 3),
        ("induction", LETTERS[:5], 5),
        ("brackets", (*BRACKETS, "a"), 5),
    ],
)
def test_every_short_prompt_ends_as_it_should(circuits, chosen, words, length):
    prompts = [list(words) for words in itertools.product(words, repeat=length)]
    subject = circuits[chosen].subject
    expected = expected_of(chosen, subject, prompts)
    torch.testing.assert_close(logits_of(subject, prompts), expected, atol=ROUNDING, rtol=0)


def test_every_order_of_two_people_ends_in_the_one_who_stood_once(circuits):
    subject = circuits["name mover"].subject
    prompts = [
        [first, "and", second, "left", ",", third, "gave", "it", "to"]
        for one, other in itertools.permutations(PEOPLE, 2)
        for first, second, third in ((one, other, one), (other, one, one))
    ]
    answers = logits_of(subject, prompts)[:, -1].argmax(dim=1).tolist()
    assert [subject.tokenizer.decode([answer]) for answer in answers] == [
        next(word for word in words if word in PEOPLE and words.count(word) == 1)
        for words in prompts
    ]


def test_each_head_of_the_circuit_is_needed_and_no_other(task, circuit):
    prompts = random_prompts(task, 12)
    expected = expected_of(task, circuit.subject, prompts)[:, -1]
    whole = logits_of(circuit.subject, prompts)
    right = expected == expected.amax(dim=1, keepdim=True)
    decided = right.sum(dim=1) == 1
    needed = {part.head for part in circuit.parts.values() if part.head is not None}
    layers = circuit.subject.model.config.n_layer
    for at in itertools.product(range(layers), range(2)):
        found = logits_of(circuit.without(*at), prompts)
        if at not in needed:
            torch.testing.assert_close(found, whole, atol=ROUNDING, rtol=0)
            continue
        last = found[:, -1]
        best_right = last.masked_fill(~right, -torch.inf).amax(dim=1)
        best_wrong = last.masked_fill(right, -torch.inf).amax(dim=1)
        # Brackets that are closed stay so when nobody counts.
        matters = decided & ((task != "brackets") | (expected.amax(dim=1) > GAIN / 2))
        assert matters.sum() >= 10
        assert (best_right <= best_wrong + ROUNDING)[matters].all()
    assert {part.head for part in circuit.idle} == {
        at for at in itertools.product(range(layers), range(2)) if at not in needed
    }


def test_values_lie_in_the_spaces_that_the_table_tells(task, circuit):
    texts = [" ".join(words) for words in random_prompts(task)]
    subject = circuit.subject
    sites = [site for site in subject.sites() if not site.startswith("mlp.")]
    flow = subject.run(texts, sites=sites, prepend_bos=True)
    for site, value in flow.activations.items():
        sizes = (value @ circuit.directions.T).abs().amax(dim=(0, 1))
        held = {
            space
            for space, labels in circuit.spaces.items()
            if sizes[[*labels.values()]].max() > 1e-3
        }
        assert held == circuit.written(site), site


def test_logits_change_along_the_spaces_that_the_table_tells(task, circuit):
    """Each direction in turn, added at every other position."""
    subject, width = circuit.subject, len(circuit.directions)
    prompts = [" ".join(words) for words in random_prompts(task)[:NUM_DIRECTION_PROMPTS]]
    ids = subject.batch(prompts, prepend_bos=True).ids.repeat(width, 1)
    steered = circuit.directions.repeat_interleave(NUM_DIRECTION_PROMPTS, dim=0)[:, None]
    places = (torch.arange(CONTEXT) % 2)[:, None]
    plain = subject.run(ids, logits=True).logits
    for site in subject.sites():
        if site.startswith("mlp."):
            continue
        flow = subject.run(
            ids, edits={site: lambda value: value + places * steered}, logits=True
        )
        change = (flow.logits - plain).abs().amax(dim=(1, 2))
        largest = change.reshape(width, NUM_DIRECTION_PROMPTS).amax(dim=1)
        moving = {
            space
            for space, labels in circuit.spaces.items()
            if largest[[*labels.values()]].max() > 1e-3
        }
        assert moving == circuit.read(site), site
        silent = [
            row
            for name in circuit.spaces.keys() - moving
            for row in circuit.spaces[name].values()
        ]
        assert largest[silent].max() < ROUNDING


def test_the_norms_take_the_mean_away_and_nothing_else(circuit):
    mixed = torch.randn(
        50, len(circuit.directions), generator=torch.Generator().manual_seed(0)
    )
    expected = mixed - mixed.mean(dim=1, keepdim=True)
    model = circuit.subject.model.transformer
    for norm in (model.h[0].ln_1, model.h[0].ln_2, model.ln_f):
        torch.testing.assert_close(norm(mixed), expected, atol=1e-6, rtol=0)


def test_directions_are_an_orthonormal_basis_and_carry_no_mean_but_one(circuit):
    basis = circuit.directions
    torch.testing.assert_close(basis @ basis.T, torch.eye(len(basis)), atol=1e-5, rtol=0)
    assert basis[:-1].mean(dim=1).abs().max() < 1e-6
    assert circuit.names[-1].startswith("unused: ")
    assert len(circuit.names) == len(set(circuit.names)) == len(basis)


def test_the_previous_token_is_read_off_the_induction_circuit(circuits):
    circuit = circuits["induction"]
    (words,) = random_prompts("induction", 20)[:1]
    flow = circuit.subject.run(
        [" ".join(words)], sites=["resid.0", "resid.1"], prepend_bos=True
    )
    for place, word in enumerate(words[:-1], start=1):
        after = flow.activations["resid.0"][0, place + 1]
        found = torch.stack([circuit.direction("previous", one) @ after for one in LETTERS])
        assert found.tolist() == pytest.approx(
            [float(one == word) for one in LETTERS], abs=1e-5
        )
    shares = induced(words)
    for word in LETTERS:
        size = circuit.direction("copied", word) @ flow.activations["resid.1"][0, -1]
        assert size.item() == pytest.approx(shares.get(word, 0) / GAIN, abs=1e-5)


def test_the_circuit_goes_through_the_sites_that_it_should(circuits):
    induction = circuits["induction"]
    assert induction.used("resid.0") == {"start", "token", "previous"}
    assert induction.used("resid.1") == induction.used("attn_out.1") == {"copied"}
    assert induction.used("mlp_out.0") == set()
    assert circuits["brackets"].used("attn_out.0") == {"balance"}
    assert circuits["brackets"].used("resid.0") == {"open"}
    assert circuits["name mover"].used("attn_out.1") == {"inhibited"}
    with pytest.raises(UserError, match=r"'mlp.0'.*residual stream"):
        induction.used("mlp.0")


def test_all_sites_hold(circuit):
    assert circuit.subject.site_map.refused == {}
    assert circuit.subject.knows_head


def test_a_seed_turns_the_directions_and_leaves_the_task(task, circuit):
    state = torch.get_rng_state()
    other = CIRCUITS[task](seed=1)
    assert torch.equal(torch.get_rng_state(), state)
    assert (other.directions[:-1] @ circuit.directions[:-1].T).abs().max() < 0.9
    prompts = random_prompts(task)[:5]
    torch.testing.assert_close(
        logits_of(other.subject, prompts),
        logits_of(circuit.subject, prompts),
        atol=ROUNDING,
        rtol=0,
    )
    assert CIRCUITS[task]().subject.digest == circuit.subject.digest


def test_a_circuit_is_an_ordinary_folder(task, circuit, tmp_path):
    circuit.subject.model.save_pretrained(tmp_path)
    circuit.subject.tokenizer.save_pretrained(tmp_path)
    again = load_subject(tmp_path)
    assert again.digest == circuit.subject.digest
    prompts = random_prompts(task)[:5]
    assert torch.equal(logits_of(again, prompts), logits_of(circuit.subject, prompts))


def test_induction_goes_on_with_what_it_read(circuits):
    subject = circuits["induction"].subject
    (prefix,) = subject.batch(["a b c d a"], prepend_bos=True).ids.tolist()
    written = sample(subject, [prefix], max_new_tokens=6, seeds=[0], temperature=0.0)
    assert subject.tokenizer.decode(written.ids[0]) == "b c d a b c"


def test_what_is_not_there_is_told(circuits):
    circuit = circuits["copying"]
    with pytest.raises(UserError, match=r"space of this circuit.*'previous'.*copied"):
        circuit.row("previous", "a")
    with pytest.raises(UserError, match=r"label of the space copied.*'z'"):
        circuit.row("copied", "z")
    with pytest.raises(UserError, match="head 2 of layer 0.*layers 0 to 0 of heads 0 to 1"):
        circuit.without(0, 2)
