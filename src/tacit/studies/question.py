"""What a study asks, and the rule of each verdict, as written before any run.

``QUESTION.md`` is the only place where rules stand; ``QUESTION.log`` names the digest under which
they were registered. A file that has changed since has no say: its verdicts are void.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import final

from tacit.base.errors import UserError, look_up

FIELDS = ("published", "source", "measure", "rule", "smallest effect", "control")
SECTIONS = ("Question", "What would change our mind", "Claims")


@final
@dataclass(frozen=True, kw_only=True)
class Rule:
    """One published claim with the measure and the rule that decide it."""

    name: str
    published: str
    source: str
    measure: str
    rule: str
    smallest_effect: str
    control: str


@final
@dataclass(frozen=True, kw_only=True)
class Question:
    """A study's ``QUESTION.md``."""

    title: str
    question: str
    change_of_mind: str
    rules: Mapping[str, Rule]
    """By name, in the order of the file."""
    digest: str
    """SHA-256 of the file, of which the manifest of every run keeps a note."""
    registered: tuple[str, ...]
    """Digests of ``QUESTION.log``, oldest first."""

    @property
    def is_void(self) -> bool:
        """Whether the rules differ from those registered last."""
        return not self.registered or self.registered[-1] != self.digest

    def rule(self, name: str) -> Rule:
        """Return the rule of a claim."""
        return look_up(self.rules, name, "claim")


def read_question(folder: Path) -> Question:
    """Return the question of a study's folder.

    Raises:
        UserError: where a section or a field of a claim is missing, with what is expected.
    """
    path = folder / "QUESTION.md"
    text = path.read_text(encoding="utf-8")
    title, sections = _sections(text, "## ")
    for wanted in SECTIONS:
        if wanted not in sections:
            raise UserError(f"{path} has no section '## {wanted}'; add it.")
    _, claims = _sections(sections["Claims"], "### ")
    log = folder / "QUESTION.log"
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    return Question(
        title=title.lstrip("# ").strip(),
        question=sections["Question"],
        change_of_mind=sections["What would change our mind"],
        rules={name: _rule(path, name, body) for name, body in claims.items()},
        digest=hashlib.sha256(text.encode()).hexdigest(),
        registered=tuple(line.split()[1] for line in lines if line.strip()),
    )


def _sections(text: str, mark: str) -> tuple[str, dict[str, str]]:
    """Return what stands before the first heading of a level, and the body under each."""
    head, *rest = re.split(rf"^{re.escape(mark)}", text, flags=re.MULTILINE)
    bodies = (part.partition("\n") for part in rest)
    return head.strip(), {name.strip(): body.strip() for name, _, body in bodies}


def _rule(path: Path, name: str, body: str) -> Rule:
    """Return a claim of ``- field: words`` lines, each field on one line or wrapped."""
    found = {
        field.lower(): " ".join(words.split())
        for field, words in re.findall(
            r"^- ([A-Za-z ]+): (.*?)(?=^- |\Z)", body, flags=re.MULTILINE | re.DOTALL
        )
    }
    missing = [field for field in FIELDS if field not in found]
    if missing:
        raise UserError(f"claim {name!r} of {path} lacks {', '.join(missing)}; add a line.")
    return Rule(name=name, **{field.replace(" ", "_"): found[field] for field in FIELDS})
