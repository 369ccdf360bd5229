"""What a device has to offer beside PyTorch."""

import functools
import importlib.util

from torch import Tensor


@functools.cache
def _triton_is_there() -> bool:
    return importlib.util.find_spec("triton") is not None


def has_triton(operand: Tensor) -> bool:
    """Return whether products with this operand are Triton's: on CUDA, where it is installed."""
    return operand.is_cuda and _triton_is_there()
