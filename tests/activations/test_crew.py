"""Several processes harvest the store that one would, to the byte."""

import threading

import pytest

from tacit.activations.crew import Crew
from tacit.activations.harvest import HarvestSettings, harvest
from tacit.data.text import load_text

SETTINGS = HarvestSettings(batch_contexts=4, contexts_per_shard=8)


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }


@pytest.mark.parametrize("count", [2, 3])
def test_a_store_does_not_know_who_wrote_its_shards(
    tmp_path, tiny_subject, programs, count
):
    corpus = load_text(programs)
    alone = harvest(
        tiny_subject, corpus, ["resid.0"], tmp_path / "alone", settings=SETTINGS
    )
    assert len(alone.manifest["shard_rows"]) > count
    barrier, stores, failed = threading.Barrier(count, timeout=60), {}, []

    def member(number):
        crew = Crew(number=number, count=count, wait=lambda: barrier.wait())
        try:
            stores[number] = harvest(
                tiny_subject,
                corpus,
                ["resid.0"],
                tmp_path / "crew",
                settings=SETTINGS,
                crew=crew,
            )
        except BaseException as error:
            failed.append(error)
            barrier.abort()

    threads = [threading.Thread(target=member, args=(n,)) for n in range(count)]
    [thread.start() for thread in threads]
    [thread.join(120) for thread in threads]
    assert failed == []
    assert files(tmp_path / "crew") == files(tmp_path / "alone")
    assert {number: store.manifest["checksums"] for number, store in stores.items()} == {
        number: alone.manifest["checksums"] for number in range(count)
    }
