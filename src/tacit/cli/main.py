"""The command line's entry: nothing heavy is imported before the arguments are read."""

from __future__ import annotations

import os

from tacit.cli.endings import endings


def main() -> None:
    """Run ``tacit``; exit with 2 on a user's mistake and 130 on Ctrl-C."""
    # Hub access is decided by the loader, which says what to do; the library's own chatter is not.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    with endings():
        from tacit.cli.commands import app

        app()


if __name__ == "__main__":
    main()
