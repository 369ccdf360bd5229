"""Steering: on a head whose tokens are axes, on stories, and against passes without a cache."""

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.dictionaries import DifferenceOfMeans, InputContract, LabelledRows
from tacit.dictionaries.selections import Relu
from tacit.interventions.equal_price import best_at_price, difference_at_price
from tacit.interventions.features import steer
from tacit.interventions.steering import Steered, says_first, steering_sweep
from tacit.interventions.ways import (
    Prompt,
    Push,
    feature_push,
    means_push,
    random_push,
)
from tacit.metrics.intervals import wilson
from tacit.models import load_subject, sample

from .conftest import dictionary_of

SITE, TOKEN, NUM_AXES = "resid.1", 5, 16
PREFIXES = [[0, 7, 30, 41], [0, 9, 12], [0, 3, 8, 100], [0, 44], [0, 2, 6], [0, 17, 1, 1]]
SEEDS = list(range(len(PREFIXES)))


def opts(max_new_tokens):
    return {"max_new_tokens": max_new_tokens, "seeds": SEEDS}


def says_token(written):
    return TOKEN in written


@pytest.fixture(scope="module")
def axes(tiny):
    """A subject whose head reads its first 16 tokens off the axes, and no other anywhere."""
    subject = load_subject(tiny)
    with torch.no_grad():
        head = subject.model.get_output_embeddings().weight
        head.zero_()
        head[:NUM_AXES] = 8 * torch.eye(NUM_AXES)
    return replace(subject, stop_ids=frozenset())


@pytest.fixture(scope="module")
def unembedding(axes):
    """A dictionary whose atoms are the directions that the head reads tokens off."""
    atoms = axes.model.get_output_embeddings().weight[:NUM_AXES].detach() / 8
    return dictionary_of(atoms, Relu(), contract=InputContract(site=SITE))


@pytest.fixture(scope="module")
def rows(axes):
    found = [
        axes.run(torch.tensor([prefix]), sites=(SITE,)).activations[SITE][0]
        for prefix in PREFIXES
    ]
    return torch.cat(found).float()


@pytest.fixture(scope="module")
def sweep(axes, unembedding, rows):
    push = feature_push("feature", SITE, unembedding, TOKEN, rows)
    ways = [push, random_push(push, stream(0, "test/control"))]
    other = torch.tensor([[0, 4, 9, 11], [0, 21, 3, -1]])
    return steering_sweep(
        axes,
        PREFIXES,
        ways,
        (0.5, 3, 30),
        says_token,
        other=other,
        **opts(6),
    )


def of(sweep, way):
    return {each.strength: each for each in sweep if each.way == way}


def test_the_unembedding_of_a_token_makes_it_certain(sweep):
    """The final norm leaves a far push alone: every draw is its token, which no control is."""
    pushed = of(sweep, "feature")
    assert set(pushed[30].written) == {(TOKEN,) * 6}
    assert pushed[30].share.value == 1 > pushed[0].share.value
    assert of(sweep, "random, for feature")[30].share.value < 0.5


def test_strength_nought_is_unsteered_sampling_to_the_bit(axes, sweep):
    plain = sample(axes, PREFIXES, **opts(6))
    for way in ("feature", "random, for feature"):
        unsteered = of(sweep, way)[0]
        assert [list(ids) for ids in unsteered.written] == plain.ids
        assert unsteered.losses == pytest.approx(
            [-sum(log) for log in plain.log_probs], rel=1e-4
        )
        assert unsteered.other_kl == 0
    assert [each.strength for each in sweep] == [0, 0.5, 3, 30] * 2


def test_the_cache_changes_nothing(axes, unembedding, rows, sweep):
    """Every token drawn again from whole passes with the edit at every position."""
    push = feature_push("feature", SITE, unembedding, TOKEN, rows)
    for strength in (0.5, 3.0):
        edits = {SITE: steer(push.direction, strength)}
        steered = of(sweep, "feature")[strength]
        for prefix, seed, written in zip(PREFIXES, SEEDS, steered.written, strict=True):
            ids = list(prefix)
            for drawn in stream(seed, "models/sample").random(6):
                logits = axes.run(torch.tensor([ids]), edits=edits, logits=True).logits
                sums = logits[0, -1].double().softmax(dim=-1).cumsum(dim=-1)
                ids.append(int((sums > drawn * sums[-1]).nonzero()[0]))
            assert tuple(ids[len(prefix) :]) == written


