import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.base.errors import UserError
from tacit.data.cub import published_concepts, read_cub
from tacit.data.cub.tables import read_names, read_table
from tacit.data.cub.vocabulary import ATTRIBUTES, GROUPS, PUBLISHED

ANNOTATIONS = "attributes/image_attribute_labels.txt"
# From the published list of 112, counted by hand for each group in the order of the file.
KEPT = (4, 6, 6, 6, 3, 6, 1, 5, 2, 6, 5, 1, 2, 6, 5, 6, 6, 2, 3, 2, 3, 3, 1, 6, 3, 3, 6, 4)


def test_everything_in_the_folder_comes_back(folder, truth):
    cub = read_cub(folder)
    np.testing.assert_array_equal(cub.present, truth.present)
    np.testing.assert_array_equal(cub.certainty, truth.certainty)
    np.testing.assert_array_equal(cub.is_train, truth.is_train == 1)
    np.testing.assert_array_equal(cub.boxes, truth.boxes)
    np.testing.assert_array_equal(cub.class_percentages, truth.percentages)
    assert cub.labels.tolist() == [0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2]
    assert cub.classes[1] == "002.Bird_(of_a_kind)"
    assert cub.attributes == ATTRIBUTES
    assert [str(path.relative_to(cub.root / "images")) for path in cub.image_paths] == list(
        truth.names
    )


def test_parts_that_cannot_be_seen_have_no_place(folder, truth):
    cub = read_cub(folder)
    np.testing.assert_array_equal(cub.part_visible, truth.visible)
    np.testing.assert_array_equal(
        cub.part_places, np.where(truth.visible[..., None], truth.places, np.nan)
    )


def test_rows_of_six_fields_are_read_and_counted(folder):
    told = read_cub(folder).mended
    # Two images, 303 attributes each, exactly as in the real file.
    assert told["rows with fields too many or too few"] == 606
    assert sum(told.values()) == 606


def test_the_holder_of_the_folder_will_do(folder):
    assert read_cub(folder.parent).root == folder
    assert read_cub(str(folder)).root == folder


@pytest.mark.parametrize("place", ["attributes/attributes.txt", "attributes.txt"])
def test_names_of_attributes_may_be_inside(folder, place):
    shutil.move(folder.parent / "attributes.txt", folder / place)
    assert read_cub(folder).attributes == ATTRIBUTES


def test_a_folder_named_from_within_finds_what_is_above(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert read_cub(".").attributes == ATTRIBUTES


def test_the_order_of_rows_means_nothing(folder, truth):
    rng = np.random.default_rng(0)
    for name in (
        ANNOTATIONS,
        "image_class_labels.txt",
        "images.txt",
        "parts/part_locs.txt",
    ):
        lines = (folder / name).read_text().splitlines()
        (folder / name).write_text("\n".join(rng.permutation(lines)) + "\n")
    cub = read_cub(folder)
    np.testing.assert_array_equal(cub.present, truth.present)
    np.testing.assert_array_equal(cub.certainty, truth.certainty)
    np.testing.assert_array_equal(cub.part_visible, truth.visible)
    assert cub.labels.tolist() == sorted(cub.labels.tolist())
    assert cub.image_paths[0].name == truth.names[0].split("/")[1]


def test_files_in_another_case_are_found_and_counted(folder):
    images = folder / "images"
    (images / "001.Black_footed_Bird").rename(images / "moved")
    (images / "moved").rename(images / "001.black_FOOTED_bird")
    cub = read_cub(folder)
    assert cub.mended["image names in another case"] == 4
    assert all(path.is_file() for path in cub.image_paths)


def test_what_no_row_tells_is_counted_and_unknown(folder):
    lines = (folder / ANNOTATIONS).read_text().splitlines(keepends=True)
    (folder / ANNOTATIONS).write_text("".join(lines[:5] + lines[7:]))
    places = folder / "parts/part_locs.txt"
    places.write_text("".join(places.read_text().splitlines(keepends=True)[1:]))
    cub = read_cub(folder)
    assert cub.mended["cells that no row annotates"] == 2
    assert cub.certainty[0, 5:7].tolist() == [1, 1] and not cub.present[0, 5:7].any()
    assert cub.mended["parts that no row places"] == 1
    assert np.isnan(cub.part_places[0, 0]).all()


def test_a_list_of_fewer_attributes_is_read(folder, truth):
    (folder.parent / "attributes.txt").write_text("1 has_a::b\n2 has_c::d e\n3 has_a::f\n")
    with (folder / ANNOTATIONS).open() as file:
        kept = [line for line in file if int(line.split()[1]) <= 3]
    (folder / ANNOTATIONS).write_text("".join(kept))
    shares = folder / "attributes/class_attribute_labels_continuous.txt"
    shares.write_text("1 2 3\n" * 3)
    cub = read_cub(folder)
    np.testing.assert_array_equal(cub.present, truth.present[:, :3])
    assert {group: columns.tolist() for group, columns in cub.groups.items()} == {
        "has_a": [0, 2],
        "has_c": [1],
    }
    with pytest.raises(UserError, match="112 published are not among them"):
        published_concepts(cub)


def test_all_that_is_missing_is_named_at_once(tmp_path, folder):
    with pytest.raises(UserError, match=r"images.txt, classes.txt, .*, attributes.txt \("):
        read_cub(tmp_path / "empty" / "inside")
    (folder / "bounding_boxes.txt").unlink()
    (folder.parent / "attributes.txt").unlink()
    with pytest.raises(UserError, match=r"it lacks bounding_boxes.txt, attributes.txt \("):
        read_cub(folder.parent)


MISTAKES = [
    (ANNOTATIONS, "1 3 ", "1 313 ", "line 3 of .* has attribute 313; .* from 1 to 312"),
    (ANNOTATIONS, "2 1 ", "99 1 ", "line 313 of .* has image 99; .* from 1 to 11"),
    (
        ANNOTATIONS,
        "1 2 ",
        "1 1 ",
        "several rows for 1 pairs of image and attribute, .* 1 and 1",
    ),
    (ANNOTATIONS, "1 2 ", "1 two ", "line 2 of .* is '1 two .* attribute .whole number."),
    (ANNOTATIONS, "1 2 ", "1 2 9 ", "line 2 of .* has is_present 9"),
    (ANNOTATIONS, "1 2 ", "1 2 1 5 4 ", "line 2 of .* has certainty 5"),
    (ANNOTATIONS, "1 1 ", "version https://git-lfs\n1 1 ", "line 1 of .* is 'version"),
    (
        "image_class_labels.txt",
        "4 1",
        "4 7",
        "line 4 of .* has class 7; .*classes.txt lists 3",
    ),
    ("image_class_labels.txt", "4 1", "40 1", "line 4 of .* has image 40"),
    ("image_class_labels.txt", "4 1", "5 1", "0 rows for image 4, and 2 of 11"),
    ("image_class_labels.txt", "4 1\n", "", "0 rows for image 4"),
    (
        "classes.txt",
        "3 003",
        "4 004.Extra\n3 003",
        "no image of 1 classes, such as 004.Extra",
    ),
    ("classes.txt", "3 003", "9 003", "ids 1 to 3, and it has no 3"),
    ("classes.txt", "3 003", "2 003", "line 3 of .* an id that no other line has"),
    ("images.txt", "1 001", "001", "line 1 of .* must be an id"),
    ("train_test_split.txt", "2 0", "2 -1", "line 2 of .* has is_train -1"),
    ("bounding_boxes.txt", "1 ", "1 wide ", "line 1 of .*left .number."),
    ("parts/part_locs.txt", "1 15 ", "1 16 ", "line 15 of .* has part 16"),
    ("parts/part_locs.txt", "1 15 ", "1 15", "line 15 of .* is '1 15"),
]


@pytest.mark.parametrize(("name", "old", "new", "said"), MISTAKES)
def test_a_mistake_is_told_with_its_place(folder, name, old, new, said):
    path = folder / name
    text = "\n" + path.read_text()
    assert f"\n{old}" in text
    path.write_text(text.replace(f"\n{old}", f"\n{new}", 1)[1:])
    with pytest.raises(UserError, match=said):
        read_cub(folder)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1 2\n3 4\n", "2 lines of 2 numbers; it must have 3 of 312"),
        ("", "0 lines of no numbers"),
        ((" ".join(["x"] * 312) + "\n") * 3, "no number"),
        ((" ".join(["101"] * 312) + "\n") * 3, "from 101 to 101"),
    ],
)
def test_shares_of_another_shape_are_refused(folder, text, said):
    (folder / "attributes/class_attribute_labels_continuous.txt").write_text(text)
    with pytest.raises(UserError, match=said):
        read_cub(folder)


