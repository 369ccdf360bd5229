"""Imports go down only, as the table of floors says."""

import ast
import subprocess
import sys
import time
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src" / "tacit"
LOWER = {"base", "data", "metrics", "models", "activations", "dictionaries"}
MIDDLE = LOWER | {"interventions", "features", "explanations"}
UPPER = MIDDLE | {"training", "evaluations", "calibrations", "bottlenecks", "organisms"}
MAY_IMPORT: dict[str, set[str]] = {
    "base": set(),
    "metrics": {"base"},
    "data": {"base"},
    "models": {"base", "data", "metrics"},
    "activations": {"base", "data", "metrics", "models"},
    "dictionaries": {"base", "metrics"},
    "bottlenecks": {"base", "data", "metrics", "models"},
    "interventions": LOWER,
    "training": LOWER,
    "features": LOWER | {"interventions"},
    "explanations": LOWER | {"interventions", "features"},
    "evaluations": MIDDLE,
    "calibrations": MIDDLE | {"evaluations", "bottlenecks"},
    "organisms": MIDDLE | {"training"},
    "reports": {"base"},
    "verbs": UPPER | {"reports"},
    "studies": UPPER | {"reports"},
    "cli": UPPER | {"reports", "verbs", "studies"},
}


def imported(path: Path) -> set[str]:
    """Packages of ours that ``path`` names anywhere, inside functions too."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write imports in full"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return {name.split(".")[1] for name in names if name.startswith("tacit.")} - {
        "__version__"
    }


def test_table_has_no_cycle():
    assert list(TopologicalSorter(MAY_IMPORT).static_order())[0] == "base"


def test_every_package_is_in_the_table():
    found = {path.parent.name for path in SRC.glob("*/__init__.py")}
    assert found == set(MAY_IMPORT)


@pytest.mark.parametrize("package", sorted(MAY_IMPORT))
def test_imports_follow_the_table(package):
    for path in (SRC / package).rglob("*.py"):
        extra = imported(path) - MAY_IMPORT[package] - {package}
        assert not extra, f"{path.relative_to(SRC)} may not import {sorted(extra)}"


def modules_after(statement: str) -> set[str]:
    """Top-level modules loaded in a fresh interpreter by one statement."""
    code = f"import sys; {statement}; print(' '.join({{m.split('.')[0] for m in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_base_loads_neither_torch_nor_numpy():
    every = "; ".join(
        f"import tacit.base.{path.stem}"
        for path in (SRC / "base").glob("*.py")
        if path.stem[0] != "_"
    )
    assert not {"torch", "numpy", "transformers"} & modules_after(every)


def test_importing_tacit_takes_under_half_a_second():
    assert not {"torch", "numpy", "transformers"} & modules_after("import tacit")
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import tacit"], check=True)
        seconds.append(time.perf_counter() - began)
    assert min(seconds) < 0.5
