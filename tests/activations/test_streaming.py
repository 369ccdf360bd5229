"""A stream shuffles the whole store, shows a row once an epoch, and is entered anywhere."""

import numpy as np
import pytest
import torch

from tacit.activations.streaming import Stream, rows_for
from tacit.base.errors import UserError


def stream_of(store, *, seed=0, block_rows=32):
    rows = rows_for(store, store.sites, held_out=False)
    return Stream(
        store=store, sites=store.sites, rows=rows, seed=seed, block_rows=block_rows
    )


def test_an_epoch_shows_no_row_twice_and_nearly_all(tiny_store):
    stream = stream_of(tiny_store)
    seen = np.concatenate([stream.rows_of(index) for index in range(len(stream))])
    assert len(set(seen.tolist())) == len(seen) == len(stream) * 32
    assert len(stream.rows) - len(seen) < 32
    assert tiny_store.usable("resid.0")[seen].all()
    assert not tiny_store.column("held_out")[seen].any()


def test_blocks_are_shuffled_over_the_whole_store(tiny_store):
    rows = stream_of(tiny_store).rows_of(0)
    assert np.abs(np.corrcoef(rows, np.arange(len(rows)))[0, 1]) < 0.5
    assert rows.max() - rows.min() > tiny_store.num_tokens / 2


def test_any_block_is_found_at_once_and_depends_on_the_seed(tiny_store):
    stream, again = stream_of(tiny_store), stream_of(tiny_store)
    far = len(stream) + 3
    in_order = [stream.rows_of(index) for index in range(far + 1)]
    np.testing.assert_array_equal(again.rows_of(far), in_order[far])
    assert (stream_of(tiny_store, seed=1).rows_of(0) != in_order[0]).any()
    assert (in_order[len(stream)] != in_order[0]).any()  # every epoch has its own order


def test_sites_of_a_block_are_aligned_rows_of_the_store(tiny_store):
    stream = stream_of(tiny_store)
    block, rows = stream.block(2), stream.rows_of(2)
    for site in tiny_store.sites:
        torch.testing.assert_close(
            block[site], tiny_store.vectors(site, rows), rtol=0, atol=0
        )


def test_blocks_larger_than_the_store_are_refused(tiny_store):
    with pytest.raises(UserError, match="usable rows are there"):
        stream_of(tiny_store, block_rows=10**6)
