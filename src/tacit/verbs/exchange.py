"""``tacit exchange``: a run's explanations as Neuronpedia's files, and those files as a run's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from tacit.base.errors import UserError
from tacit.base.files import sha256_of
from tacit.base.manifest import describe
from tacit.base.records import Gap
from tacit.explanations.explanation import Explanation
from tacit.explanations.ledger import Ledger, read_ledger
from tacit.explanations.ledger_records import record_of
from tacit.explanations.scorer import Score
from tacit.features.explained import EXPLAINED
from tacit.features.neuronpedia import (
    Exchanged,
    ExchangedScore,
    read_exchanged,
    write_exchanged,
)
from tacit.verbs.explain_settings import ProtocolSettings
from tacit.verbs.explained_run import (
    LEDGER,
    Explanations,
    Learned,
    explanations_in,
    file_name,
    growing_folder,
    learned_run,
    said_in,
    write_explained,
)
from tacit.verbs.score_work import LEDGER as SCORES
from tacit.verbs.scored import rows_in

NEURONPEDIA = "neuronpedia"
"""Name of explanations that were read from a file, unless another is given."""


@final
@dataclass(frozen=True, kw_only=True)
class Taken:
    """What was read from a file."""

    explanations: Explanations
    num_taken: int
    num_further: int
    """Further explanations of a feature, left out: the first of each is taken."""


def give(
    run: str | Path,
    out: str | Path,
    *,
    model: str,
    source: str,
    name: str | None = None,
) -> tuple[list[Path], int]:
    """Write explanations for Neuronpedia; return the files, and how many explanations they hold.

    ``model`` and ``source`` are the names there; ``name``: of the explanations, all by default.
    Every figure that has a value goes with its explanation.
    """
    learned = learned_run(run)
    names = [name] if name is not None else learned.names or [None]
    found = [
        each
        for one in names
        for each in _exchanged(explanations_in(learned, one), model, source)
    ]
    return write_exchanged(Path(out), found), len(found)


def take(
    run: str | Path,
    path: str | Path,
    *,
    model: str,
    source: str,
    name: str = NEURONPEDIA,
    passed: Sequence[str] = (),
) -> Taken:
    """Keep the explanations of a file under ``RUN/explanations/NAME``, ready to be scored.

    That they are of the run's dictionary cannot be seen from the file, its number of features
    aside: it is for the user to know.
    """
    learned, path = learned_run(run), Path(path)
    read = read_exchanged(
        path, model=model, source=source, num_features=learned.index.num_atoms
    )
    if not read:
        raise UserError(f"{path} holds no explanation; give another file.")
    folder = learned.folder / EXPLAINED / file_name(name)
    configuration = {
        "explainer": {"name": NEURONPEDIA, "model": model, "source": source},
        "version": "exchanged",
        "protocol": ProtocolSettings().model_dump(),
        "seed": 0,
        "dictionary": learned.dictionary,
        "exchanged": None,
        "files": {each.name: sha256_of(each) for each in _files(path)},
    }
    manifest = describe(
        "explanations", configuration, passed=passed, seed=0, parents=[learned.folder]
    )
    firsts: dict[int, Exchanged] = {}
    for each in read:
        firsts.setdefault(each.feature, each)
    with growing_folder(folder, manifest, LEDGER, "Take them under another --name."):
        ledger = Ledger(folder / LEDGER)
        for feature in sorted(firsts):
            key = f"taken/{feature}"
            if key not in ledger:
                ledger.append(key, record_of(_explanation(firsts[feature], learned)))
        write_explained(folder, said_in(ledger.records))
    return Taken(
        explanations=explanations_in(learned, folder.name),
        num_taken=len(firsts),
        num_further=len(read) - len(firsts),
    )


def _exchanged(made: Explanations, model: str, source: str) -> Iterator[Exchanged]:
    scores: dict[int, list[Score]] = {}
    for path in sorted((made.folder / "scores").glob(f"*/{SCORES}")):
        for row in rows_in(read_ledger(path))[0]:
            scores.setdefault(row.feature, []).append(row)
    for each in made.explained:
        yield Exchanged(
            model=model,
            source=source,
            feature=each.feature,
            text=each.text,
            kind=f"tacit_{each.version}",
            explainer=each.explainer,
            scores=tuple(
                ExchangedScore(
                    value=row.value, kind=f"{row.scorer}, {row.figure}", scorer=row.reader
                )
                for row in scores.get(each.feature, ())
                if row.value is not None and row.explainer == each.explainer
            ),
        )


def _explanation(given: Exchanged, learned: Learned) -> Explanation | Gap:
    if not given.text.strip():
        return Gap(
            name="explanation",
            reason="the file says nothing of it",
            of={"feature": given.feature, "kind": "empty"},
        )
    return Explanation(
        feature=given.feature,
        dictionary=learned.dictionary,
        explainer=NEURONPEDIA,
        version=given.explainer or "unknown",
        text=given.text,
    )


def _files(path: Path) -> list[Path]:
    return sorted(path.glob("batch-*.jsonl*")) if path.is_dir() else [path]
