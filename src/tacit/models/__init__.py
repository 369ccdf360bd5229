"""Which network is studied, where its sites are, and how to read, edit and sample from it."""

from tacit.models.families import FAMILIES, Family
from tacit.models.flows import Flow, Tokens
from tacit.models.load import load_subject
from tacit.models.sampling import Samples, sample
from tacit.models.shipped import SHIPPED
from tacit.models.subject import Subject

__all__ = [
    "FAMILIES",
    "SHIPPED",
    "Family",
    "Flow",
    "Samples",
    "Subject",
    "Tokens",
    "load_subject",
    "sample",
]
