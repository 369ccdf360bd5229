"""From a model and text to a dictionary: ``tacit learn`` beside SAELens's own runner.

The demo's model, method and size: TopK, 1,024 atoms, 16 active, 819,200 samples in batches of
2,048, which is four passes over the beginnings of the demo's documents. Both start from the
model's folder and the same raw text, in a process and an environment of their own, turn by turn;
imports are left out of the time. ``tacit learn`` does more in it than the runner: it also measures
the dictionary, indexes its features and writes the report. Each dictionary is measured by Tacit on
the same held-out documents, SAELens's as read from its files. SAELens is run at its own learning
rate and at Tacit's.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.rivals.environments import RIVALS, environment
from tacit.activations.store import Store, open_store
from tacit.base.records import Result
from tacit.data.text import load_text
from tacit.dictionaries.foreign import open_dictionary
from tacit.models.shipped import SHIPPED
from tacit.verbs.fidelity import fidelity

THREADS, ROUNDS = 2, 3
SITE, WIDTH, ATOMS, K, BATCH, STEPS = "resid.2", 128, 1_024, 16, 2_048, 400
CHARACTERS, CONTEXT = 1_000, 256
"""Of each document: some 310 tokens."""
HOOK = "gpt_neox.layers.2"
RATE = 2e-3 * (2**14 / ATOMS) ** 0.5
MIB = 2**20
SETTINGS: dict[str, dict[str, Any]] = {
    "SAELens, its defaults": {},
    "SAELens, Tacit's rate": {"lr": RATE, "lr_decay_steps": STEPS // 5},
}


@dataclass
class Entry:
    """What the runs of one competitor gave."""

    name: str
    seconds: list[float] = field(default_factory=list)
    peaks: list[int] = field(default_factory=list)
    folder: Path | None = None


def learn(asked: dict[str, Any]) -> None:
    """Run ``tacit learn`` in this process, everything imported before the clock starts."""
    import time

    import duckdb  # noqa: F401
    import matplotlib.pyplot  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import torch
    import transformers.models.gpt_neox.modeling_gpt_neox  # noqa: F401

    from benchmarks.rivals.peak import peak_since, start_of_peak
    from tacit.verbs.learn import learn as run_learn
    from tacit.verbs.settings import FitSettings, LearnSettings, TextSettings

    torch.set_num_threads(THREADS)
    held, began = start_of_peak(), time.perf_counter()
    run_learn(
        LearnSettings(
            model="pycode",
            site=SITE,
            text=TextSettings(source=asked["text"], context_tokens=CONTEXT),
            fit=FitSettings(num_atoms=ATOMS, k=K, batch=BATCH, steps=STEPS),
            frontier=None,
            loss_windows=48,
        ),
        Path(asked["out"]),
    )
    told = {"seconds": time.perf_counter() - began, "peak": peak_since(held)}
    print("answer: " + json.dumps(told), flush=True)


def run(entry: Entry, command: list[str], asked: dict[str, Any], place: Path) -> None:
    """Run one competitor once in a process of its own and note what it took."""
    out = place / f"{entry.name} {len(entry.seconds)}"
    file = place / "asked.json"
    file.write_text(json.dumps({**asked, "out": str(out)}), encoding="utf-8")
    told = subprocess.run(
        [*command, str(file)],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "WANDB_MODE": "disabled"},
    )
    answers = [line for line in told.stdout.splitlines() if line.startswith("answer: ")]
    if told.returncode or not answers:
        raise RuntimeError(f"{entry.name} failed: {told.stderr.strip().splitlines()[-1:]}")
    answer = json.loads(answers[-1].removeprefix("answer: "))
    entry.seconds.append(answer["seconds"])
    entry.peaks.append(answer["peak"])
    entry.folder = out


def written_text(place: Path) -> tuple[Path, Path]:
    """Write the documents' beginnings, one a line: all, and those that Tacit does not hold out."""
    documents = load_text("python-stdlib").documents
    whole, training = place / "text.jsonl", place / "training.jsonl"
    lines = [json.dumps({"text": each.text[:CHARACTERS]}) for each in documents]
    whole.write_text("\n".join(lines), encoding="utf-8")
    kept = {each.name for each in load_text(str(whole)).split("train").documents}
    names = [each.name for each in load_text(str(whole)).documents]
    chosen = [line for name, line in zip(names, lines, strict=True) if name in kept]
    training.write_text("\n".join(chosen), encoding="utf-8")
    return whole, training


def quality(entry: Entry, store: Store) -> str:
    """Return FVU and L0 of a competitor's last dictionary on the store's held-out documents."""
    assert entry.folder is not None
    own = entry.folder / "dictionaries" / "main" / "seed-0"
    dictionary = open_dictionary(own if own.exists() else entry.folder, site=SITE)
    records = fidelity(dictionary, store, {"method": entry.name}, seed=0).records
    found = {}
    for record in records:
        if isinstance(record, Result) and record.of.get("positions") == "usable":
            found.setdefault(record.name, record)
    fvu, l0 = found["fvu"], found["l0"]
    low, high = fvu.interval or (float("nan"), float("nan"))
    return f"FVU {fvu.value:.3f} ({low:.3f} to {high:.3f}), L0 {l0.value:.1f}"


def main() -> None:
    """Print a line for each competitor and the ratio of Tacit's wall time to theirs."""
    load = os.getloadavg()[0]
    ours, rivals = Entry("tacit learn"), [Entry(name) for name in SETTINGS]
    runner = [environment("sae_lens"), str(RIVALS / "sae_lens_runner.py")]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        text, training = written_text(place)
        shared = {"threads": THREADS, "model": str(SHIPPED["pycode"]), "hook": HOOK}
        shared |= {"width": WIDTH, "atoms": ATOMS, "k": K, "batch": BATCH, "steps": STEPS}
        shared |= {"context": CONTEXT, "text": str(training)}
        for _ in range(ROUNDS):
            own = [sys.executable, "-m", "benchmarks.end_to_end"]
            run(ours, own, {"text": str(text)}, place)
            for rival in rivals:
                run(rival, runner, {**shared, "more": SETTINGS[rival.name]}, place)
        print(
            f"end to end, {THREADS} threads, {ROUNDS} rounds, load {load:.1f} before and "
            f"{os.getloadavg()[0]:.1f} after; imports left out"
        )
        assert ours.folder is not None
        store = open_store(ours.folder / "store")
        for entry in (ours, *rivals):
            pairs = zip(ours.seconds, entry.seconds, strict=True)
            ratio = statistics.median(own / his for own, his in pairs)
            print(
                f"  {entry.name:24s} {statistics.median(entry.seconds):6.1f} s, Tacit takes "
                f"{ratio:.2f} of it, peak {statistics.median(entry.peaks) / MIB:,.0f} MiB "
                f"beyond imports, {quality(entry, store)}",
                flush=True,
            )


if __name__ == "__main__":
    if sys.argv[1:]:
        learn(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    else:
        main()
