"""Finished runs of ``tacit measure`` with readings made up, so that what is right is known."""

import json
from pathlib import Path

import numpy as np

from tacit.base.manifest import describe
from tacit.base.records import write_records
from tacit.evaluations.readings import Reading, records_of, write_readings

ACCURACY, ERROR = "sparse_probe_accuracy", "fvu"


def of_concepts(values, *, figure=ACCURACY, measure="probing", basis="dictionary", **of):
    """Return a reading for each concept."""
    of = {"measure": measure, "basis": basis, **of}
    return [
        Reading(figure=figure, unit=f"concept-{place}", top=float(value), of=of)
        for place, value in enumerate(values)
    ]


def of_documents(top, bottom, *, figure=ERROR, measure="fidelity", basis="dictionary"):
    """Return the readings of one unit made of documents."""
    of = {"measure": measure, "basis": basis}
    return [
        Reading(figure=figure, unit="rows", top=float(a), bottom=float(b), of=of, part=part)
        for part, (a, b) in enumerate(zip(top, bottom, strict=True))
    ]


def measured_run(
    folder: Path,
    readings,
    *,
    method="top-k",
    num_atoms=1_024,
    k=16,
    seed=0,
    subject="stories",
    site="resid.2",
    store="5ee5",
    gaps=(),
    settings=None,
    command="tacit measure stories --dictionary d",
) -> Path:
    """Write a finished measure run, as ``tacit measure`` would."""
    of = {"method": method, "num_atoms": num_atoms, "k": k, "seed": seed}
    load = {"device": None, "dtype": None}
    plain = {"model": subject, "dictionary": str(folder), "site": None, "store": None,
             "text": None, "load": load, "size": "standard", "measures": [], "extra": {},
             "baselines": ["pca"], "max_rows": 1_000, "seed": 0}  # fmt: skip
    configuration = {
        "settings": {**plain, **(settings or {})},
        "subject": subject,
        "subject_digest": f"digest of {subject}",
        "dictionary": f"digest of {folder}",
        "store": f"{store} of {subject}",
        "site": site,
        "of": of,
        "source": str(folder),
    }
    manifest = describe("measure", configuration, passed=["model"], seed=0)
    (folder / "artifacts").mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({**manifest, "command": command}))
    write_records(folder / "results.json", [*records_of(readings, of), *gaps])
    write_readings(folder / "artifacts" / "readings.parquet", readings)
    return folder


def some_readings(rng: np.random.Generator, *, better: float, num_concepts=12):
    """Return readings of three figures, better by so much; baselines' beside."""
    values = rng.uniform(0.5, 0.7, num_concepts)
    errors = rng.uniform(0.2, 0.4, 10)
    return [
        *of_documents(errors - better / 2, np.ones(10)),
        *of_documents(np.full(10, 16.0), np.ones(10), figure="l0"),
        *of_concepts(values + better, probe_k=1),
        *of_concepts(values + better + 0.1, probe_k=5),
        *of_concepts(values - 0.1, basis="pca", probe_k=1),
        *of_documents(errors + 0.2, np.ones(10), basis="pca"),
    ]