def test_the_price_is_that_of_the_subject_left_alone(axes, sweep):
    for steered in sweep:
        losses = []
        for prefix, written in zip(PREFIXES, steered.written, strict=True):
            ids = torch.tensor([[*prefix, *written]])
            logs = axes.run(ids, logits=True).logits[0].log_softmax(dim=-1)
            own = logs[len(prefix) - 1 : -1].gather(1, torch.tensor(written)[:, None])
            losses.append(-float(own.sum()))
        assert steered.losses == pytest.approx(losses, rel=1e-4)
        assert steered.price == pytest.approx(sum(losses) / (6 * len(PREFIXES)), rel=1e-4)


def test_price_and_divergence_rise_with_strength():
    """On stories, along a random direction that says nothing of any token."""
    subject = load_subject("stories")
    texts = ("Mary and John went to the park.", "Tom was sad, so he", "Anna gave a ring to")
    prefixes = [[subject.bos_id, *subject.tokenize(text).ids] for text in texts] * 4
    push = Push(name="x", site="resid.2", direction=torch.ones(64) / 8)
    control = random_push(push, stream(1, "test/control"))
    found = steering_sweep(
        subject,
        prefixes,
        [control],
        (6, 12, 24, 48),
        bool,
        max_new_tokens=8,
        seeds=list(range(12)),
        other=torch.tensor([prefixes[0]]),
    )
    for values in ([each.price for each in found], [each.other_kl for each in found]):
        assert values == sorted(values) and values[-1] > values[0] + 1


def test_a_prompt_is_there_or_not(axes):
    cued = [[0, 13, *prefix[1:]] for prefix in PREFIXES]
    plain, prompted = steering_sweep(
        axes,
        PREFIXES,
        [Prompt(name="cue", cued=cued)],
        (2, 9),
        says_token,
        other=torch.tensor([[0, 3]]),
        **opts(5),
    )
    assert (plain.strength, prompted.strength) == (0, 1)
    assert (plain.other_kl, prompted.other_kl) == (0, None)
    expected = sample(axes, cued, **opts(5))
    assert [list(ids) for ids in prompted.written] == expected.ids
    again = steering_sweep(
        axes, PREFIXES, [Prompt(name="cue", cued=PREFIXES)], (), bool, **opts(5)
    )
    assert again[1].written == plain.written
    assert np.array_equal(again[1].losses, plain.losses)


def test_a_share_has_wilsons_interval(sweep):
    for steered in sweep:
        count = sum(TOKEN in ids for ids in steered.written)
        assert steered.share == wilson(count, len(PREFIXES))
        assert steered.n == 6


def test_strength_one_is_an_activation_or_the_distance_of_the_means(unembedding, rows):
    values = rows[:, TOKEN].clamp(min=0)
    for mean, size in ((False, values.max()), (True, values[values > 0].mean())):
        push = feature_push("x", SITE, unembedding, TOKEN, rows, mean=mean)
        torch.testing.assert_close(push.direction, size * torch.eye(NUM_AXES)[TOKEN])
    has_it = torch.arange(len(rows)) % 3 == 0
    push = means_push("x", SITE, rows, has_it)
    fitted = DifferenceOfMeans().fit(LabelledRows(rows=rows, labels={"it": has_it}))
    torch.testing.assert_close(push.direction / push.direction.norm(), fitted.atoms[0])
    mean = rows[~has_it].mean(dim=0) + push.direction
    torch.testing.assert_close(mean, rows[has_it].mean(dim=0))


def test_a_control_is_as_long_and_of_no_direction():
    push = Push(name="x", site=SITE, direction=torch.full((512,), 3.0))
    control = random_push(push, stream(0, "test/control"))
    assert control.direction.norm() == pytest.approx(float(push.direction.norm()))
    cosine = torch.cosine_similarity(control.direction, push.direction, dim=0)
    assert abs(float(cosine)) < 5 / 512**0.5


@pytest.mark.parametrize(
    ("written", "shown"),
    [([4, 1, 2], True), ([4, 2, 1], False), ([1], True), ([4], False), ([], False)],
)
def test_the_first_token_of_either_kind_decides(written, shown):
    assert says_first({1}, {2})(written) is shown


