"""A folder appears whole or not at all, for one process at a time, and can be resumed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tacit.base.errors import UserError
from tacit.base.folders import (
    exclusive_lock,
    is_complete,
    partial_of,
    read_manifest,
    whole_folder,
)

MANIFEST = {"kind": "trial", "configuration": {"size": 3, "nested": {"rate": 0.1}}}


def test_a_finished_block_leaves_the_folder_and_nothing_beside_it(tmp_path):
    with whole_folder(tmp_path / "run", MANIFEST) as partial:
        (partial / "made.txt").write_text("x")
        assert not (tmp_path / "run").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == [
        "made.txt",
        "manifest.json",
    ]


def test_an_error_keeps_the_partial_folder_and_the_same_configuration_reopens_it(tmp_path):
    with (
        pytest.raises(KeyboardInterrupt),
        whole_folder(tmp_path / "run", MANIFEST) as partial,
    ):
        (partial / "half.txt").write_text("half")
        raise KeyboardInterrupt
    assert not (tmp_path / "run").exists()
    with whole_folder(tmp_path / "run", MANIFEST) as partial:
        assert (partial / "half.txt").read_text() == "half"


def test_another_configuration_is_refused_and_the_difference_named(tmp_path):
    with (
        pytest.raises(ZeroDivisionError),
        whole_folder(tmp_path / "run", MANIFEST) as partial,
    ):
        (partial / "half.txt").write_text("half")
        raise ZeroDivisionError
    other = {"kind": "trial", "configuration": {"size": 3, "nested": {"rate": 0.2}}}
    with (
        pytest.raises(UserError, match=r"nested\.rate: 0\.1 there, 0\.2 asked"),
        whole_folder(tmp_path / "run", other),
    ):
        pass


def test_a_finished_folder_is_never_overwritten(tmp_path):
    with whole_folder(tmp_path / "run", MANIFEST):
        pass
    with (
        pytest.raises(UserError, match="already exists"),
        whole_folder(tmp_path / "run", MANIFEST),
    ):
        pass
    assert is_complete(tmp_path / "run", MANIFEST)


def test_a_second_process_is_told_who_holds_the_folder(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from tacit.base.folders import whole_folder\n"
        f"with whole_folder(Path({str(tmp_path / 'run')!r}), {MANIFEST!r}):\n"
        "    print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(UserError, match=f"in use by process {holder.pid}"),
            whole_folder(tmp_path / "run", MANIFEST),
        ):
            pass
        holder.send_signal(signal.SIGKILL)
    time.sleep(0.05)
    with whole_folder(tmp_path / "run", MANIFEST):
        assert os.getpid()


def test_a_replaced_folder_stays_until_the_new_one_is_complete(tmp_path):
    run = tmp_path / "run"
    with whole_folder(run, MANIFEST) as partial:
        (partial / "made.txt").write_text("old")
    other = {**MANIFEST, "configuration": {"size": 4}}
    with (
        pytest.raises(KeyboardInterrupt),
        whole_folder(run, other, replace=True) as partial,
    ):
        (partial / "half.txt").write_text("half")
        raise KeyboardInterrupt
    assert (run / "made.txt").read_text() == "old"
    with whole_folder(run, other, replace=True) as partial:  # goes on, as it would without
        assert (partial / "half.txt").read_text() == "half"
        assert (run / "made.txt").read_text() == "old"
    assert sorted(path.name for path in run.iterdir()) == ["half.txt", "manifest.json"]
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert is_complete(run, other)


def test_replacing_begins_anew_where_another_configuration_was_begun(tmp_path):
    with (
        pytest.raises(KeyboardInterrupt),
        whole_folder(tmp_path / "run", MANIFEST) as partial,
    ):
        (partial / "half").mkdir()
        (partial / "half.txt").write_text("half")
        raise KeyboardInterrupt
    other = {**MANIFEST, "configuration": {"size": 4}}
    with whole_folder(tmp_path / "run", other, replace=True) as partial:
        assert sorted(path.name for path in partial.iterdir()) == [".lock", "manifest.json"]
    assert read_manifest(tmp_path / "run")["configuration"] == {"size": 4}


def test_replacing_refuses_what_tacit_did_not_make_and_another_kind(tmp_path):
    precious = tmp_path / "thesis"
    precious.mkdir()
    (precious / "chapter.tex").write_text("years of work")
    with (
        pytest.raises(UserError, match="not a folder that Tacit made"),
        whole_folder(precious, MANIFEST, replace=True),
    ):
        pass
    with whole_folder(tmp_path / "run", MANIFEST):
        pass
    with (
        pytest.raises(UserError, match="holds a trial, and a store was asked for"),
        whole_folder(tmp_path / "run", {**MANIFEST, "kind": "store"}, replace=True),
    ):
        pass
    assert (precious / "chapter.tex").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "thesis"]


def test_a_stop_before_anything_was_made_leaves_nothing(tmp_path):
    with pytest.raises(UserError), whole_folder(tmp_path / "run", MANIFEST):
        raise UserError("this text has no tokens")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_is_no_hindrance(tmp_path):
    (tmp_path / "run").mkdir()
    assert not is_complete(tmp_path / "run", MANIFEST)
    with whole_folder(tmp_path / "run", MANIFEST):
        pass
    assert is_complete(tmp_path / "run", MANIFEST)


@pytest.mark.parametrize("place", [".", "..", "/", ""])
def test_a_place_without_a_name_is_refused(place):
    with (
        pytest.raises(UserError, match="names no folder of its own"),
        whole_folder(Path(place), MANIFEST, replace=True),
    ):
        pass


def test_a_folder_finished_by_another_while_we_began_is_not_touched(tmp_path, monkeypatch):
    """The other process may end between our first look and our lock."""
    run, real = tmp_path / "run", Path.mkdir

    def finish_first(path, *args, **kwargs):
        monkeypatch.setattr(Path, "mkdir", real)
        with whole_folder(run, MANIFEST) as partial:
            (partial / "made.txt").write_text("theirs")
        path.mkdir(*args, **kwargs)

    monkeypatch.setattr(Path, "mkdir", finish_first)
    with (
        pytest.raises(UserError, match="already exists"),
        whole_folder(run, MANIFEST) as partial,
    ):
        (partial / "made.txt").write_text("ours")
    assert (run / "made.txt").read_text() == "theirs"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_damaged_manifest_is_named(tmp_path):
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(UserError, match="damaged"):
        read_manifest(tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps([1]))
    with pytest.raises(UserError, match="not written by Tacit"):
        read_manifest(tmp_path)


def test_the_lock_is_free_again_after_the_block(tmp_path):
    for _ in range(2):
        with exclusive_lock(tmp_path):
            pass
    assert partial_of(tmp_path / "a").name == ".a.partial"


def test_what_came_to_the_place_meanwhile_is_kept_and_so_is_the_work(tmp_path):
    final = tmp_path / "run"
    with (
        pytest.raises(UserError, match="already exists"),
        whole_folder(final, MANIFEST) as made,
    ):
        (made / "made.txt").write_text("hours of work")
        final.mkdir()
        (final / "notes.txt").write_text("somebody's")
    assert (final / "notes.txt").read_text() == "somebody's"
    assert (partial_of(final) / "made.txt").exists()


def test_a_link_is_replaced_where_it_points(tmp_path):
    target, link = tmp_path / "disk" / "run", tmp_path / "run"
    with whole_folder(target, MANIFEST) as made:
        (made / "made.txt").write_text("old")
    link.symlink_to(target)
    with whole_folder(link, MANIFEST, replace=True) as made:
        (made / "made.txt").write_text("new")
    assert link.is_symlink()
    assert (link / "made.txt").read_text() == "new"
    assert [path.name for path in target.parent.iterdir()] == ["run"]
