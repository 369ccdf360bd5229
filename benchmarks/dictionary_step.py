"""How long one training step of a dictionary takes, beside every rival's, method by method.

4,096 rows of width 512, 4,096 atoms, 32 active, fp32, two threads, every default. Each rival
runs in an environment and a process of its own; they take turns step by step, each beside a bare
4096 x 512 x 4096 product in the same process. The figures are the step in units of that product,
and the ratio of Tacit's seconds to each rival's, turn by turn. Beside the speed stands what it
bought: the fraction of variance unexplained of unseen rows after the same number of samples and,
for top-k, once more and longer, for ours and the fastest rival.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass

from benchmarks.rivals.environments import RIVALS, environment

THREADS, ROUNDS = 2, 16
ANSWER = "answer: "


@dataclass(frozen=True)
class Contest:
    """One method and all who have it."""

    entries: tuple[tuple[str, str], ...]
    """Adaptor and variant, in the order of their turns. The first is ours."""
    warm_up: int = 4
    """Steps before the first that is timed: where sparsity is bought, until it is there."""
    shape: str = "512,4096,4096,32"
    """Width, atoms, rows and k."""
    members: int = 1
    """Dictionaries that our step is of; others, who take one at a time, take so many steps."""


RIVALS_OF_ALL = ("sae_lens", "dictionary_learning", "overcomplete")
CONTESTS = {
    "top-k": Contest(
        (
            ("tacit", "top-k"),
            ("sparsify", "signum"),
            ("sparsify", "adam"),
            ("sae_lens", "default"),
            ("sae_lens", "sparse"),
            ("dictionary_learning", "top-k"),
            ("overcomplete", "top-k"),
            ("dense", "plain"),
        )
    ),
    "top-k, a fifth dead": Contest((("tacit", "top-k-dead"), ("tacit", "top-k"))),
    "batch-top-k": Contest(
        tuple((name, "batch-top-k") for name in ("tacit", *RIVALS_OF_ALL))
    ),
    "matryoshka": Contest((("tacit", "matryoshka"), ("dictionary_learning", "matryoshka"))),
    "relu-l1": Contest(
        tuple((name, "relu-l1") for name in ("tacit", *RIVALS_OF_ALL)), warm_up=40
    ),
    "jump-relu": Contest(
        tuple((name, "jump-relu") for name in ("tacit", "sae_lens", "dictionary_learning")),
        warm_up=90,
    ),
    "a sweep of 16": Contest(
        (
            ("tacit", "sweep-16"),
            ("sparsify", "adam"),
            ("dense", "plain"),
            ("overcomplete", "top-k"),
            ("dictionary_learning", "top-k"),
        ),
        shape="64,512,1024,8",
        members=16,
    ),
    "gated": Contest((("tacit", "gated"), ("dictionary_learning", "gated")), warm_up=40),
}
OURS = ("tacit", "dense")
# Steps of the longer look at quality, and who takes them: by then the features are found or not.
QUALITY_STEPS, QUALITY_OF = 150, ("tacit", "sparsify")


@dataclass(frozen=True)
class Turn:
    """One step of one entry."""

    step_seconds: float
    product_seconds: float


class Worker:
    """A rival's process, told what to do over its pipes."""

    def __init__(self, name: str, variant: str, python: str, contest: Contest) -> None:
        """Start the process and wait until it has built its model."""
        self.label = f"{name} {variant}"
        self.times = 1 if name == "tacit" else contest.members
        self.turns: list[Turn] = []
        # A file, because a full pipe would stop a rival that says a lot.
        self._told = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self._process = subprocess.Popen(
            [python, str(RIVALS / f"{name}_adaptor.py"), variant, str(THREADS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._told,
            env={**os.environ, "BENCHMARK_SHAPE": contest.shape},
            text=True,
        )
        self._answer()

    def step(self) -> Turn:
        """Take one step and return its seconds."""
        step, product = self._ask("step").split()
        return Turn(self.times * float(step), float(product))

    def quality(self) -> str:
        """Return the fraction of variance unexplained and the L0 of rows not trained on."""
        return self._ask("quality").strip()

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def _ask(self, word: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        while line and not line.startswith(ANSWER):
            line = (
                self._process.stdout.readline()
            )  # libraries say things as they are imported
        if not line:
            self._process.communicate()
            self._told.seek(0)
            lines = self._told.read().strip().splitlines()
            raise RuntimeError(lines[-1] if lines else "no answer")
        return line.removeprefix(ANSWER)


def python_of(name: str) -> str:
    """Return the Python that runs an adaptor: this one for our own."""
    return sys.executable if name in OURS else environment(name)


def start(contest: Contest) -> list[Worker]:
    """Return a worker for every entry that can be had; say which cannot, and why."""
    workers = []
    for name, variant in contest.entries:
        try:
            workers.append(Worker(name, variant, python_of(name), contest))
        except (RuntimeError, subprocess.CalledProcessError) as error:
            told = (
                error.stderr if isinstance(error, subprocess.CalledProcessError) else error
            )
            last = (str(told).strip().splitlines() or ["no reason given"])[-1]
            print(f"{name} {variant}: left out: {last}", flush=True)
    return workers


def measure(workers: list[Worker], warm_up: int) -> None:
    """Let every worker take its turns, all of them in every round."""
    for number in range(warm_up + ROUNDS):
        for worker in workers:
            turn = worker.step()
            if number >= warm_up:
                worker.turns.append(turn)


def told(ours: Worker, worker: Worker) -> float:
    """Print a worker's line; return Tacit's seconds as a share of its own."""
    units = sorted(turn.step_seconds / turn.product_seconds for turn in worker.turns)
    pairs = zip(ours.turns, worker.turns, strict=True)
    ratio = statistics.median(own.step_seconds / his.step_seconds for own, his in pairs)
    seconds = statistics.median(turn.step_seconds for turn in worker.turns)
    print(
        f"  {worker.label:32s} {statistics.median(units):5.2f} products "
        f"(least {units[0]:.2f}), {seconds:.3f} s, Tacit takes {ratio:.2f} of it, "
        f"{worker.quality()}",
        flush=True,
    )
    return ratio


def run(name: str, contest: Contest) -> None:
    """Print a line for each entry of a contest and the ratio of Tacit to the best rival."""
    load_before = os.getloadavg()[0]
    workers = start(contest)
    measure(workers, contest.warm_up)
    ours = workers[0]
    assert ours.label.startswith("tacit"), "Tacit's own step could not be timed"
    taken = contest.warm_up + ROUNDS
    print(
        f"one {name} step, {THREADS} threads, {ROUNDS} rounds, load {load_before:.1f} before and "
        f"{os.getloadavg()[0]:.1f} after; quality after {taken} steps of each"
    )
    ratios = {worker.label: told(ours, worker) for worker in workers}
    for worker in workers:
        if name == "top-k" and worker.label.split()[0] in QUALITY_OF:
            for _ in range(QUALITY_STEPS - taken):
                worker.step()
            print(f"  {worker.label:32s} {worker.quality()} after {QUALITY_STEPS} steps")
        worker.close()
    rivals = {
        label: ratio for label, ratio in ratios.items() if label.split()[0] not in OURS
    }
    if rivals:
        best = max(rivals, key=lambda label: rivals[label])
        print(f"Tacit's step / best rival's ({best}): {rivals[best]:.2f} (lower is faster)")


def main() -> None:
    """Run the contests that are named, or all."""
    for name in sys.argv[1:] or CONTESTS:
        run(name, CONTESTS[name])


if __name__ == "__main__":
    main()
