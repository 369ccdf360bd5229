"""Short stories of a grammar of our own, with the truth of every token."""

from __future__ import annotations

import functools

from tacit.base.seeds import stream
from tacit.data.documents import Corpus
from tacit.data.stories.grammar import STORY_LABELS, told

__all__ = ["NUM_STORIES", "STORY_LABELS", "stories"]

NUM_STORIES = 16_000
"""Stories of the corpus; one in ten is held out."""
SEED = 0
"""Of the corpus, which is one and the same everywhere."""


@functools.cache
def stories() -> Corpus:
    """Return Tacit's own stories, as ``stories``: people, things, pronouns, quotations, brackets.

    No story puts together a pair of names, or of a place and an object, that
    ``scene.is_kept_apart``: prompts made of those are new to who has read every story.
    """
    documents = tuple(
        told(stream(SEED, f"data/stories/{number}"), f"story-{number:05d}")
        for number in range(NUM_STORIES)
    )
    return Corpus(name="stories", documents=documents, labeller="stories")
