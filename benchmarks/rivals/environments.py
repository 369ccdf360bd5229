"""An environment of its own for each rival, as their requirements exclude each other."""

import os
import subprocess
import sys
from pathlib import Path

RIVALS = Path(__file__).parent
ENVIRONMENTS = Path(os.environ.get("TACIT_RIVALS", ".venv-rivals"))
PIP = ("-m", "pip", "--quiet", "--disable-pip-version-check")
# dictionary-learning pulls in a torchvision built for CUDA, with which nothing imports.
UNWANTED = {"dictionary_learning": "torchvision"}
# Installed without what it requires: most of that only loads models and data sets.
BARE = {"sae_bench": "sae-bench==0.6.0"}


def environment(name: str) -> str:
    """Return the Python of a rival's environment, made on first use."""
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
        if name in BARE:
            bare = [str(python), *PIP, "install", "--no-deps", BARE[name]]
            subprocess.run(bare, check=True, capture_output=True, text=True)
        ready.touch()
    return str(python)
