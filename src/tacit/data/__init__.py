"""Where inputs come from, with the truth beside them when it is known."""

from tacit.data.documents import Corpus, Document, is_held_out
from tacit.data.text import SOURCES, load_text

__all__ = ["SOURCES", "Corpus", "Document", "is_held_out", "load_text"]
