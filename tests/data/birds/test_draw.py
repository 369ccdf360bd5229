"""A set of birds on disk: the layout of CUB, the same bytes however it came about, or nothing."""

import numpy as np
import pytest

import tacit.data.birds.draw as drawing
from tacit.base.errors import UserError
from tacit.base.folders import partial_of
from tacit.data.birds import BirdSettings, draw_birds, read_truth
from tacit.data.birds.layout import ROOT
from tacit.data.birds.sheet import settings_of, write_sheet
from tacit.data.cub import (
    instance_labels,
    majority_labels,
    published_concepts,
    read_cub,
    read_pixels,
)
from tacit.data.cub.vocabulary import ATTRIBUTES, CERTAINTIES, PARTS


def files_of(folder):
    """Return every file's bytes but the manifest's, which tells the time."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }


def lines(folder, name):
    return (folder / ROOT / name).read_text().splitlines()


def test_every_file_has_the_form_of_the_original(small):
    assert (small / "attributes.txt").read_text().splitlines()[0] == (
        "1 has_bill_shape::curved_(up_or_down)"
    )
    first, second = lines(small, "images.txt")[:2]
    assert first == "1 001.Ashen_Reedling/Ashen_Reedling_0001_1.jpg"
    other = lines(small, "images.txt")[
        10
    ]  # its folder and its file differ in case, as there
    assert other == "11 002.Band_winged_Reedling/Band_Winged_Reedling_0001_11.jpg"
    assert second == "2 001.Ashen_Reedling/Ashen_Reedling_0002_2.jpg"
    assert lines(small, "image_class_labels.txt")[9:11] == ["10 1", "11 2"]
    assert lines(small, "classes.txt")[5].startswith("6 006.")
    assert [row.split()[1] for row in lines(small, "train_test_split.txt")].count("1") == 30
    box = lines(small, "bounding_boxes.txt")[0].split()
    assert box[0] == "1"
    assert all(each.endswith(".0") for each in box[1:])
    parts = [row.split() for row in lines(small, "parts/part_locs.txt")]
    assert [row[:2] for row in parts[:16]] == [
        *(["1", str(part)] for part in range(1, 16)),
        ["2", "1"],
    ]
    assert all(row[2:4] == ["0.0", "0.0"] for row in parts if row[4] == "0")
    assert lines(small, "parts/parts.txt") == [
        f"{at} {name}" for at, name in enumerate(PARTS, 1)
    ]
    assert lines(small, "attributes/certainties.txt") == [
        f"{at} {name}" for at, name in enumerate(CERTAINTIES, 1)
    ]
    said = [row.split() for row in lines(small, "attributes/image_attribute_labels.txt")]
    assert len(said) == 60 * 312
    assert said[312][:2] == ["2", "1"]
    shares = lines(small, "attributes/class_attribute_labels_continuous.txt")
    assert [len(row.split()) for row in shares] == [312] * 6


def test_rows_of_six_fields_are_those_of_two_images_from_the_tenth_attribute_on(small):
    rows = [row.split() for row in lines(small, "attributes/image_attribute_labels.txt")]
    odd = [row for row in rows if len(row) == 6]
    assert len(odd) == 606
    assert {row[0] for row in odd} == {"1", "60"}
    assert {int(row[1]) for row in odd} == set(range(10, 313))
    assert {row[4] for row in odd} == {"0"}


def test_the_reader_of_the_real_set_reads_it(small):
    cub, truth = read_cub(small), read_truth(small)
    np.testing.assert_array_equal(cub.labels, truth.labels)
    assert cub.attributes == ATTRIBUTES
    assert sum(cub.mended.values()) == 606
    pixels = read_pixels(cub, np.arange(60), 32)
    assert pixels.shape == (60, 3, 32, 32)
    assert len(np.unique(pixels.reshape(60, -1), axis=0)) == 60
    assert cub.part_visible.mean() == pytest.approx(0.8, abs=0.12)


def test_class_percentages_are_those_of_the_annotations_that_see(small):
    cub = read_cub(small)
    seen = cub.certainty > 1
    for label in range(6):
        rows = cub.labels == label
        votes = (cub.present & seen)[rows].sum(axis=0) / np.maximum(
            seen[rows].sum(axis=0), 1
        )
        np.testing.assert_allclose(cub.class_percentages[label], 100 * votes, atol=1e-6)


def test_without_noise_and_leaves_labels_are_the_truth(tmp_path):
    exact = BirdSettings(classes=4, images=4, side=32, noise=0, leaves=0, morphs=1)
    truth = draw_birds(tmp_path / "exact", exact, workers=1)
    cub = read_cub(tmp_path / "exact")
    columns = np.asarray(published_concepts(cub))
    labels = instance_labels(cub, columns)
    assert labels.known.all()
    np.testing.assert_array_equal(labels.values > 0.5, truth.rendered[:, columns])
    voted = majority_labels(cub, np.arange(16), columns)
    np.testing.assert_array_equal(voted, truth.rendered[::4][:, columns])


def test_twins_are_annotated_in_the_same_words_where_both_are_seen(small):
    cub = read_cub(small)
    one, other = cub.labels == 0, cub.labels == 1
    both = (cub.certainty[one] > 1) & (cub.certainty[other] > 1)
    np.testing.assert_array_equal(cub.present[one][both], cub.present[other][both])
    assert both.mean() > 0.9


def test_bytes_depend_on_neither_workers_nor_a_stop(small, asked, tmp_path, monkeypatch):
    draw_birds(tmp_path / "two", asked, workers=2)
    assert files_of(tmp_path / "two") == files_of(small)

    true_chunk, drawn = drawing.draw_chunk, []

    def stopping(chunk):
        if len(drawn) == 3:
            raise KeyboardInterrupt
        drawn.append(chunk.label)
        return true_chunk(chunk)

    stopped = tmp_path / "stopped"
    monkeypatch.setattr(drawing, "draw_chunk", stopping)
    with pytest.raises(KeyboardInterrupt):
        draw_birds(stopped, asked, workers=1)
    assert not stopped.exists()
    assert partial_of(stopped).exists()
    resumed = []
    monkeypatch.setattr(
        drawing,
        "draw_chunk",
        lambda chunk: resumed.append(chunk.label) or true_chunk(chunk),
    )
    draw_birds(stopped, asked, workers=1)
    assert resumed == [3, 4, 5]
    assert files_of(stopped) == files_of(small)


def test_another_seed_draws_other_birds(small, asked, tmp_path):
    other = draw_birds(
        tmp_path / "other", asked.model_copy(update={"seed": 6}), workers=1, replace=True
    )
    assert (other.rendered != read_truth(small).rendered).any()


def test_a_folder_that_is_taken_is_left_alone(small, asked):
    before = files_of(small)
    draw_birds(small, asked, workers=1)  # the same again: nothing to do
    with pytest.raises(UserError, match="seed: 5 there, 6 asked"):
        draw_birds(small, asked.model_copy(update={"seed": 6}), workers=1)
    assert files_of(small) == before


def test_without_pillow_one_is_told_what_to_install(asked, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    with pytest.raises(UserError, match=r"pip install 'tacit\[birds\]'"):
        draw_birds(tmp_path / "none", asked)
    assert not (tmp_path / "none").exists()


def test_truth_is_read_from_the_set_or_from_within_and_refused_elsewhere(small, tmp_path):
    truth = read_truth(small / ROOT)
    np.testing.assert_array_equal(truth.rendered, read_truth(str(small)).rendered)
    assert truth.cue_kind == ("bars", "bars", "plume", "plume", "cheek", "cheek")
    assert truth.twin_of.tolist() == [1, 0, 3, 2, 5, 4]
    with pytest.raises(UserError, match=r"truth\.parquet"):
        read_truth(tmp_path)


def test_a_sheet_is_drawn_again_from_the_settings_alone(small, asked, tmp_path):
    from PIL import Image

    settings = settings_of(small)
    assert settings == asked
    write_sheet(settings, tmp_path / "sheet.png", species=2, columns=4, zoom=2)
    sheet = np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB"))
    assert sheet.shape == (2 * (2 * 34 - 2), 2 * (4 * 34 - 2), 3)
    twins = sheet[:64, :64], sheet[:64, 2 * 2 * 34 : 2 * 2 * 34 + 64]
    assert (twins[0] != twins[1]).any()
