"""Bottlenecks come back exactly, and what was damaged is refused by name."""

import json

import pytest
import torch

from bottlenecks.toy_images import SMALL, toy_images, toy_model
from tacit.base.errors import UserError
from tacit.bottlenecks.files import (
    FACTS,
    WEIGHTS,
    load_bottleneck,
    load_trunk,
    save_bottleneck,
    save_trunk,
)
from tacit.bottlenecks.reading import read_out
from tacit.bottlenecks.trunks import new_trunk

PIXELS = toy_images(16).pixels


def test_a_bottleneck_comes_back_exactly(tmp_path):
    model = toy_model(num_slots=1, concept_width=3, head_width=4, carries="hard")
    model(PIXELS)  # so that the batch norm's means are not the initial ones
    save_bottleneck(model, tmp_path)
    loaded = load_bottleneck(tmp_path)
    one, other = read_out(model, PIXELS), read_out(loaded, PIXELS)
    assert (one.concept_logits == other.concept_logits).all()
    assert (one.class_logits == other.class_logits).all()
    assert loaded.settings == model.settings


def test_a_trunk_comes_back_exactly(tmp_path):
    trunk = new_trunk(SMALL, seed=0).eval()
    save_trunk(trunk, tmp_path)
    assert torch.equal(load_trunk(tmp_path)(PIXELS), trunk(PIXELS))


def test_what_is_not_there_or_damaged_is_refused(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        load_bottleneck(tmp_path)
    save_trunk(new_trunk(SMALL, seed=0), tmp_path)
    with pytest.raises(UserError, match="holds a trunk"):
        load_bottleneck(tmp_path)
    (tmp_path / WEIGHTS).write_bytes((tmp_path / WEIGHTS).read_bytes()[:-1])
    with pytest.raises(UserError, match="SHA-256"):
        load_trunk(tmp_path)
    (tmp_path / WEIGHTS).unlink()
    with pytest.raises(UserError, match="is missing"):
        load_trunk(tmp_path)
    (tmp_path / FACTS).write_text(json.dumps({"format": "another"}))
    with pytest.raises(UserError, match="another format"):
        load_trunk(tmp_path)
    (tmp_path / FACTS).write_text("{")
    with pytest.raises(UserError, match="not JSON"):
        load_trunk(tmp_path)
