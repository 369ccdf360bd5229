"""Rows in memory as a stream: shuffled anew each epoch, the same at every call."""

import pytest
import torch

from tacit.base.errors import UserError
from tacit.dictionaries import RowBlocks


def numbered(count=12, block_rows=4, seed=0):
    rows = torch.arange(count).float()
    sites = {"a": rows[:, None], "b": torch.stack([rows, -rows], dim=1)}
    return RowBlocks(rows=sites, block_rows=block_rows, seed=seed)


def epoch(blocks, number):
    return torch.cat([blocks.block(3 * number + i)["a"][:, 0] for i in range(3)]).tolist()


def test_an_epoch_holds_every_row_once_in_an_order_of_its_own():
    # A forerunner drew the same order for every chunk and every epoch.
    orders = [epoch(numbered(), number) for number in range(3)]
    assert all(sorted(order) == list(range(12)) for order in orders)
    assert orders[0] != orders[1] != orders[2] != orders[0]
    assert epoch(numbered(seed=1), 0) != orders[0]


def test_a_block_is_the_same_at_every_call_and_aligned_over_sites():
    blocks = numbered()
    later, block = blocks.block(7), numbered().block(7)
    assert torch.equal(later["a"], block["a"])
    assert torch.equal(block["a"][:, 0], -block["b"][:, 1])


def test_rows_left_over_wait_for_another_epoch():
    seen = {value for i in range(8) for value in numbered(14).block(i)["a"][:, 0].tolist()}
    assert len(seen) > 12


@pytest.mark.parametrize("block_rows", [0, 13])
def test_blocks_that_cannot_be_are_refused(block_rows):
    with pytest.raises(UserError, match=f"blocks of {block_rows} rows"):
        numbered(block_rows=block_rows)


def test_an_unknown_site_lists_those_there_are():
    with pytest.raises(UserError, match="Known: a, b"):
        numbered().width("c")
