"""Commands run in this process, and, where they are to be killed, in forks of a server."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import tacit
from tacit.base.folders import LOCK, partial_of

PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    def refused(self, *words: str) -> None:
        """Check that it was one message for the user, with these words in it."""
        assert self.code == 2, (self.code, self.err)
        assert self.out == ""
        assert self.err.startswith("tacit: ")
        assert self.err.count("\n") == 1, self.err
        for word in words:
            assert word in self.err

    def finished(self) -> "Ended":
        """Check that it went well."""
        assert self.code == 0, self.err
        return self


@dataclass(frozen=True)
class Running:
    """A command at work in a process of its own."""

    pid: int
    server: "Server"
    heard: Path

    def works_on(self, out: Path) -> bool:
        """Wait until it holds the folder it makes; False when it ended before."""
        lock, until = partial_of(out) / LOCK, time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            if lock.exists() and lock.read_text() == str(self.pid):
                return True
            if self.has_ended():
                return False
            time.sleep(0.001)
        raise TimeoutError(f"process {self.pid} neither began nor ended")

    def has_ended(self) -> bool:
        return (
            Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        )

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)  # it stays a zombie until it is waited for

    def wait(self) -> Ended:
        code = self.server.ask({"wait": self.pid})
        out, err = ((self.heard / name).read_text() for name in ("out", "err"))
        return Ended(code, out, err)


class Server:
    """A process that has imported everything and forks for every command."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self.process, self.folder = process, folder

    def ask(self, request: dict[str, object]) -> int:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def start(self, *words: object, file_bytes: int | None = None) -> Running:
        """Begin a command; no file that it writes may exceed ``file_bytes``."""
        heard = Path(tempfile.mkdtemp(dir=self.folder))
        pid = self.ask(
            {"run": [str(word) for word in words], "heard": str(heard), "limit": file_bytes}
        )
        return Running(pid, self, heard)


@pytest.fixture(scope="session")
def server(tmp_path_factory, tiny) -> Iterator[Server]:
    source = str(Path(tacit.__file__).parents[1])
    threads = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    threads["TOKENIZERS_PARALLELISM"] = "false"
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / "fork_server.py"), str(tiny)],
        env={**os.environ, **threads, "PYTHONPATH": source},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Server(process, tmp_path_factory.mktemp("heard"))


@pytest.fixture
def command(monkeypatch, capfd) -> Callable[..., Ended]:
    """Run ``tacit WORDS`` in this process; what is said is read from the file descriptors."""
    from tacit.cli.main import main

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    def run(*words: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["tacit", *map(str, words)])
        capfd.readouterr()
        code = 0
        try:
            main()
        except SystemExit as ending:
            code = ending.code if isinstance(ending.code, int) else 0
        said = capfd.readouterr()
        return Ended(code, said.out, said.err)

    return run


@pytest.fixture(scope="session")
def dictionary(tmp_path_factory, tiny_store) -> Path:
    """The folder of a dictionary fitted to ``resid.0`` of the tiny store."""
    from tacit.verbs.fitting import fit_one
    from tacit.verbs.settings import FitSettings

    folder = tmp_path_factory.mktemp("dictionaries") / "dictionary"
    settings = FitSettings(k=4, steps=20, batch=256)
    fit_one(tiny_store.folder, "resid.0", folder, settings=settings)
    return folder


@pytest.fixture(scope="session")
def index(tmp_path_factory, tiny_store, dictionary) -> Path:
    """The folder of that dictionary's index."""
    from tacit.verbs.steps import index

    folder = tmp_path_factory.mktemp("indexes") / "index"
    index(dictionary, tiny_store.folder, folder)
    return folder


@pytest.fixture(scope="session")
def busiest(index) -> int:
    """The feature of that index that fires most."""
    from tacit.features.index import open_index

    return int(open_index(index).features.column("count").to_numpy().argmax())