def test_an_empty_table_is_refused(folder):
    (folder / ANNOTATIONS).write_text("")
    with pytest.raises(UserError, match="image_attribute_labels.txt cannot be read"):
        read_cub(folder)


def test_published_concepts_are_the_known_share_of_each_group(folder):
    cub = read_cub(folder)
    columns = published_concepts(cub)
    assert columns.tolist() == list(PUBLISHED) and len(columns) == 112
    kept = [np.isin(group, columns).sum() for group in cub.groups.values()]
    assert tuple(kept) == KEPT and tuple(cub.groups) == tuple(GROUPS)


def test_published_concepts_go_by_name(folder):
    path = folder.parent / "attributes.txt"
    turned = [f"{n} {name}" for n, name in enumerate(reversed(ATTRIBUTES), start=1)]
    path.write_text("\n".join(turned))
    cub = read_cub(folder)
    names = {cub.attributes[column] for column in published_concepts(cub)}
    assert names == {ATTRIBUTES[index] for index in PUBLISHED}


@given(
    st.lists(
        st.tuples(
            st.integers(0, 9), st.integers(-5, 5), st.lists(st.just("7"), max_size=3)
        ),
        min_size=1,
    )
)
def test_first_fields_are_taken_however_many_follow(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("table") / "table.txt"
    path.write_text("".join(" ".join([f"{a} {b}", *more]) + "\n" for a, b, more in rows))
    table = read_table(path, {"a": int, "b": float}, num_fields=3)
    expected = sorted((a, float(b)) for a, b, _ in rows)
    assert sorted(zip(table["a"].tolist(), table["b"].tolist(), strict=True)) == expected
    assert table.num_mended == sum(len(more) != 1 for *_, more in rows)


def test_names_keep_their_spaces_and_brackets(tmp_path):
    (tmp_path / "names.txt").write_text("2 left eye\r\n\n1 curved_(up or down)\r\n")
    assert read_names(tmp_path / "names.txt") == ("curved_(up or down)", "left eye")


def test_the_page_on_cub_runs(folder, monkeypatch):
    page = (Path(__file__).parents[3] / "docs" / "cub.md").read_text()
    block = page.split("```python\n")[1].split("```")[0]
    monkeypatch.chdir(folder.parent)
    said = {}
    exec(compile(block, "docs/cub.md", "exec"), said)
    assert said["pixels"].shape == (len(said["parts"].train), 3, 64, 64)
    assert said["of_classes"].shape == said["of_images"].values.shape == (11, 112)
