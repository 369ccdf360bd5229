"""Where inputs come from, with the truth beside them when it is known.

Worlds stand in ``tacit.data.worlds``, which loads torch; text needs none.
"""

from tacit.data.documents import Corpus, Document, is_held_out
from tacit.data.labels import LABEL_NAMES, LABELLERS, PYTHON_LABELS
from tacit.data.text import SOURCES, load_text

__all__ = [
    "LABELLERS",
    "LABEL_NAMES",
    "PYTHON_LABELS",
    "SOURCES",
    "Corpus",
    "Document",
    "is_held_out",
    "load_text",
]
