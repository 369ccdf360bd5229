"""``tacit leak`` from the command line: figures printed or as JSON, and mistakes in a sentence."""

import json
import shutil

import numpy as np
import pytest

from bottlenecks.toy_images import SMALL
from tacit.bottlenecks.files import save_bottleneck
from tacit.bottlenecks.known_leaks import known_leak
from tacit.bottlenecks.networks import BottleneckSettings, new_bottleneck
from tacit.bottlenecks.trunks import new_trunk
from verbs.leaking_models import SIDE, concepts_of, draw, write_models


@pytest.fixture(scope="module")
def birds(tmp_path_factory):
    return draw(tmp_path_factory.mktemp("drawn") / "birds")


@pytest.fixture(scope="module")
def models(tmp_path_factory, birds):
    """The folder with ``model.py`` and the list of its concepts."""
    folder, names = tmp_path_factory.mktemp("models"), concepts_of(birds)
    (folder / "concepts.txt").write_text("\n".join(names))
    write_models(folder, birds, names)
    return folder


@pytest.fixture
def leak(command, birds, models, tmp_path):
    """Run the command on a function of ``model.py``; what is given after it wins."""

    def run(name, *words):
        first = ("leak", f"{models / 'model.py'}:{name}", "--data", birds, "--side", SIDE)
        listed = ("--concepts", models / "concepts.txt", "--out", tmp_path / "run")
        return command(*first, *listed, "--quiet", *words)

    return run


@pytest.fixture
def arrays(tmp_path):
    """Write arrays of a leak, changed as asked, and return the file."""

    def write(**changed):
        known = known_leak(0.5, num_images=200, group_sizes=(2, 2), seed=3)
        given = {
            "labels": known.labels,
            "concepts": known.concepts,
            "readings": known.readings,
            **changed,
        }
        path = tmp_path / "arrays.npz"
        np.savez(path, **{name: each for name, each in given.items() if each is not None})
        return path

    return write


def test_figures_are_printed_or_json(leak, tmp_path):
    printed = leak("telling").finished()
    assert printed.err == ""
    assert "conditional_information" in printed.out
    assert f"report: {tmp_path / 'run' / 'report.html'}" in printed.out
    ended = leak("telling", "--json").finished()
    found = json.loads(ended.out)
    assert found["concepts"][0]["leak"] > 0.4
    assert {record["name"] for record in found["records"]} >= {
        "conditional_information",
        "entropy_given_concepts",
        "task_accuracy",
        "concept_accuracy",
        "twin_accuracy",
        "concept_task_leakage",
        "interconcept_leakage",
        "oracle_impurity",
        "intervened_accuracy",
    }


def test_a_model_that_does_not_fit_is_refused(leak, command, models, birds, tmp_path):
    leak("teling").refused("teling", "Did you mean 'telling'?")
    leak("no_module").refused("returned a str", "torch module")
    leak("one_array").refused("one array (80, 3072)", "concept logits")
    leak("not_finite").refused("concept outputs", "not finite")
    leak("telling", "--concepts", "published").refused("112", "concept outputs")
    leak("telling", "--set", "num_slots=3").refused("3 slots")
    leak("telling", "--device", "nowhere").refused("nowhere")
    command("leak", tmp_path / "none").refused("no bottleneck", "FILE.py:NAME")
    command("leak", f"{tmp_path / 'none.py'}:make", "--data", birds).refused("no file")
    command("leak", f"{models / 'model.py'}:telling").refused("--data")
    command("leak", models, "--data", birds).refused("network.json")
    assert not (tmp_path / "run").exists()


def test_another_number_of_classes_is_refused(command, birds, models, tmp_path):
    names = (models / "concepts.txt").read_text().split()
    shape = BottleneckSettings(num_concepts=len(names), num_classes=3)
    save_bottleneck(new_bottleneck(new_trunk(SMALL, seed=0), shape, seed=0), tmp_path / "m")
    words = ("--concepts", models / "concepts.txt", "--side", SIDE, "--quiet")
    command("leak", tmp_path / "m", "--data", birds, *words).refused(
        "3 class outputs", "4 classes"
    )


