"""Whatever stops a command, the same command goes on and ends in the same bytes (on a CPU)."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest
from safetensors import safe_open

from tacit.base.folders import partial_of

KILLS = 10
FIT = ("--site", "resid.0", "--k", 4, "--steps", 150, "--batch", 256)


@pytest.fixture(scope="module")
def text(tmp_path_factory, programs):
    """Enough text for about a second of harvesting; no labels, so that shards are most of it."""
    folder = tmp_path_factory.mktemp("text")
    parts = [path.read_text() for path in sorted(programs.iterdir())]
    for number in range(10):
        chosen = (parts[(7 * number + step) % len(parts)] for step in range(8))
        (folder / f"{number:02}.txt").write_text("\n".join(chosen))
    return folder


@pytest.fixture(scope="module")
def harvesting(tiny, text):
    settings = ("--set", "batch_contexts=1")
    return (
        "harvest",
        tiny,
        "--site",
        "resid.0",
        "--site",
        "mlp.1",
        "--text",
        text,
        *settings,
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory, server, harvesting):
    """A store made without a stop, and the seconds that the work took."""
    return left_alone(server, harvesting, tmp_path_factory.mktemp("whole") / "store")


def left_alone(server, words, out):
    running = server.start(*words, "--out", out)
    assert running.works_on(out)
    began = time.monotonic()
    running.wait().finished()
    return out, time.monotonic() - began


def bytes_of(folder, names=("*",)):
    files = (path for name in names for path in sorted(folder.rglob(name)))
    return {str(p.relative_to(folder)): p.read_bytes() for p in files if p.is_file()}


def killed(server, words, folder, seconds, progress_of, a_step):
    """Kill the command ten times at random moments of its work; return how far it was each time.

    A moment is a random number of steps of ``a_step`` after the start, and a random time more:
    counted so, kills are spread over all of the work on a busy machine too. Where it is done
    before the tenth, it begins again in another folder; all are returned.
    """
    rng, progress, outs = random.Random(0), [], [folder / "0"]
    while len(progress) < KILLS:
        running = server.start(*words, "--out", outs[-1])
        if running.works_on(outs[-1]):
            partial, latest = partial_of(outs[-1]), time.monotonic() + 4 * seconds
            target = progress_of(partial) + a_step * rng.choice((0, 1, 1, 2, 2))
            while partial.exists() and time.monotonic() < latest:
                if progress_of(partial) >= target:
                    break
                time.sleep(0.002)
            time.sleep(rng.uniform(0, seconds / 20))
        running.signal(signal.SIGKILL)
        ended = running.wait()
        if ended.code == -signal.SIGKILL and not outs[-1].exists():
            progress.append(progress_of(partial_of(outs[-1])))
        else:
            assert ended.code in (0, -signal.SIGKILL), ended.err
            outs.append(folder / str(len(outs)))
    if partial_of(outs[-1]).exists():
        server.start(*words, "--out", outs[-1]).wait().finished()
    return progress, [out for out in outs if out.exists()]


def num_shards(partial):
    return len(list(partial.glob("shards/*.json")))


def num_steps(partial):
    path = partial / "fit" / "checkpoint.safetensors"
    if not path.exists():
        return 0
    try:
        with safe_open(path, framework="pt") as opened:
            return json.loads(opened.metadata()["tacit-fit"])["step"]
    except FileNotFoundError:  # the fit has just been finished
        return 0


def test_a_harvest_killed_ten_times_ends_in_the_same_bytes(
    tmp_path, server, harvesting, whole
):
    store, seconds = whole
    progress, outs = killed(server, harvesting, tmp_path, seconds, num_shards, 1)
    total = len(list(store.glob("shards/*.safetensors")))
    midway = {each for each in progress if 0 < each < total}
    assert len(midway) >= 4, f"shards at each kill, of {total}: {progress}"
    for out in outs:
        assert bytes_of(out) == bytes_of(store)


def test_a_fit_killed_ten_times_ends_in_the_same_bytes(tmp_path, server, whole):
    fitting = ("fit", "--store", whole[0], *FIT)
    dictionary, seconds = left_alone(server, fitting, tmp_path / "whole")
    progress, outs = killed(server, fitting, tmp_path / "killed", seconds, num_steps, 15)
    midway = {each for each in progress if 0 < each < 150}
    assert len(midway) >= 4, f"steps in the checkpoint at each kill, of 150: {progress}"
    names = ("dictionary.*",)  # its manifest says when it was begun
    for out in outs:
        assert bytes_of(out, names) == bytes_of(dictionary, names)
        assert {path.name for path in out.iterdir()} == {
            p.name for p in dictionary.iterdir()
        }


def test_ctrl_c_says_how_to_go_on_and_a_second_process_who_holds_the_folder(
    tmp_path, server, harvesting, whole
):
    out = tmp_path / "store"
    words = (*harvesting, "--out", out)
    running = server.start(*words)
    assert running.works_on(out)
    running.signal(signal.SIGSTOP)
    second = server.start(*words).wait()
    second.refused(f"in use by process {running.pid}", "another --out")
    running.signal(signal.SIGCONT)
    while not num_shards(partial_of(out)):
        time.sleep(0.001)
    running.signal(signal.SIGINT)
    ended = running.wait()
    assert (ended.code, ended.out) == (130, "")
    assert ended.err == (
        "tacit: stopped. What is finished is kept: give the same command again to go on.\n"
    )
    assert not out.exists()
    server.start(*words).wait().finished()
    assert bytes_of(out) == bytes_of(whole[0])


@pytest.fixture
def as_in_a_terminal():
    """Ctrl-C as a terminal has it: parallel test workers are started ignoring it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("as_in_a_terminal")
