"""How a command ends that does not simply finish: one message, and a code that says why."""

from __future__ import annotations

import contextlib
import errno
import signal
import sys
from collections.abc import Generator
from types import FrameType
from typing import Any, NoReturn

from typer.core import TyperGroup

from tacit.base.errors import UserError

MISTAKE = 2
"""What was asked cannot be done as it stands; wrong usage ends with it too."""
STOPPED = 130
"""Ctrl-C: 128 and the number of its signal."""
GOING_ON = "stopped. What is finished is kept: give the same command again to go on."


class Commands(TyperGroup):
    """The commands; Typer itself would end on Ctrl-C without a word."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was given."""
        with endings():
            return super().invoke(ctx)


@contextlib.contextmanager
def endings() -> Generator[None, None, None]:
    """Turn mistakes, a system that refuses, and Ctrl-C into a message and an exit code."""
    with _ctrl_c() as pressed:
        try:
            yield
        except KeyboardInterrupt:
            _end(STOPPED, GOING_ON)
        except UserError as error:
            _end(MISTAKE, str(error))
        except Exception as error:
            if pressed:  # a library that was interrupted may raise an error of its own
                _end(STOPPED, GOING_ON)
            # A closed pipe, as of `| head`, is Typer's to end quietly.
            if isinstance(error, OSError) and error.errno not in (None, errno.EPIPE):
                _end(MISTAKE, f"{error.filename or 'the system'}: {error.strerror}.")
            raise


@contextlib.contextmanager
def _ctrl_c() -> Generator[list[int], None, None]:
    """Yield a list that is no longer empty once Ctrl-C was pressed."""
    pressed: list[int] = []

    def press(number: int, _: FrameType | None) -> None:
        pressed.append(number)
        raise KeyboardInterrupt

    # Whoever started this may have chosen otherwise: nohup ignores it, outer endings note it.
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield pressed
        return
    signal.signal(signal.SIGINT, press)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(code: int, message: str) -> NoReturn:
    sys.stderr.write(f"tacit: {message}\n")
    sys.exit(code)
