"""``compare`` pairs what can be paired, pools seeds, and leaves a reason where it cannot."""

import json
import shutil

import numpy as np
import pyarrow
import pyarrow.parquet as pq
import pytest

import tacit
import tacit.verbs.compare
import tacit.verbs.learn
from tacit.base.errors import UserError
from tacit.base.folders import partial_of, read_manifest
from tacit.base.pages import read_pages
from tacit.base.records import Gap, Result
from tacit.base.seeds import stream
from tacit.dictionaries import load_dictionary
from tacit.metrics.bootstrap import bootstrap_sums
from tacit.metrics.recovery import match
from tacit.verbs.compare import compare
from tacit.verbs.contenders import contenders_of, read_finished, reference_of
from tacit.verbs.learn import learn
from tacit.verbs.overlap import partners_of, shared_with
from tacit.verbs.pairing import difference_of, figure_of
from tacit.verbs.settings import FitSettings, FrontierSettings, LearnSettings, TextSettings

SMALL_FRONTIER = FrontierSettings(
    k=(), penalties=(), baselines=("pca", "random"), supervised=()
)


def settings_for(tiny, programs, **changes) -> LearnSettings:
    plain = {"model": str(tiny), "site": "resid.0", "shown_features": 2}
    fit = FitSettings(k=4, steps=20, batch=256, atoms_per_dimension=2)
    text = TextSettings(source=str(programs))
    whole = {**plain, "fit": fit, "text": text, "frontier": SMALL_FRONTIER}
    return LearnSettings(**{**whole, **changes})


@pytest.fixture(scope="module")
def runs(tmp_path_factory, tiny, programs):
    """Three seeds with baselines, and a wider dictionary alone; their own pages are not drawn."""
    root = tmp_path_factory.mktemp("runs")
    wider = FitSettings(k=4, steps=20, batch=256, atoms_per_dimension=4)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tacit.verbs.learn, "render_report", lambda _: None)
        for seed in range(3):
            learn(settings_for(tiny, programs, seed=seed), root / f"seed-{seed}")
        learn(settings_for(tiny, programs, fit=wider, frontier=None), root / "wide")
    return root


@pytest.fixture(autouse=True)
def undrawn(monkeypatch):
    """Pages take most of the time; those of ``within`` and ``pooled`` are drawn before this."""
    monkeypatch.setattr(tacit.verbs.compare, "render_report", lambda _: None)


def altered(run, folder, changes, where="store"):
    """Copy a run and change what its own manifest, or its store's, says of it."""
    shutil.copytree(run, folder)
    path = folder / where / "manifest.json"
    manifest = json.loads(path.read_text())
    of = manifest["configuration"] if where else manifest["configuration"]["settings"]
    of.update(changes)
    path.write_text(json.dumps(manifest))
    return folder


def values_of(run, name):
    """Return results and gaps of one name by the dictionary that they are of."""
    found = {}
    for record in run.records:
        if record.name == name:
            found.setdefault(record.of["dictionary"], record)
    return found


@pytest.fixture(scope="module")
def within(runs, tmp_path_factory):
    return compare([runs / "seed-0"], out=tmp_path_factory.mktemp("within") / "out")


@pytest.fixture(scope="module")
def pooled(runs, tmp_path_factory):
    folders = [runs / "wide", *(runs / f"seed-{seed}" for seed in range(3))]
    return compare(folders, out=tmp_path_factory.mktemp("pooled") / "out")


def squared_errors(folder, name):
    """Squared error and spread of every held-out document, straight from store and dictionary."""
    store = tacit.open_store(folder / "store")
    dictionary = load_dictionary(folder / "dictionaries" / name / "seed-0")
    rows = np.flatnonzero(store.usable("resid.0") & store.column("held_out"))
    x = store.vectors("resid.0", rows).double()
    errors = (x - dictionary.rebuild(x.float()).double()).square().sum(dim=1).numpy()
    spreads = (x - x.mean(dim=0)).square().sum(dim=1).numpy()
    document = store.column("document")[rows]
    return np.array(
        [
            [errors[document == each].sum(), spreads[document == each].sum()]
            for each in np.unique(document)
        ]
    )


