"""Every attribute and every cue can be seen at 64 pixels, and nothing else moves with them."""

import numpy as np
import pytest

from tacit.base.seeds import stream
from tacit.data.birds.chunks import values_of
from tacit.data.birds.outlines import Cues
from tacit.data.birds.paint import PALETTE
from tacit.data.birds.picture import draw_picture
from tacit.data.birds.poses import draw_pose
from tacit.data.birds.settings import BirdSettings
from tacit.data.birds.silhouettes import BILL_LENGTHS, BILLS, BODIES, SIZES, TAILS, WINGS
from tacit.data.birds.species import draw_species
from tacit.data.cub.vocabulary import ATTRIBUTES, COLOURS, GROUPS, PARTS

SEEN = 25
"""Out of 255: six standard deviations of the grain."""
POSE = draw_pose(stream(0, "tests/pose"), 0)
NONE = Cues(bars=False, plume=False, cheek=False)
TURNED = {
    "bars": Cues(bars=True, plume=False, cheek=False),
    "plume": Cues(bars=False, plume=True, cheek=False),
    "cheek": Cues(bars=False, plume=False, cheek=True),
}


def picture(drawn, cues=NONE, pose=POSE, side=64, *, berry=False):
    return draw_picture(values_of(drawn), cues, pose, side, berry=berry)


def changed(one, other):
    """Return which pixels differ by more than grain could make them."""
    apart = np.abs(one.pixels.astype(int) - other.pixels.astype(int))
    return apart.max(axis=2) > SEEN


def looks():
    bare = np.zeros(len(ATTRIBUTES), bool)
    return {"bare": bare, "made up": draw_species(BirdSettings(classes=2, seed=3))[0, 0]}


@pytest.mark.parametrize("look", sorted(looks()))
@pytest.mark.parametrize("group", sorted(GROUPS))
def test_every_attribute_can_be_seen(group, look):
    base = looks()[look]
    without = picture(base)
    for attribute in range(len(ATTRIBUTES)):
        if ATTRIBUTES[attribute].startswith(f"{group}::"):
            other = base.copy()
            other[attribute] ^= True
            assert changed(without, picture(other)).sum() >= 6, ATTRIBUTES[attribute]


@pytest.mark.parametrize("shape", sorted(BODIES))
def test_every_cue_can_be_seen_on_every_body_and_moves_nothing_else(shape):
    drawn = np.zeros(len(ATTRIBUTES), bool)
    drawn[ATTRIBUTES.index(f"has_shape::{shape}")] = True
    drawn[ATTRIBUTES.index("has_size::small_(5_-_9_in)")] = True
    base = picture(drawn)
    for kind, cues in TURNED.items():
        turned = picture(drawn, cues)
        where = np.argwhere(changed(base, turned))
        assert len(where) >= 8, kind
        assert np.ptp(where, axis=0).max() <= 24, kind  # of 64: one organ
        assert turned.places == base.places


def test_cues_are_in_regions_that_no_attribute_paints():
    everything = np.ones(len(ATTRIBUTES), bool)
    for drawn in (np.zeros(len(ATTRIBUTES), bool), everything):
        for cues in TURNED.values():
            assert changed(picture(drawn), picture(drawn, cues)).sum() >= 8


def test_cheeks_have_hues_of_their_own():
    from tacit.data.birds.regions import BIRD

    cheeks = [region.fixed for region in BIRD if region.name.startswith("cheek")]
    for cheek in cheeks:
        for colour in PALETTE.values():
            assert np.abs(np.subtract(cheek, colour)).sum() > 60
    assert np.abs(np.subtract(*cheeks)).sum() > 200


def test_a_berry_hangs_where_it_hides_no_bird():
    drawn = looks()["made up"]
    bare, hung = picture(drawn), picture(drawn, berry=True)
    assert changed(bare, hung).sum() >= 8
    assert hung.box == bare.box


def test_values_of_all_shapes_have_outlines():
    tables = {
        "has_shape": BODIES,
        "has_size": SIZES,
        "has_bill_length": BILL_LENGTHS,
        "has_bill_shape": BILLS,
        "has_tail_shape": TAILS,
        "has_wing_shape": WINGS,
    }
    for group, table in tables.items():
        assert set(table) == set(GROUPS[group])
    assert set(PALETTE) == set(COLOURS)


def test_larger_birds_are_larger_in_every_pose():
    boxes = []
    for size in SIZES:
        drawn = np.zeros(len(ATTRIBUTES), bool)
        drawn[ATTRIBUTES.index(f"has_size::{size}")] = True
        boxes.append(picture(drawn).box[3])
    by_size = dict(zip(SIZES.values(), boxes, strict=True))
    assert [by_size[size] for size in sorted(by_size)] == sorted(boxes)
    assert len(set(boxes)) == len(SIZES)


@pytest.mark.parametrize("seed", range(4))
def test_places_and_boxes_are_inside_and_one_side_is_hidden(seed):
    drawn = draw_species(BirdSettings(classes=2, seed=seed))[0, 0]
    pose = draw_pose(stream(seed, "tests/pose"), 0)
    found = picture(drawn, pose=pose)
    near = "left" if pose.faces_left else "right"
    far = "right" if pose.faces_left else "left"
    assert set(found.places) == set(PARTS) - {f"{far} eye", f"{far} wing"}
    x, y, width, height = found.box
    assert 0 <= x < x + width <= 64
    assert 0 <= y < y + height <= 64
    for at_x, at_y in found.places.values():
        assert 0 <= at_x < 64
        assert 0 <= at_y < 64
    beak, tail = found.places["beak"], found.places["tail"]
    assert (beak[0] < tail[0]) == pose.faces_left
    assert found.places[f"{near} eye"][1] < found.places["belly"][1]


def test_leaves_hide_parts_but_no_cue():
    drawn = np.zeros(len(ATTRIBUTES), bool)
    hidden = 0
    for seed in range(12):
        pose = draw_pose(stream(seed, "tests/leaves"), 10)
        base = picture(drawn, pose=pose)
        hidden += 13 - len(base.places)
        for cues in TURNED.values():
            assert changed(base, picture(drawn, cues, pose)).sum() >= 6
    assert hidden > 12


def test_a_finer_picture_shows_the_same():
    drawn, small = looks()["made up"], picture(looks()["made up"])
    large = picture(drawn, side=192)
    shrunk = large.pixels.reshape(64, 3, 64, 3, 3).mean(axis=(1, 3))
    assert np.abs(shrunk - small.pixels).mean() < 6  # grain and edges
    for part, place in small.places.items():
        assert np.hypot(*np.subtract(large.places[part], np.multiply(place, 3))) < 3
