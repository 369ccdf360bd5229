"""How long one training step of a top-k dictionary takes, beside every rival's.

4,096 rows of width 512, 4,096 atoms, 32 active, fp32, two threads, every default. Each rival
runs in an environment and a process of its own; they take turns step by step, each beside a bare
4096 x 512 x 4096 product in the same process. The figures are the step in units of that product,
and the ratio of Tacit's seconds to each rival's, turn by turn. Beside the speed stands what it
bought: the fraction of variance unexplained of unseen rows after the same number of samples, once
more, and longer, for ours and the fastest rival.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

RIVALS = Path(__file__).parent / "rivals"
ENVIRONMENTS = Path(os.environ.get("TACIT_RIVALS", ".venv-rivals"))
THREADS, WARM_UP, ROUNDS = 2, 4, 16
ANSWER = "answer: "
PIP = ("-m", "pip", "--quiet", "--disable-pip-version-check")
# dictionary-learning pulls in a torchvision built for CUDA, with which nothing imports.
UNWANTED = {"dictionary_learning": "torchvision"}
# Adaptor and variant, in the order of their turns. The first is ours.
ENTRIES = (
    ("tacit", "top-k"),
    ("sparsify", "signum"),
    ("sparsify", "adam"),
    ("sae_lens", "default"),
    ("sae_lens", "sparse"),
    ("dictionary_learning", "top-k"),
    ("overcomplete", "top-k"),
    ("dense", "plain"),
)
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

    def __init__(self, name: str, variant: str, python: str) -> None:
        """Start the process and wait until it has built its model."""
        self.label = f"{name} {variant}"
        self.turns: list[Turn] = []
        # A file, because a full pipe would stop a rival that says a lot.
        self._told = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self._process = subprocess.Popen(
            [python, str(RIVALS / f"{name}_adaptor.py"), variant, str(THREADS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._told,
            text=True,
        )
        self._answer()

    def step(self) -> Turn:
        """Take one step and return its seconds."""
        step, product = self._ask("step").split()
        return Turn(float(step), float(product))

    def fvu(self) -> float:
        """Return the fraction of variance unexplained of rows that were not trained on."""
        return float(self._ask("fvu"))

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
            _, told = self._process.communicate()
            raise RuntimeError(
                told.strip().splitlines()[-1] if told.strip() else "no answer"
            )
        return line.removeprefix(ANSWER)


def environment(name: str) -> str:
    """Return the Python of a rival's environment, made on first use."""
    if name in OURS:
        return sys.executable
    folder = ENVIRONMENTS / name
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.exists():
        print(f"making the environment of {name} in {folder} ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        requirements = RIVALS / f"requirements-{name}.txt"
        install = [str(python), *PIP, "install", "-r", str(requirements)]
        subprocess.run(install, check=True, capture_output=True, text=True)
        if name in UNWANTED:
            subprocess.run(
                [str(python), *PIP, "uninstall", "-y", UNWANTED[name]], check=True
            )
        ready.touch()
    return str(python)


def start() -> list[Worker]:
    """Return a worker for every entry that can be had; say which cannot, and why."""
    workers = []
    for name, variant in ENTRIES:
        try:
            workers.append(Worker(name, variant, environment(name)))
        except (RuntimeError, subprocess.CalledProcessError) as error:
            told = (
                error.stderr if isinstance(error, subprocess.CalledProcessError) else error
            )
            last = (str(told).strip().splitlines() or ["no reason given"])[-1]
            print(f"{name} {variant}: left out: {last}", flush=True)
    return workers


def measure(workers: list[Worker]) -> None:
    """Let every worker take its turns, all of them in every round."""
    for number in range(WARM_UP + ROUNDS):
        for worker in workers:
            turn = worker.step()
            if number >= WARM_UP:
                worker.turns.append(turn)


def main() -> None:
    """Print a line for each entry and the ratio of Tacit to the best rival."""
    load_before = os.getloadavg()[0]
    workers = start()
    measure(workers)
    ours = workers[0]
    assert ours.label.startswith("tacit"), "Tacit's own step could not be timed"
    print(
        f"one top-k step, {THREADS} threads, {ROUNDS} rounds, load {load_before:.1f} before and "
        f"{os.getloadavg()[0]:.1f} after; FVU after {WARM_UP + ROUNDS} steps of 4,096 samples"
    )
    ratios = {}
    for worker in workers:
        units = sorted(turn.step_seconds / turn.product_seconds for turn in worker.turns)
        pairs = zip(ours.turns, worker.turns, strict=True)
        ratio = statistics.median(own.step_seconds / his.step_seconds for own, his in pairs)
        seconds = statistics.median(turn.step_seconds for turn in worker.turns)
        print(
            f"  {worker.label:28s} {statistics.median(units):5.2f} products "
            f"(least {units[0]:.2f}), {seconds:.3f} s, Tacit takes {ratio:.2f} of it, "
            f"FVU {worker.fvu():.3f}"
        )
        if worker.label.split()[0] not in OURS:
            ratios[worker.label] = ratio
    for worker in workers:
        if worker.label.split()[0] in QUALITY_OF:
            for _ in range(QUALITY_STEPS - WARM_UP - ROUNDS):
                worker.step()
            print(
                f"  {worker.label:28s} FVU {worker.fvu():.3f} after {QUALITY_STEPS} steps"
            )
        worker.close()
    if ratios:
        best = max(ratios, key=lambda label: ratios[label])
        print(f"Tacit's step / best rival's ({best}): {ratios[best]:.2f} (lower is faster)")
    else:
        print("no rival could be installed, so there is no ratio")


if __name__ == "__main__":
    main()
