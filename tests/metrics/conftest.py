"""What several test files of metrics share."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import jaxtyping
import pytest


@pytest.fixture
def unchecked_shapes() -> Callable[[], AbstractContextManager[None]]:
    """A block as in production: annotations are not checked, so errors must be our own."""

    @contextlib.contextmanager
    def unchecked() -> Iterator[None]:
        jaxtyping.config.update("jaxtyping_disable", True)
        try:
            yield
        finally:
            jaxtyping.config.update("jaxtyping_disable", False)

    return unchecked