def test_pictures_that_are_not_there_are_refused(leak, birds, tmp_path):
    leak("telling", "--data", tmp_path).refused("no folder of CUB-200-2011", "images.txt")
    copied = tmp_path / "copy"
    shutil.copytree(birds, copied)
    images = [
        path for path in (copied / "CUB_200_2011").rglob("*") if path.suffix == ".jpg"
    ]
    for path in images[:3]:
        path.unlink()
    leak("telling", "--data", copied, "--split", "all").refused("3 of 160 images")


def test_concepts_that_there_are_not_are_refused(leak, models, tmp_path):
    listed = tmp_path / "listed.txt"
    listed.write_text("has_wing_color::mauve\n")
    leak("telling", "--concepts", listed).refused("has_wing_color::mauve", "312")
    listed.write_text("has_wing_color::blue\nhas_wing_color::blue\n")
    leak("telling", "--concepts", listed).refused("2 attributes, 1 of them different")
    leak("telling", "--concepts", "all").refused("published, rule or a file")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"labels": None}, ["lacks labels", "it holds concepts, readings"]),
        ({"labels": np.zeros(199)}, ["200 of concepts", "199 of labels"]),
        ({"labels": np.full(200, 0.5)}, ["whole numbers"]),
        ({"labels": np.full(200, -1)}, ["count classes from 0"]),
        ({"labels": np.full(200, "a")}, ["give numbers"]),
        ({"readings": np.full((200, 2), np.nan)}, ["400 of 400 readings are not finite"]),
        ({"readings": np.zeros(200)}, ["readings", "images by readings"]),
        ({"concepts": np.full((200, 2), 0.3)}, ["neither 0 nor 1", "0.3"]),
        ({"class_logits": np.zeros((200, 2))}, ["2 classes", "count classes from 0"]),
        ({"class_logits": np.full((200, 9), np.inf)}, ["class logits are not finite"]),
        ({"concept_names": np.array(["one"])}, ["1 concept names"]),
        ({"readings": np.array([[None]])}, ["cannot be read as arrays"]),
    ],
)
def test_arrays_that_do_not_go_together_are_refused(command, arrays, changed, words):
    command("leak", arrays(**changed)).refused(*words)


def test_a_file_that_holds_no_arrays_is_refused(command, arrays, birds, tmp_path):
    for name in ("text.npz", "text.parquet"):
        (tmp_path / name).write_text("no arrays")
        command("leak", tmp_path / name).refused("cannot be read")
    command("leak", tmp_path / "none.npz").refused("no file")
    command("leak", arrays(), "--data", birds).refused("Leave --data out")


def test_one_image_and_one_class_are_told_for_what_they_are(command, arrays, tmp_path):
    one = {"labels": np.zeros(1), "concepts": np.ones((1, 2)), "readings": np.ones((1, 2))}
    command("leak", arrays(**one)).refused("1 images", "several images")
    few = {name: np.repeat(each, 4, axis=0) for name, each in one.items()}
    command("leak", arrays(**few)).refused("4 images", "10 images or more")
    out = ("--out", tmp_path / "run", "--quiet")
    ended = command("leak", arrays(labels=np.zeros(200)), *out).finished()
    assert "leave 0.000 nats of the class open" in ended.out


def test_constant_concepts_are_kept_and_counted(command, arrays, tmp_path):
    known = known_leak(0.5, num_images=200, group_sizes=(2, 2), seed=3)
    wider = np.concatenate([known.concepts, np.ones((200, 2), dtype=bool)], axis=1)
    with_constant = arrays(
        concepts=wider, readings=np.pad(known.readings, ((0, 0), (0, 2)))
    )
    command("leak", with_constant, "--out", tmp_path / "run", "--quiet").finished()
    said = (tmp_path / "run" / "report.html").read_text()
    constant = 2 + int((known.concepts.all(axis=0) | ~known.concepts.any(axis=0)).sum())
    assert f"{constant} of {wider.shape[1]} concepts are the same on all images" in said
    assert "2 of 22 readings are the same on all images" in said