def made(way, strength, shown, losses):
    return Steered(
        way=way,
        strength=strength,
        shown=np.array(shown, dtype=bool),
        losses=np.array(losses, dtype=float),
        num_tokens=np.full(len(shown), 2),
        written=((1, 1),) * len(shown),
        seeds=(0,) * len(shown),
        other_kl=None,
    )


def test_ways_are_compared_at_an_equal_price():
    nothing, half, every = [0] * 8, [1, 0] * 4, [1] * 8
    sweep = [
        made("dear", 0.0, nothing, [2] * 8),
        made("dear", 1.0, half, [4] * 8),
        made("dear", 2.0, every, [9] * 8),
        made("cheap", 0.0, nothing, [2] * 8),
        made("cheap", 1.0, every, [4] * 8),
        made("cheap", 2.0, every, [3] * 8),
    ]
    chosen = {
        rise: {way: each.strength for way, each in best_at_price(sweep, rise).items()}
        for rise in (0, 1, 4)
    }
    assert chosen[0] == {"dear": 0, "cheap": 0}
    assert chosen[1] == {"dear": 1, "cheap": 2}
    assert chosen[4] == {"dear": 2, "cheap": 2}
    assert best_at_price(sweep, 1)["dear"].price == 2

    def difference(rise):
        return difference_at_price(sweep, "cheap", "dear", rise, stream(0, "test"))

    found = difference(1)
    assert found.value == 0.5 and found.n == 8
    low, high = found.ends
    assert 0.1 < low < 0.5 < high < 0.9
    # Both show it after every prefix, or after none: no draw of prefixes can tell them apart.
    for rise in (0, 4):
        assert difference(rise).value == 0 and difference(rise).ends == (0, 0)


def test_a_paired_difference_is_narrower_than_shares_that_move_together():
    """Two ways that show it after the same prefixes differ by nothing, whatever is drawn."""
    shown = [1, 0] * 10
    sweep = [
        made(way, strength, [s * strength for s in shown], [1] * 20)
        for way in ("one", "other")
        for strength in (0.0, 1.0)
    ]
    found = difference_at_price(sweep, "one", "other", 0.0, stream(0, "test"))
    assert found.value == 0 and found.ends == (0, 0)


def test_another_thread_sees_no_edit(axes):
    """Subjects are shared between the threads of a study."""
    ids, wrong = torch.tensor([[0, 4, 9, 11]]), []
    plain = axes.run(ids, sites=(SITE,), logits=True)
    is_over = threading.Event()

    def watch():
        while not is_over.is_set():
            seen = axes.run(ids, sites=(SITE,), logits=True)
            if not seen.logits.equal(plain.logits):
                wrong.append(seen)

    watcher = threading.Thread(target=watch)
    watcher.start()
    push = Push(name="x", site=SITE, direction=torch.ones(NUM_AXES))
    steering_sweep(axes, PREFIXES, [push], (1, 2, 3, 4), bool, **opts(12))
    is_over.set()
    watcher.join()
    assert not wrong


def test_what_cannot_be_swept_is_refused(axes, unembedding, rows):
    push = Push(name="x", site=SITE, direction=torch.ones(NUM_AXES))
    for prefixes, ways, strengths, said in (
        (PREFIXES, [push, push], (1,), r"\['x', 'x'\]"),
        (PREFIXES, [], (1,), r"ways \[\]"),
        ([], [push], (1,), "0 prefixes"),
        (PREFIXES, [push], (1, 1), "each once"),
        (PREFIXES, [push], (float("nan"),), "finite"),
        (PREFIXES, [Prompt(name="x", cued=[[1]])], (1,), "1 prefixes for 6"),
    ):
        with pytest.raises(UserError, match=said):
            steering_sweep(axes, prefixes, ways, strengths, bool, **opts(2))
    with pytest.raises(UserError, match="active in none"):
        feature_push("x", SITE, unembedding, TOKEN, -rows.abs())
    with pytest.raises(UserError, match="0 of"):
        means_push("x", SITE, rows, torch.zeros(len(rows), dtype=torch.bool))
    sweep = [made("one", 0.0, [1, 0], [1, 1])]
    with pytest.raises(UserError, match="-1 nats"):
        best_at_price(sweep, -1)
    with pytest.raises(UserError, match="no way of this sweep is called 'two'"):
        difference_at_price(sweep, "one", "two", 1, stream(0, "test"))
