"""Imports everything once, then runs each command in a fork of itself, which costs milliseconds.

Started with the folder of a model, which it loads once because transformers imports on use. A
request is a line of JSON and the answer a number on a line: ``{"run": [...], "heard": FOLDER,
"limit": BYTES}`` answers with the process, ``{"wait": PROCESS}`` with its exit code (less than
zero: the signal that ended it).
"""

import contextlib
import functools
import io
import json
import os
import resource
import signal
import sys
import traceback
from pathlib import Path

import duckdb  # noqa: F401
import pyarrow.dataset  # noqa: F401
import torch

import tacit.verbs.fit
import tacit.verbs.learn
import tacit.verbs.steps  # noqa: F401
from tacit.cli.main import main

# A user's fit is longer, and keeps its state every 20 seconds.
CHECKPOINT_SECONDS, WRITING_SHARE = 0.02, 2


def command(words: list[str], heard: Path, limit: int | None) -> int:
    """Run one command as a process of its own would, and return its exit code."""
    for name, descriptor in (("out", 1), ("err", 2)):
        os.dup2(os.open(heard / name, os.O_WRONLY | os.O_CREAT), descriptor)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if limit is not None:
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    sys.argv = ["tacit", *words]
    try:
        main()
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else 0
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def answer(request: dict) -> int:
    if "wait" in request:
        return os.waitstatus_to_exitcode(os.waitpid(request["wait"], 0)[1])
    child = os.fork()
    if child == 0:
        code = command(request["run"], Path(request["heard"]), request["limit"])
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return child


def serve(model: str) -> None:
    torch.set_num_threads(1)  # a fork does not inherit the threads of its parent
    sys.argv = ["tacit", "list", "sites", model]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        main()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.modules["tacit.dictionaries.fit"].WRITING_SHARE = WRITING_SHARE
    tacit.verbs.fit.fit_members = functools.partial(
        tacit.verbs.fit.fit_members, checkpoint_seconds=CHECKPOINT_SECONDS
    )
    for line in sys.stdin:
        sys.stdout.write(f"{answer(json.loads(line))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve(sys.argv[1])