def test_ctrl_c_that_a_library_turns_into_its_own_error_is_still_ctrl_c(
    command, index, monkeypatch
):
    def interrupted(*_):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise RuntimeError("Query interrupted") from None  # as DuckDB does

    monkeypatch.setattr("tacit.features.index.Index.query", interrupted)
    ended = command("show", 3, "--index", index)
    assert (ended.code, ended.out) == (130, "")
    assert ended.err.startswith("tacit: stopped.")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_file_that_may_not_grow_is_one_message_and_the_command_goes_on(
    tmp_path, server, harvesting, whole, dictionary, tiny_store
):
    fitting = ("fit", "--store", whole[0], *FIT)
    indexing = ("index", "--dictionary", dictionary, "--store", tiny_store.folder)
    for name, words in (("a", harvesting), ("b", fitting), ("c", indexing)):
        out = tmp_path / name
        ended = server.start(*words, "--out", out, "--quiet", file_bytes=5_000).wait()
        ended.refused("could not write", "may not grow larger", "resume")
        assert not out.exists()
        server.start(*words, "--out", out).wait().finished()
    assert bytes_of(tmp_path / "a") == bytes_of(whole[0])


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of half a mebibyte, and a function that enlarges it."""
    disk = tmp_path / "disk"
    disk.mkdir()

    def mount(*options):
        return subprocess.run(
            ["mount", "-t", "tmpfs", "-o", ",".join(options), "tacit-test", str(disk)],
            capture_output=True,
            check=False,
        )

    is_possible = sys.platform == "linux" and os.geteuid() == 0 and shutil.which("mount")
    if not is_possible or mount("size=512k").returncode:
        pytest.skip("a small disk can be mounted by root alone, where the system lets it")
    yield disk, lambda: mount("remount", "size=64m")
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_one_message_and_with_space_the_command_goes_on(
    small_disk, server, harvesting, whole
):
    disk, enlarge = small_disk
    out = disk / "store"
    server.start(*harvesting, "--out", out, "--quiet").wait().refused("the disk is full")
    kept = num_shards(partial_of(out))
    assert kept > 0
    assert not out.exists()
    enlarge()
    server.start(*harvesting, "--out", out).wait().finished()
    assert bytes_of(out) == bytes_of(whole[0])