def test_a_paired_difference_is_that_of_an_independent_implementation(runs, within):
    one, other = (squared_errors(runs / "seed-0", name) for name in ("pca_k-4", "main"))
    found = values_of(within, "fvu_difference")["seed-0:pca_k-4"]
    apart = one[:, 0].sum() / one[:, 1].sum() - other[:, 0].sum() / other[:, 1].sum()
    assert found.value == pytest.approx(apart, rel=1e-6)
    expected = bootstrap_sums(
        np.hstack([one, other]),
        lambda s: s[:, 0] / s[:, 1] - s[:, 2] / s[:, 3],
        stream(7, "test"),
        tacit.metrics.Resampling(repeats=20_000),
    )
    # 2,000 draws here and 20,000 there: the ends agree to a tenth of the width.
    width = expected.high - expected.low
    assert found.interval == pytest.approx(expected.ends, abs=0.1 * width)
    assert found.n == len(one) == expected.n


def test_pairing_takes_out_what_documents_have_in_common(within):
    """An interval of the difference is narrower than the two values' own would make it."""
    own, apart = values_of(within, "fvu"), values_of(within, "fvu_difference")
    width = {key: each.interval[1] - each.interval[0] for key, each in own.items()}
    found = apart["seed-0:random_k-4"].interval
    unpaired = np.hypot(width["seed-0:random_k-4"], width["seed-0:main"])
    assert found[1] - found[0] < unpaired


def test_figures_of_one_seed_are_the_runs_own(runs, within):
    record = values_of(within, "fvu")["seed-0:main"]
    recorded = [
        plain
        for plain in json.loads((runs / "seed-0" / "results.json").read_text())
        if plain["name"] == "fvu" and plain["of"].get("method") == "top-k"
    ]
    assert [record.value, *record.interval] == [
        recorded[0]["value"],
        *recorded[0]["interval"],
    ]


def test_a_run_and_its_copy_differ_by_exactly_nothing(runs, tmp_path):
    shutil.copytree(runs / "seed-0", tmp_path / "copy")
    found = compare([runs / "seed-0", tmp_path / "copy"], out=tmp_path / "out")
    assert len(found.names) == 6  # the same seed twice is no pool
    for name in ("fvu", "l0", "loss_recovered", "dead_share", "f1"):
        record = values_of(found, f"{name}_difference")["copy:main"]
        assert record.value == 0
        assert record.interval in (None, (0, 0))
    assert values_of(found, "shared_cosine")["copy:main"].value == pytest.approx(1)
    assert values_of(found, "shared_above_0.9")["copy:main"].value == 1


def test_loss_and_labels_are_paired_too(within, runs):
    loss = values_of(within, "loss_recovered_difference")["seed-0:pca_k-4"]
    own = values_of(within, "loss_recovered")
    assert loss.value == pytest.approx(
        own["seed-0:pca_k-4"].value - own["seed-0:main"].value
    )
    both = compare([runs / "seed-0", runs / "wide"], out=runs / "labels")
    found = values_of(both, "f1_difference")
    labels = values_of(both, "f1")
    assert found["wide:main"].value == pytest.approx(
        labels["wide:main"].value - labels["seed-0:main"].value
    )
    assert found["wide:main"].n == labels["wide:main"].n
    assert set(labels) == {"wide:main", "seed-0:main"}  # the main dictionaries' alone


def test_runs_that_differ_in_seed_alone_are_one_mean_over_seeds(runs, pooled):
    assert pooled.names == (
        "wide:main",
        "seed-0:main",
        "seed-0:pca_k-4",
        "seed-0:random_k-4",
    )
    singles = []
    for seed in range(3):
        plain = json.loads((runs / f"seed-{seed}" / "results.json").read_text())
        singles += [r["value"] for r in plain if r["name"] == "fvu"][:1]
    found = values_of(pooled, "fvu")["seed-0:main"]
    assert found.value == pytest.approx(np.mean(singles))
    assert (found.n, found.of["seeds"]) == (3, 3)
    assert found.interval[0] < found.value < found.interval[1]
    apart = values_of(pooled, "fvu_difference")["seed-0:main"]
    reference = values_of(pooled, "fvu")["wide:main"].value
    assert apart.value == pytest.approx(np.mean(singles) - reference)


