"""Drawn birds from the command line: made, looked at, and refused in a sentence."""

import json


def test_birds_are_made_and_shown(command, tmp_path):
    folder = tmp_path / "birds"
    small = ("--classes", 4, "--images", 3, "--side", 32, "--workers", 1)
    ended = command("birds", "make", folder, *small, "--cue", "plume", "--json").finished()
    assert ended.err == ""
    found = json.loads(ended.out)
    assert (found["birds"], found["classes"], found["pairs of twins"]) == (12, 4, 2)
    assert (folder / "CUB_200_2011" / "images.txt").exists()
    assert json.loads((folder / "truth.json").read_text())["cue_kind"] == ["plume"] * 4
    command("birds", "make", folder, *small).refused("cues", "--replace")
    command("birds", "sheet", folder, "--species", 2, "--columns", 2).finished()
    assert (folder / "sheet.png").exists()


def test_what_cannot_be_drawn_is_refused(command, tmp_path):
    folder = tmp_path / "birds"
    command("birds", "make", folder, "--classes", 5).refused("pairs of twins")
    command("birds", "make", folder, "--cue", "beak").refused("cues")
    command("birds", "sheet", tmp_path).refused("manifest.json")
    assert not folder.exists()
