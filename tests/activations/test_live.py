"""Blocks straight from the model: whose rows they hold, in which order, and again the same."""

import threading

import numpy as np
import pytest
import torch

from tacit.activations.harvest import HarvestSettings, harvest, windows_of
from tacit.activations.live import Live
from tacit.activations.tokens import held_out_windows
from tacit.base.errors import UserError
from tacit.data.text import load_text

SITE = "resid.0"
READING = HarvestSettings(dtype="float32", batch_contexts=4, contexts_per_shard=16)


@pytest.fixture(scope="module")
def read(tiny_subject, programs):
    contexts, rendered = windows_of(tiny_subject, load_text(programs), READING)
    return contexts, ~held_out_windows(rendered.corpus, contexts)[0]


@pytest.fixture(scope="module")
def store(tmp_path_factory, tiny_subject, programs):
    folder = tmp_path_factory.mktemp("live") / "store"
    return harvest(
        tiny_subject, load_text(programs), [SITE, "mlp.1"], folder, settings=READING
    )


def live(tiny_subject, read, **changes):
    settings = {"seed": 3, "block_rows": 64, "buffer_rows": 300, "high_norm_factor": None}
    return Live(tiny_subject, *read, [SITE, "mlp.1"], **{**settings, **changes})


def epoch_of(blocks):
    """How many blocks the first reading of the text has."""
    return blocks._plan(0)[1][-1]


def test_an_epoch_holds_training_rows_each_at_most_once(tiny_subject, read, store):
    blocks = live(tiny_subject, read)
    count = epoch_of(blocks)
    rows = torch.cat([blocks.block(i)[SITE] for i in range(count)])
    keep = ~store.column("held_out") & ~store.column("special")
    usable = store.vectors(SITE, np.flatnonzero(keep))
    assert blocks.num_rows == len(usable)
    assert len(rows) > 0.75 * len(usable)  # what fills no block waits for the next epoch
    distance = torch.cdist(rows.double(), usable.double())
    nearest, place = distance.min(dim=1)
    assert nearest.max() < 1e-4
    # Equal tokens at equal places give equal rows, so rows are told apart by their number.
    drawn = torch.bincount((distance < 1e-4).double().argmax(dim=1), minlength=len(usable))
    there = torch.bincount(
        (torch.cdist(usable.double(), usable.double()) < 1e-4).double().argmax(dim=1),
        minlength=len(usable),
    )
    assert (drawn <= there).all()


def test_sites_are_aligned(tiny_subject, read, store):
    block = live(tiny_subject, read).block(1)
    first = store.vectors(SITE, np.arange(store.num_tokens))
    second = store.vectors("mlp.1", np.arange(store.num_tokens))
    for row in range(0, 64, 16):
        place = (first - block[SITE][row]).norm(dim=1).argmin()
        torch.testing.assert_close(second[place], block["mlp.1"][row], atol=1e-4, rtol=1e-4)


def test_any_block_can_be_had_again_alone(tiny_subject, read):
    one = live(tiny_subject, read)
    blocks = [one.block(i)[SITE].clone() for i in range(2 * epoch_of(one))]
    assert len(one._plan(0)[0]) > 1  # several buffers an epoch
    for i in (0, 3, len(blocks) - 1, len(blocks) // 2):
        again = live(tiny_subject, read).block(i)[SITE]
        torch.testing.assert_close(again, blocks[i], atol=1e-6, rtol=1e-6)


def test_epochs_buffers_and_seeds_have_orders_of_their_own(tiny_subject, read):
    one, other = live(tiny_subject, read), live(tiny_subject, read, seed=4)
    count = epoch_of(one)
    assert not torch.equal(one.block(0)[SITE], one.block(count)[SITE])
    assert not torch.equal(one.block(0)[SITE], other.block(0)[SITE])


def test_the_next_buffer_is_filled_while_this_one_is_used(tiny_subject, read, monkeypatch):
    filled, there = [], threading.Event()
    whole = Live._filled

    def noted(self, number):
        found = whole(self, number)
        filled.append(number)
        if number == 1:
            there.set()
        return found

    monkeypatch.setattr(Live, "_filled", noted)
    live(tiny_subject, read).block(0)
    assert there.wait(20)
    assert filled == [0, 1]


def test_rows_of_high_norm_are_left_out_and_replacements_counted(tiny_subject, read):
    blocks = live(tiny_subject, read, high_norm_factor=1.05, buffer_rows=10_000)
    whole = live(tiny_subject, read, buffer_rows=10_000)
    first = [blocks.block(i) for i in range(epoch_of(blocks))]
    for site, limit in blocks._limits.items():
        assert max(float(each[site].norm(dim=1).max()) for each in first) <= limit
        assert float(whole.block(0)[site].norm(dim=1).max()) > limit
    assert blocks.num_repeated > 0
    assert 0 < blocks.num_high_norm < blocks.num_read
    assert whole.num_high_norm == 0
    assert whole.num_repeated == 0


def test_too_little_text_for_a_block_is_told(tiny_subject, read):
    with pytest.raises(UserError, match="usable rows; read more text"):
        live(tiny_subject, read, block_rows=10**6)
