"""Commands for people who write Python: settings as arguments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tacit.base.configuration import gather
from tacit.base.errors import UserError
from tacit.base.progress import Progress, silent
from tacit.verbs.explain import ExplainRun
from tacit.verbs.explain import explain as explain_with
from tacit.verbs.explain_settings import ExplainSettings, ScoreSettings
from tacit.verbs.learn import LearnRun
from tacit.verbs.learn import learn as learn_with
from tacit.verbs.measure import MeasureRun
from tacit.verbs.measure import measure as measure_with
from tacit.verbs.score import ScoreRun
from tacit.verbs.score import score as score_with
from tacit.verbs.settings import LearnSettings, MeasureSettings


def learn(
    model: str | Path,
    *,
    site: str,
    out: str | Path,
    text: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    replace: bool = False,
    progress: Progress = silent,
    **further: Any,
) -> LearnRun:
    """Return the run in ``out``: what ``tacit learn`` does with the same names and settings.

    ``text``: a source, a file or a folder; None is Python's standard library. Any setting of
    ``LearnSettings`` may follow by its name, with two underscores for a dot (``fit__k=16``), or
    stand in ``settings`` (``{"fit.k": 16}``). ``progress``: ``tacit.for_terminal()`` shows bars.
    ``replace``: a run that is there gives way once the new one is complete.

    Raises:
        UserError: for whatever the command would refuse, with the same message.
    """
    pairs = [("model", str(model)), ("site", site)]
    pairs += [] if text is None else [("text.source", str(text))]
    gathered, passed = gather(LearnSettings, given=_once(pairs, settings, further))
    return learn_with(
        gathered, Path(out), passed=passed, replace=replace, progress=progress
    )


def measure(
    model: str | Path,
    dictionary: str | Path,
    *,
    out: str | Path = "runs/measure",
    store: str | Path | None = None,
    text: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    replace: bool = False,
    progress: Progress = silent,
    **further: Any,
) -> MeasureRun:
    """Return the run in ``out``: what ``tacit measure`` does with the same names and settings.

    Any setting of ``MeasureSettings`` may follow by its name, with two underscores for a dot
    (``size="quick"``, ``measures=("probing",)``), or stand in ``settings``.

    Raises:
        UserError: for whatever the command would refuse, with the same message.
    """
    pairs: list[tuple[str, Any]] = [("model", str(model)), ("dictionary", str(dictionary))]
    pairs += [] if store is None else [("store", str(store))]
    pairs += [] if text is None else [("text.source", str(text))]
    gathered, passed = gather(MeasureSettings, given=_once(pairs, settings, further))
    return measure_with(gathered, out, passed=passed, replace=replace, progress=progress)


def explain(
    run: str | Path | LearnRun,
    explainer: str = "lexical",
    *,
    features: Sequence[int] | None = None,
    again: bool = False,
    settings: Mapping[str, Any] | None = None,
    progress: Progress = silent,
    **further: Any,
) -> ExplainRun:
    """Explain features of a finished run: what ``tacit explain`` does.

    ``features``: None draws ``num`` of those that can be explained. Any setting of
    ``ExplainSettings`` may follow as it may for ``learn``: ``num=50``, ``protocol__shown=8``,
    ``spending__max_cost=2.5``. ``again``: ask once more for features that ended in a gap.

    Raises:
        UserError: for whatever the command would refuse, with the same message.
    """
    pairs: list[tuple[str, Any]] = [("explainer", explainer)]
    gathered, passed = gather(ExplainSettings, given=_once(pairs, settings, further))
    return explain_with(
        _folder(run),
        gathered,
        features=features,
        again=again,
        passed=passed,
        progress=progress,
    )


def score(
    run: str | Path | LearnRun,
    *,
    again: bool = False,
    settings: Mapping[str, Any] | None = None,
    progress: Progress = silent,
    **further: Any,
) -> ScoreRun:
    """Score the explanations of a run: what ``tacit score`` does.

    Any setting of ``ScoreSettings`` may follow: ``explainer="lexical"``, ``reader=...``,
    ``scorers=["simulation"]``, ``control=False``.

    Raises:
        UserError: for whatever the command would refuse, with the same message.
    """
    gathered, passed = gather(ScoreSettings, given=_once([], settings, further))
    return score_with(_folder(run), gathered, again=again, passed=passed, progress=progress)


def _folder(run: str | Path | LearnRun) -> Path:
    return run.folder if isinstance(run, LearnRun) else Path(run)


def _once(
    pairs: Sequence[tuple[str, Any]],
    settings: Mapping[str, Any] | None,
    further: Mapping[str, Any],
) -> dict[str, Any]:
    """Return settings by dotted name, refusing one that is given in two ways."""
    every = [*pairs, *(settings or {}).items()]
    every += [(name.replace("__", "."), value) for name, value in further.items()]
    uses = Counter(name for name, _ in every)
    twice = [name for name, count in uses.items() if count > 1]
    if twice:
        raise UserError(f"the setting {twice[0]} was given twice; give it once.")
    return dict(every)
