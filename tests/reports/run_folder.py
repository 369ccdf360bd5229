"""A run folder like a real one, made without any model: 40 features of Python code."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from reports.feature_rows import NUM_FEATURES, features, frontier
from reports.run_pages import pages, records
from tacit.base.pages import Features, Page, write_pages
from tacit.base.records import write_records

MANIFEST = {
    "kind": "sparse-features",
    "configuration": {
        "subject": "pycode",
        "corpus": "python-stdlib",
        "sites": ["resid.3"],
        "fit": {"steps": 4000, "block_rows": 4096, "top_k": {"k": 32, "num_atoms": 2048}},
    },
    "passed": ["corpus", "fit.steps"],
    "seed": 7,
    "versions": {"python": "3.11.9", "tacit": "0.1.0", "torch": "2.13.0"},
    "hardware": {"machine": "x86_64", "system": "Linux", "cores": 2, "load": 0.4},
    "commit": "0123456789abcdef0123456789abcdef01234567",
    "uncommitted_changes": "none",
    "parents": {},
    "begun": "2026-01-02T03:04:05+00:00",
}


def write_table(path: Path, rows: list[dict]) -> None:
    """Write rows as Parquet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)


def build_run_folder(folder: Path, *, num_features: int = NUM_FEATURES) -> Path:
    """Write a whole run folder, and return its path."""
    facts, contexts = features(num_features)
    write_table(folder / "artifacts/facts.parquet", facts)
    write_table(folder / "artifacts/contexts.parquet", contexts)
    write_table(folder / "artifacts/frontier.parquet", frontier())
    write_pages(folder / "artifacts/pages.json", pages())
    write_records(folder / "results.json", records())
    (folder / "manifest.json").write_text(json.dumps(MANIFEST, indent=1))
    return folder


def small(folder: Path) -> Path:
    """Keep the features and their contexts alone, which is quick to draw; return the folder."""
    blocks = [b for p in pages() for b in p.blocks if isinstance(b, Features)]
    write_pages(folder / "artifacts/pages.json", [Page(title="P", blocks=tuple(blocks))])
    return folder
