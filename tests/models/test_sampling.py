"""Continuations: exact against transformers and against recomputing everything each step."""

import numpy as np
import pytest
import torch

from tacit.base.errors import UserError
from tacit.models import load_subject, sample
from tacit.models.sampling import _choose

PREFIXES = [[5, 6, 7], [9], [5, 6, 8], [11, 12, 13, 14, 15], [30]]
NO_END = frozenset()


@pytest.fixture(params=["gpt_neox", "gpt2", "llama", "mistral"])
def writer(request, subjects):
    """One subject of each kind of attention; Mistral's sees a window of the last 8 tokens."""
    return subjects[request.param]


def recomputed(subject, prefix, steps, edits=None):
    """Greedy continuation without a cache."""
    ids = list(prefix)
    for _ in range(steps):
        logits = subject.run(torch.tensor([ids]), logits=True, edits=edits).logits
        ids.append(int(logits[0, -1].argmax()))
    return ids[len(prefix) :]


def test_greedy_equals_transformers_generate(causal):
    found = sample(causal, PREFIXES, max_new_tokens=12, seeds=[0] * 5, temperature=0)
    for prefix, new in list(zip(PREFIXES, found.ids, strict=True))[2:4]:
        given = torch.tensor([prefix])
        expected = causal.model.generate(
            given, attention_mask=torch.ones_like(given), do_sample=False, max_new_tokens=12
        )
        assert new == expected[0, len(prefix) :].tolist()


def test_a_row_does_not_depend_on_the_rows_beside_it(writer):
    seeds = [3, 1, 4, 1, 5]
    together, alone = (
        sample(
            writer,
            PREFIXES,
            max_new_tokens=8,
            seeds=seeds,
            stop_ids=NO_END,
            batch_rows=rows,
        )
        for rows in (64, 1)
    )
    assert alone.ids == together.ids
    for one, other in zip(alone.log_probs, together.log_probs, strict=True):
        assert one == pytest.approx(other, abs=1e-4)
    last = sample(writer, PREFIXES[4:], max_new_tokens=8, seeds=seeds[4:], stop_ids=NO_END)
    assert last.ids[0] == together.ids[4]


def test_a_longer_continuation_begins_as_the_shorter_one(subjects):
    short, long = (
        sample(
            subjects["gpt2"], PREFIXES, max_new_tokens=n, seeds=range(5), stop_ids=NO_END
        ).ids
        for n in (4, 9)
    )
    assert [row[:4] for row in long] == short


def test_seeds_make_texts_differ_and_repeat(subjects):
    one, two, again = (
        sample(
            subjects["llama"], [[5, 6]] * 4, max_new_tokens=8, seeds=seeds, stop_ids=NO_END
        ).ids
        for seeds in ([0, 1, 2, 3], [4, 5, 6, 7], [0, 1, 2, 3])
    )
    assert one == again and one != two and len({tuple(row) for row in one}) == 4


def test_log_probs_are_those_of_a_full_pass_at_temperature_one(writer):
    found = sample(
        writer, PREFIXES, max_new_tokens=6, seeds=range(5), temperature=0.7, stop_ids=NO_END
    )
    for prefix, new, log_probs in zip(PREFIXES, found.ids, found.log_probs, strict=True):
        logits = writer.run(torch.tensor([prefix + new]), logits=True).logits[0]
        expected = logits.double().log_softmax(-1)[len(prefix) - 1 : -1]
        expected = expected.gather(1, torch.tensor(new)[:, None])[:, 0]
        assert log_probs == pytest.approx(expected.tolist(), abs=1e-4)


@pytest.mark.parametrize(
    "edits",
    [
        {"resid.0": torch.zeros_like},
        {"embed": lambda value: 0.5 * value + 0.1, "mlp.1": torch.zeros_like},
        {"attn_out.1": torch.zeros_like, "mlp_out.0": torch.neg},
    ],
)
def test_edits_while_writing_equal_recomputing_without_a_cache(writer, edits):
    prefixes, steps = [PREFIXES[0], PREFIXES[4]], 5
    found = sample(
        writer,
        prefixes,
        max_new_tokens=steps,
        seeds=[0, 0],
        temperature=0,
        edits=edits,
        stop_ids=NO_END,
    )
    for prefix, new in zip(prefixes, found.ids, strict=True):
        assert new == recomputed(writer, prefix, steps, edits)


def test_an_edit_by_itself_changes_nothing(writer):
    plain, edited = (
        sample(writer, PREFIXES, max_new_tokens=8, seeds=range(5), edits=edits)
        for edits in (None, {"resid.1": torch.clone, "mlp.0": torch.clone})
    )
    assert plain == edited


