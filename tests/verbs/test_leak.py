"""A leak is found where it was put, with its interval, and none where there is none."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bottlenecks.toy_images import SMALL
from tacit.base.errors import UserError
from tacit.base.pages import Pictures, Text, read_pages
from tacit.base.records import Gap, Result
from tacit.bottlenecks.conditional import conditional_information
from tacit.bottlenecks.files import save_bottleneck
from tacit.bottlenecks.known_leaks import known_leak
from tacit.bottlenecks.networks import BottleneckSettings, new_bottleneck
from tacit.bottlenecks.reading import read_out
from tacit.bottlenecks.trunks import new_trunk
from tacit.data.birds import read_truth
from tacit.data.cub import read_cub, read_pixels
from tacit.verbs.leak import leak
from tacit.verbs.leak_answers import moved_by_more, right_twins
from tacit.verbs.leak_networks import OpenedModel
from tacit.verbs.leak_settings import LeakSettings
from verbs.leaking_models import SIDE, concepts_of, draw, write_models


@pytest.fixture(scope="module")
def birds(tmp_path_factory):
    return draw(tmp_path_factory.mktemp("drawn") / "birds")


@pytest.fixture(scope="module")
def asked(tmp_path_factory, birds):
    """Settings for the two models that look their answers up."""
    folder, names = tmp_path_factory.mktemp("models"), concepts_of(birds)
    listed = folder / "concepts.txt"
    listed.write_text("".join(f"{at} {name}\n" for at, name in enumerate(names)))
    path = write_models(folder, birds, names)

    def settings(name, **others):
        given = {"data": str(birds), "concepts": str(listed), "side": SIDE, **others}
        return LeakSettings(model=f"{path}:{name}", **given)

    return settings


@pytest.fixture(scope="module")
def telling(tmp_path_factory, asked):
    return leak(asked("telling"), tmp_path_factory.mktemp("runs") / "telling")


def figure(run, name, **of):
    """Return the first record of a name that has these coordinates."""
    return next(
        record
        for record in run.records
        if record.name == name and of.items() <= record.of.items()
    )


def blocks(run, kind):
    pages = read_pages(run.folder / "artifacts" / "pages.json")
    return [block for page in pages for block in page.blocks if isinstance(block, kind)]


def written(path, known, **others):
    np.savez(
        path,
        labels=known.labels,
        concepts=known.concepts,
        readings=known.readings,
        **others,
    )
    return LeakSettings(model=str(path))


@pytest.mark.parametrize("nats", [0.0, 0.35])
def test_arrays_that_leak_so_many_nats_are_told_to(tmp_path, nats):
    known = known_leak(nats, num_images=1200, seed=100)
    run = leak(written(tmp_path / "arrays.npz", known), tmp_path / "run")
    found = figure(run, "conditional_information")
    assert found.interval[0] <= nats <= found.interval[1]
    assert (found.interval[0] > 0) == (nats > 0)
    entropy = figure(run, "entropy_given_concepts")
    assert entropy.value == pytest.approx(known.entropy, abs=0.05)  # of 1,200 images
    sentence = blocks(run, Text)[0].text
    assert ("No leak was found" in sentence) == (nats == 0)
    assert isinstance(figure(run, "twin_accuracy"), Gap)


def test_a_class_in_a_concept_is_found_to_be_there(telling, asked, birds):
    found = figure(telling, "conditional_information")
    assert found.of["given"] == "what was drawn"
    # The concepts leave a coin open, and the reading tells how it fell but for noise.
    assert figure(telling, "entropy_given_concepts").value == pytest.approx(
        np.log(2), abs=0.05
    )
    assert found.value > 0.5
    assert found.interval[0] > 0.3
    assert figure(telling, "twin_accuracy").value == 1
    assert figure(telling, "task_accuracy").value == 1
    rows = telling.concepts
    leaky = concepts_of(birds)[0]
    assert rows[0]["concept"] == leaky
    assert rows[0]["leak"] > 0.4
    assert all(row["leak"] < 0.15 for row in rows[1:])
    assert sum(row["right"] for row in rows[1:]) > len(rows) - 1.1
    assert "cannot be run by itself" in figure(telling, "intervened_accuracy").reason


def test_the_model_without_it_is_found_to_leak_nothing(asked, tmp_path):
    run = leak(asked("silent"), tmp_path / "run")
    assert figure(run, "conditional_information").interval[0] <= 0
    assert figure(run, "twin_accuracy").value == 0.5
    assert not blocks(run, Pictures)  # no answer is right by more than the concepts


def test_pictures_are_of_twins_that_the_concepts_do_not_tell_apart(telling, birds):
    (shown,) = blocks(telling, Pictures)
    table = pq.read_table(telling.folder / shown.table).to_pydict()
    assert all(png.startswith(b"\x89PNG") for png in table["png"])
    truth = read_truth(birds)
    names = [name.split(".", 1)[1].replace("_", " ") for name in read_cub(birds).classes]
    twins = {
        frozenset((names[one], names[other])) for one, other in enumerate(truth.twin_of)
    }
    for heading in set(table["row"]):
        words = {
            w for w, row in zip(table["words"], table["row"], strict=True) if row == heading
        }
        assert frozenset(words) in twins
    assert "data:image/png;base64" in telling.report.read_text()


def test_what_is_kept_can_be_measured_again_as_arrays(telling, tmp_path):
    kept = telling.folder / "artifacts" / "arrays.npz"
    again = leak(LeakSettings(model=str(kept)), tmp_path / "run")
    for name in ("conditional_information", "entropy_given_concepts", "task_accuracy"):
        one, other = figure(telling, name), figure(again, name)
        assert (one.value, one.interval, one.n) == (other.value, other.interval, other.n)
    assert [row["leak"] for row in again.concepts] == [
        row["leak"] for row in telling.concepts
    ]


@pytest.mark.parametrize("carries", ["sigmoid", "hard"])
def test_a_saved_bottleneck_is_read_as_its_class_head_reads_it(
    birds, asked, tmp_path, carries
):
    names = concepts_of(birds)
    shape = BottleneckSettings(
        num_concepts=len(names), num_classes=4, num_slots=2, carries=carries
    )
    model = new_bottleneck(new_trunk(SMALL, seed=0), shape, seed=1)
    save_bottleneck(model, tmp_path / "model")
    settings = asked("telling").model_copy(update={"model": str(tmp_path / "model")})
    run = leak(settings, tmp_path / "run")
    cub, truth = read_cub(birds), read_truth(birds)
    rows = np.flatnonzero(~cub.is_train)
    said = read_out(model, read_pixels(cub, rows, SIDE))
    read = said.concept_logits
    if carries == "hard":
        read = (read > 0).astype(np.float64)
    column = {name: at for at, name in enumerate(cub.attributes)}
    rendered = truth.rendered[np.ix_(rows, [column[name] for name in names])]
    own = conditional_information(cub.labels[rows], rendered, read.astype(np.float64))
    (expected, _) = own.records({"given": "what was drawn"})
    assert figure(run, "conditional_information") == expected
    if isinstance(expected, Result):
        of_concepts = figure(run, "conditional_information", readings="concepts alone")
        assert of_concepts != expected
    right = (said.class_logits.argmax(axis=1) == cub.labels[rows]).mean()
    assert figure(run, "task_accuracy").value == right
    both = [
        figure(run, "intervened_accuracy", **{"set to": kind})
        for kind in ("truth", "own answers")
    ]
    assert all(isinstance(each, Result) for each in both)
    if carries == "hard":  # what is written is what was read
        assert both[1].value == pytest.approx(right)


def test_without_the_truth_annotations_stand_in_and_the_report_says_what_that_does(
    birds, asked, tmp_path
):
    shutil.copytree(birds / "CUB_200_2011", tmp_path / "CUB_200_2011")
    shutil.copy(birds / "attributes.txt", tmp_path)
    run = leak(asked("telling", data=str(tmp_path)), tmp_path / "run")
    assert figure(run, "entropy_given_concepts").of["given"] == "annotations"
    said = json.dumps(json.loads((run.folder / "artifacts" / "pages.json").read_text()))
    assert "too high" in said
    assert "have concepts that no other image has" in said
    assert "labels of concepts are not known" in said
    assert isinstance(figure(run, "twin_accuracy"), Gap)


def test_a_stopped_run_does_not_ask_the_model_again(asked, tmp_path, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("tacit.verbs.leak.measured", stopped)
        with pytest.raises(KeyboardInterrupt):
            leak(asked("silent"), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    monkeypatch.setattr(OpenedModel, "outputs", stopped)
    run = leak(asked("silent"), tmp_path / "run")
    assert run.report.exists()
    assert leak(asked("silent"), tmp_path / "run").records == run.records
    with pytest.raises(UserError, match="seed"):
        leak(asked("silent", seed=1), tmp_path / "run")


def test_answers_that_concepts_determine_are_moved_by_nothing():
    rng = np.random.default_rng(0)
    truth = rng.random((60, 2)) > 0.5
    labels = 2 * truth[:, 0] + (rng.random(60) > 0.5)
    logits = np.eye(4)[2 * truth[:, 0]]
    moved = moved_by_more(logits, labels, truth)
    assert not moved.to_right.any()
    assert not moved.to_wrong.any()


def test_noise_makes_as_many_answers_wrong_as_right():
    rng = np.random.default_rng(0)
    labels, truth = np.tile([0, 1], 2000), np.ones((4000, 1), dtype=bool)
    moved = moved_by_more(rng.standard_normal((4000, 2)), labels, truth)
    right, wrong = moved.to_right.sum(), moved.to_wrong.sum()
    assert right > 800
    assert abs(int(right) - int(wrong)) < 3 * np.sqrt(right + wrong)  # three deviations


def test_a_concept_whose_reading_is_flat_has_no_leak_and_comes_last(tmp_path):
    known = known_leak(0.5, num_images=200, group_sizes=(2, 2), seed=3)
    readings = known.readings.copy()
    readings[:, 4] = 1.0
    np.savez(
        tmp_path / "flat.npz",
        labels=known.labels,
        concepts=known.concepts,
        readings=readings,
    )
    run = leak(LeakSettings(model=str(tmp_path / "flat.npz")), tmp_path / "run")
    last = run.concepts[-1]
    assert (last["concept"], last["leak"]) == ("concept 4", None)
    leaks = [row["leak"] for row in run.concepts[:-1]]
    assert leaks == sorted(leaks, reverse=True)


def test_of_twins_that_are_told_apart_the_rarer_one_is_right_by_more():
    labels = np.repeat([0, 1], [6, 4])
    moved = moved_by_more(np.eye(2)[labels], labels, np.ones((10, 1), dtype=bool))
    assert moved.to_right.tolist() == [False] * 6 + [True] * 4
    assert not moved.to_wrong.any()


def test_a_head_that_cannot_tell_twins_apart_is_right_in_half():
    labels, twin_of = np.array([0, 1, 2, 3, 4]), np.array([1, 0, 3, 2, -1])
    right, pair = right_twins(np.zeros((5, 5)), labels, twin_of)
    assert right.tolist() == [True, False, True, False]
    assert pair.tolist() == [0, 0, 2, 2]


def test_columns_of_a_table_are_read_as_arrays_are(tmp_path):
    known = known_leak(0.5, num_images=300, group_sizes=(2, 2), seed=3)
    arrays = written(tmp_path / "arrays.npz", known)
    columns = {
        "labels": known.labels,
        "concepts": known.concepts.tolist(),
        "readings": known.readings.tolist(),
    }
    pq.write_table(pa.table(columns), tmp_path / "arrays.parquet")
    table = LeakSettings(model=str(tmp_path / "arrays.parquet"))
    one, other = (leak(each, tmp_path / f"{n}") for n, each in enumerate((arrays, table)))
    assert one.records == other.records


def test_probabilities_are_told_from_logits(tmp_path):
    known = known_leak(0.5, num_images=300, group_sizes=(2, 2), seed=3)
    soft = 1 / (1 + np.exp(-known.readings / known.readings.std()))
    np.savez(
        tmp_path / "soft.npz", labels=known.labels, concepts=known.concepts, readings=soft
    )
    run = leak(LeakSettings(model=str(tmp_path / "soft.npz")), tmp_path / "run")
    assert "probabilities, turned into logits" in run.report.read_text()


def test_the_example_of_the_page_runs(tmp_path, monkeypatch, capsys):
    page = (Path(__file__).parents[2] / "docs" / "leak.md").read_text()
    (block,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "docs/leak.md", "exec"), {})
    assert capsys.readouterr().out.startswith("0.3")
