"""What every measure must keep, whichever it is: each entry of MEASURES is tried."""

import ast
import inspect
from dataclasses import fields, replace
from pathlib import Path

import pytest

from tacit.base.errors import UserError
from tacit.base.records import Gap
from tacit.evaluations.planted_evidence import planted_evidence
from tacit.evaluations.planted_world import PlantedWorld
from tacit.evaluations.readings import Reading
from tacit.evaluations.suite import MEASURES, QUICK, run_measure, suite_of
from tacit.metrics.catalogue import METRICS

WORLD = PlantedWorld(num_labels=4, num_families=2, num_background=16)
PAGES = Path(__file__).parents[2] / "docs" / "measures"


@pytest.fixture(scope="module")
def evidence():
    return planted_evidence(WORLD, "good", num_documents=40)


@pytest.fixture(scope="module", params=sorted(MEASURES))
def measure(request):
    (made,) = suite_of("quick", (request.param,))
    return made


def test_its_name_is_that_in_the_table_and_its_figures_are_in_the_catalogue(measure):
    assert MEASURES[measure.name] is type(measure)
    assert set(measure.figures) <= METRICS.keys()


def test_the_same_seed_says_the_same(measure, evidence):
    first, again = (run_measure(measure, evidence, (), seed=3) for _ in range(2))
    assert first.readings == again.readings
    assert first.gaps == again.gaps


def test_every_figure_is_a_reading_within_its_range_or_a_gap(measure, evidence):
    found = run_measure(measure, evidence, (), seed=0)
    told = {each.figure for each in found.readings} | {each.name for each in found.gaps}
    assert set(measure.figures) <= told
    assert {each.figure for each in found.readings} <= METRICS.keys()
    for each in found.readings:
        low, high = METRICS[each.figure].range
        assert each.bottom == 0 or low - 1e-9 <= each.top / each.bottom <= high + 1e-9


def test_readings_tell_measure_and_basis(measure, evidence):
    found = run_measure(measure, evidence, [replace(evidence, basis="pca")], seed=0)
    bases = {each.of["basis"] for each in found.readings}
    assert {each.of["measure"] for each in found.readings} <= {measure.name}
    alone = measure.needs_model or not measure.beside
    assert bases <= ({"dictionary"} if alone else {"dictionary", "pca"})


def test_without_concepts_there_are_gaps_and_no_traceback(measure, evidence):
    found = run_measure(measure, replace(evidence, concepts=()), (), seed=0)
    assert all(isinstance(each, Gap) for each in found.gaps)
    assert found.readings or found.gaps


def test_every_setting_is_read_and_documented(measure):
    kind = type(measure)
    module = ast.parse(inspect.getsource(inspect.getmodule(kind)))
    read = {
        node.attr
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }
    body = ast.parse(inspect.getsource(kind)).body[0].body
    told = {
        before.target.id
        for before, after in zip(body, body[1:], strict=False)
        if isinstance(before, ast.AnnAssign) and isinstance(after, ast.Expr)
    }
    own = {field.name for field in fields(kind)}
    assert own <= read
    assert own <= told


def test_its_page_says_what_it_does_not_show(measure):
    page = (PAGES / f"{measure.name}.md").read_text()
    assert "does not show" in page.lower()
    for figure in measure.figures:
        assert f"`{figure}`" in page, figure


def test_quick_settings_are_settings_of_known_measures():
    for name, given in QUICK.items():
        assert set(given) <= {field.name for field in fields(MEASURES[name])}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"probing": {"atoms": 3}}, "no setting of the measure probing is called 'atoms'"),
        ({"probing": {"ks": "many"}}, "will not do for the measure probing"),
        ({"probin": {}}, "Did you mean 'probing'?"),
    ],
)
def test_a_wrong_setting_is_told(given, message):
    with pytest.raises(UserError, match=message.replace("?", r"\?")):
        suite_of("quick", (), given)


def test_a_reading_is_not_a_gap(evidence):
    (fidelity,) = suite_of("quick", ("fidelity",))
    assert all(isinstance(each, Reading) for each in fidelity.read(evidence, seed=0))
