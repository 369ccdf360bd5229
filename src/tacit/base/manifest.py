"""What a run was: configuration, passed values, seeds, versions, hardware, commit, parents."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from tacit.base.files import sha256_of, sha256_of_text
from tacit.base.folders import MANIFEST

RECORDED = (
    "tacit",
    "torch",
    "numpy",
    "safetensors",
    "transformers",
    "tokenizers",
    "scikit-learn",
    "scipy",
    "pyarrow",
    "duckdb",
)
"""Packages whose versions can change a number."""


def versions() -> dict[str, str]:
    """Return the installed version of each package that can change a number."""
    found = {"python": platform.python_version()}
    for name in RECORDED:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def hardware() -> dict[str, str | int | float]:
    """Return the machine's kind, its usable cores, and its load as the run began."""
    return {
        "machine": platform.machine(),
        "system": platform.system(),
        "cores": len(os.sched_getaffinity(0))
        if sys.platform == "linux"
        else os.cpu_count() or 1,
        "load": round(os.getloadavg()[0], 2),
    }


def commit() -> dict[str, str]:
    """Return the commit of Tacit's own checkout and a hash of what is not committed."""
    here = Path(__file__).parent

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(here), *words], capture_output=True, text=True, check=False
        )
        return done.stdout if done.returncode == 0 else ""

    head = git("rev-parse", "HEAD").strip()
    if not head or not git("ls-files", str(Path(__file__))).strip():
        return {"commit": "not a checkout"}
    changes = git("diff", "HEAD", "--", str(here.parent))
    return {
        "commit": head,
        "uncommitted_changes": sha256_of_text(changes) if changes else "none",
    }


def describe(
    kind: str,
    configuration: Mapping[str, Any],
    *,
    passed: Sequence[str],
    seed: int,
    parents: Sequence[Path] = (),
) -> dict[str, Any]:
    """Return the manifest of a run; ``configuration`` alone decides whether it can be resumed."""
    return {
        "kind": kind,
        "configuration": dict(configuration),
        "passed": sorted(passed),
        "seed": seed,
        "versions": versions(),
        "hardware": hardware(),
        **commit(),
        "parents": {str(parent): sha256_of(parent / MANIFEST) for parent in parents},
        "begun": datetime.now(UTC).isoformat(timespec="seconds"),
    }