def test_seeds_are_compared_by_their_atoms(runs, pooled):
    atoms = [
        load_dictionary(runs / f"seed-{n}" / "dictionaries" / "main" / f"seed-{n}").atoms
        for n in range(3)
    ]
    pairs = [
        match(atoms[i], atoms[j]).matched_cosine() for i, j in ((0, 1), (0, 2), (1, 2))
    ]
    records = [
        record
        for record in pooled.records
        if record.name == "shared_cosine" and record.of.get("with") == "its other seeds"
    ]
    by_key = {record.of["dictionary"]: record for record in records}
    assert by_key["seed-0:main"].value == pytest.approx(np.mean(pairs))
    assert by_key["seed-0:main"].n == 3
    # PCA of one stream is the same whatever the seed, up to signs that its codes carry.
    assert by_key["seed-0:pca_k-4"].value > 0.95


def test_atoms_are_matched_across_seeds_because_one_seed_begins_alike(runs, pooled):
    """Learned dictionaries of one seed and size begin as the same atoms."""
    folders = [runs / f"seed-{seed}" for seed in range(3)]
    main, _, random = contenders_of(read_finished(folders))
    pairs = partners_of(random, main)
    assert [(one.seed, other.seed) for one, other in pairs] == [(0, 1), (1, 0), (2, 0)]
    alone = contenders_of(read_finished(folders[:1]))
    told = shared_with(alone[2], alone[0], 99, 0)[0]
    assert told.of["same_seed"] == "yes"
    apart = shared_with(random, main, 99, 0)[0]
    assert "same_seed" not in apart.of and apart.n == 3


def test_random_atoms_stand_beside_the_matched_ones(pooled):
    at = {"dictionary": "seed-0:main", "with": "wide:main", "atoms": "random"}
    (chance,) = (
        record
        for record in pooled.records
        if record.name == "shared_cosine" and at.items() <= record.of.items()
    )
    assert 0 < chance.value < values_of(pooled, "shared_cosine")["seed-0:main"].value


@pytest.mark.parametrize(
    ("changes", "where", "reason"),
    [
        ({"site": "resid.1"}, "", "two sites, resid.1 and resid.0"),
        ({"context_tokens": 16}, "store", "context_tokens is 16 in other and 32 in seed-0"),
        ({"text_digest": "0", "text": "notes"}, "store", "same text: notes and /"),
        ({"subject_digest": "0"}, "store", "two models called tiny0 whose weights differ"),
        ({"subject": "huge", "subject_digest": "0"}, "store", "models, huge and tiny0"),
    ],
)
def test_what_cannot_be_paired_is_a_gap_with_the_reason(
    runs, tmp_path, changes, where, reason
):
    other = altered(runs / "wide", tmp_path / "other", changes, where)
    reference, *_, apart = contenders_of(read_finished([runs / "seed-0", other]))
    assert apart.key == "other:main"
    for name in ("fvu", "loss_recovered", "f1"):
        record = difference_of(apart, reference, name, 0)
        assert isinstance(record, Gap) and reason in record.reason
        assert isinstance(figure_of(apart, name, 0), Result)
    alike = shared_with(apart, reference, 4_096, 0)[0]
    # Directions of one site of one model may be matched whatever text they were fitted on.
    assert isinstance(alike, Gap) == bool({"site", "subject_digest"} & changes.keys())


