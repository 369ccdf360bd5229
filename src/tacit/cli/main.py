"""The command line: one message for a user's mistake, and a way on for a stopped run."""

from __future__ import annotations

import os
import sys

STOPPED = 130
MISTAKE = 2


def main() -> None:
    """Run ``tacit``; exit with 2 on a user's mistake and 130 on Ctrl-C."""
    # Hub access is decided by the loader, which says what to do; the library's own chatter is not.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    from tacit.base.errors import UserError
    from tacit.cli.commands import app

    try:
        app()
    except UserError as error:
        sys.stderr.write(f"tacit: {error}\n")
        sys.exit(MISTAKE)
    except KeyboardInterrupt:
        sys.stderr.write(
            "tacit: stopped. Nothing is lost: the same command goes on from here.\n"
        )
        sys.exit(STOPPED)


if __name__ == "__main__":
    main()
