"""``learn`` for people who write Python: the settings as arguments instead of objects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tacit.base.configuration import gather
from tacit.base.errors import UserError
from tacit.base.progress import Progress, silent
from tacit.verbs.learn import LearnRun
from tacit.verbs.learn import learn as learn_with
from tacit.verbs.settings import LearnSettings


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
    pairs += (settings or {}).items()
    pairs += [(name.replace("__", "."), value) for name, value in further.items()]
    uses = Counter(name for name, _ in pairs)
    twice = [name for name, count in uses.items() if count > 1]
    if twice:
        raise UserError(f"the setting {twice[0]} was given twice; give it once.")
    gathered, passed = gather(LearnSettings, given=dict(pairs))
    return learn_with(
        gathered, Path(out), passed=passed, replace=replace, progress=progress
    )