def test_other_documents_behind_a_figure_leave_a_gap(runs, tmp_path):
    shutil.copytree(runs / "wide", tmp_path / "other")
    path = tmp_path / "other" / "artifacts" / "units.parquet"
    pq.write_table(pq.read_table(path).slice(1), path)
    found = compare([runs / "seed-0", tmp_path / "other"], out=tmp_path / "out")
    record = values_of(found, "fvu_difference")["other:main"]
    assert "other held-out documents" in record.reason
    assert values_of(found, "f1_difference")["other:main"].n > 1


def test_a_model_that_predicts_nothing_has_no_loss_to_compare(runs, tmp_path):
    shutil.copytree(runs / "wide", tmp_path / "other")
    artifacts = tmp_path / "other" / "artifacts"
    table = pq.read_table(artifacts / "units.parquet").to_pandas()
    table.loc[:, [name for name in table if name.startswith("loss_")]] = np.nan
    pq.write_table(pyarrow.Table.from_pandas(table), artifacts / "units.parquet")
    (artifacts / "labels.parquet").unlink()
    found = compare([runs / "seed-0", tmp_path / "other"], out=tmp_path / "out")
    for name, reason in (("loss_recovered", "predicts no next"), ("f1", "knows no truth")):
        record = values_of(found, f"{name}_difference")["other:main"]
        assert isinstance(record, Gap) and reason in record.reason


@pytest.mark.parametrize(
    ("asked", "key"),
    [
        (None, "wide:main"),
        ("seed-0", "seed-0:main"),
        ("seed-2:pca_k-4", "seed-0:pca_k-4"),  # a seed stands for its pool
        ("main", "wide:main"),
    ],
)
def test_the_reference_is_named_in_any_of_three_ways(runs, asked, key):
    folders = [runs / "wide", *(runs / f"seed-{seed}" for seed in range(3))]
    assert reference_of(contenders_of(read_finished(folders)), asked).key == key


def test_more_atoms_than_are_matched_leave_a_gap(runs):
    one, other = contenders_of(read_finished([runs / "seed-0"]))[:2]
    for record in shared_with(one, other, 31, 0):
        assert isinstance(record, Gap) and "32 atoms are more than the 31" in record.reason


def test_the_page_says_what_was_compared(pooled):
    pages = read_pages(pooled.folder / "artifacts" / "pages.json")
    assert [page.title for page in pages][0] == "At a glance"
    page = pooled.report.read_text()
    for words in ("wide:main", "pooled with", "fit.atoms_per_dimension 2"):
        assert words in page
    manifest = read_manifest(pooled.folder)
    assert manifest["kind"] == "compare" and len(manifest["parents"]) == 4


def test_the_same_comparison_is_returned_as_it_is(runs, within):
    before = within.report.stat().st_mtime_ns
    again = compare([runs / "seed-0"], out=within.folder)
    assert again.records == within.records
    assert within.report.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "no run was given"),
        (["nowhere"], "there is no run at .*tacit learn"),
        (["seed-0/store"], "holds a store, and runs of `tacit learn`"),
        (["seed-0/artifacts"], "has no manifest.json"),
        (["wide"], "wide holds one dictionary.*another run.*frontier"),
        (["seed-0", "seed-0"], "given twice"),
        (["seed-0", "bare"], "sums that runs are compared by.*--replace"),
        (["half"], "was not finished"),
    ],
)
def test_what_cannot_be_compared_is_told(runs, tmp_path, given, message):
    for name, missing in (("bare", "artifacts/units.parquet"), ("half", "results.json")):
        shutil.copytree(runs / "wide", tmp_path / name)
        (tmp_path / name / missing).unlink()
    folders = [tmp_path / n if n in ("bare", "half") else runs / n for n in given]
    with pytest.raises(UserError, match=message):
        compare(folders, out=tmp_path / "out")
    assert not (tmp_path / "out").exists() and not partial_of(tmp_path / "out").exists()


def test_an_unknown_reference_names_the_known_ones(runs, tmp_path):
    with pytest.raises(UserError, match="'seed-0:pca_k-5'. Did you mean 'seed-0:pca_k-4'"):
        compare([runs / "seed-0"], out=tmp_path / "out", reference="seed-0:pca_k-5")