def test_rows_that_share_a_prefix_and_leave_at_their_end_are_written_as_alone(writer):
    """Many rows of one length: alike prefixes are read once, and finished rows leave."""
    prefixes = [[5, 6, 7]] * 7 + [[9, 6, 8]] + [[5, 6, 7]] * 4
    given = {"max_new_tokens": 14, "seeds": range(20, 32)}
    endless = sample(writer, prefixes, stop_ids=NO_END, **given)
    stops = {row[2 + place] for place, row in enumerate(endless.ids)}
    found = sample(writer, prefixes, stop_ids=stops, **given)
    for ended, whole, logs, all_logs in zip(
        found.ids, endless.ids, found.log_probs, endless.log_probs, strict=True
    ):
        length = next((n + 1 for n, token in enumerate(whole) if token in stops), 14)
        assert ended == whole[:length]
        assert logs == pytest.approx(all_logs[:length], abs=1e-4)
    assert len({len(row) for row in found.ids}) > 3
    for row in (0, 5, 7):
        alone = sample(
            writer, [prefixes[row]], max_new_tokens=14, seeds=[20 + row], stop_ids=stops
        )
        assert alone.ids[0] == found.ids[row]


def test_alike_prefixes_are_read_apart_where_an_edit_may_tell_rows_apart(subjects):
    rows_seen = []

    def noise(value):
        rows_seen.append(len(value))
        return value

    given = {"max_new_tokens": 3, "seeds": range(4), "stop_ids": NO_END}
    sample(subjects["gpt2"], [[5, 6]] * 4, edits={"resid.0": noise}, **given)
    assert rows_seen == [4, 4, 4]


def test_a_row_ends_with_its_stop_token(subjects):
    subject = subjects["gpt_neox"]
    endless = sample(subject, PREFIXES, max_new_tokens=12, seeds=range(5), stop_ids=NO_END)
    stop = endless.ids[0][3]
    found = sample(subject, PREFIXES, max_new_tokens=12, seeds=range(5), stop_ids={stop})
    for ended, whole, log_probs in zip(
        found.ids, endless.ids, found.log_probs, strict=True
    ):
        length = whole.index(stop) + 1 if stop in whole else 12
        assert ended == whole[:length] and len(log_probs) == length


def test_draws_follow_the_distribution():
    probabilities = np.array([0.5, 0.25, 0.125, 0.125])
    drawn = torch.linspace(0, 1 - 2**-10, 1024, dtype=torch.float64)
    logits = torch.from_numpy(np.log(probabilities)).expand(1024, 4)
    chosen, log_probs = _choose(logits, drawn, 1.0)
    assert np.bincount(chosen.numpy(), minlength=4).tolist() == pytest.approx(
        1024 * probabilities, abs=1
    )
    assert log_probs.exp().numpy() == pytest.approx(probabilities[chosen.numpy()])
    chosen, _ = _choose(logits, drawn, 0.5)
    sharper = probabilities**2 / (probabilities**2).sum()
    assert np.bincount(chosen.numpy(), minlength=4).tolist() == pytest.approx(
        1024 * sharper, abs=1
    )


def test_a_token_of_no_probability_is_never_drawn():
    logits = torch.tensor([[-torch.inf, 0.0, -torch.inf]]).expand(3, 3)
    drawn = torch.tensor([0.0, 0.5, 1 - 2**-53], dtype=torch.float64)
    assert _choose(logits, drawn, 1.0)[0].tolist() == [1, 1, 1]


def test_nothing_to_continue_gives_nothing(subjects):
    assert sample(subjects["gpt2"], [], max_new_tokens=3, seeds=[]).ids == []


@pytest.mark.parametrize(
    ("prefixes", "changes", "message"),
    [
        ([[1], []], {}, "prefix 1 .* is empty; open it with the BOS token, 0"),
        ([[1]], {}, "1 prefixes and 2 seeds"),
        ([[1] * 62, [1]], {}, "62 tokens and 3 more.*at most 64. Ask for at most 2"),
        ([[1], [320]], {}, "prefix 1 holds token id 320"),
        ([[1], [3, -1]], {}, "prefix 1 holds token id -1"),
        ([[1], [1]], {"temperature": -0.5}, "temperature -0.5"),
        ([[1], [1]], {"temperature": float("nan")}, "temperature nan"),
        ([[1], [1]], {"max_new_tokens": 0}, "max_new_tokens 0"),
        ([[1], [1]], {"edits": {"resid.7": torch.clone}}, "2 layers"),
        (
            [[1], [1]],
            {"edits": {"resid.1": lambda v: v * torch.nan}},
            "logits are not finite",
        ),
    ],
)
def test_what_cannot_be_continued_is_told_why(subjects, prefixes, changes, message):
    with pytest.raises(UserError, match=message):
        sample(
            subjects["gpt_neox"],
            prefixes,
            **({"max_new_tokens": 3, "seeds": [0, 1]} | changes),
        )


def test_an_encoder_continues_nothing(subjects):
    with pytest.raises(UserError, match="no head"):
        sample(subjects["bert"], [[1]], max_new_tokens=1, seeds=[0])


def test_a_family_without_a_row_is_sampled_alike(folders, subjects):
    bare = load_subject(folders["gpt2"], families={})
    assert sample(bare, PREFIXES, max_new_tokens=5, seeds=range(5)) == sample(
        subjects["gpt2"], PREFIXES, max_new_tokens=5, seeds=range(5)
    )
