import asyncio

import pytest

from tacit.base.waiting import run_to_end


async def seven():
    await asyncio.sleep(0)
    return 7


async def failing():
    raise ValueError("no")


def test_work_is_run_to_its_end_with_and_without_a_running_loop():
    async def cell():
        return run_to_end(seven())

    assert run_to_end(seven()) == asyncio.run(cell()) == 7


def test_errors_come_through_either_way():
    async def cell():
        return run_to_end(failing())

    with pytest.raises(ValueError, match="no"):
        run_to_end(failing())
    with pytest.raises(ValueError, match="no"):
        asyncio.run(cell())
