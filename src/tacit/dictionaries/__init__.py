"""Which directions explain blocks of vectors: methods, fitting, and what they end in.

``METHODS`` is the only registry: to add a method, write its file, then add its line.
"""

from tacit.dictionaries.blocks import Blocks, RowBlocks
from tacit.dictionaries.code import Code
from tacit.dictionaries.dictionary import Dictionary, InputContract
from tacit.dictionaries.files import load_dictionary, save_dictionary
from tacit.dictionaries.fit import Curve, Fitted, fit
from tacit.dictionaries.methods import Method, State, StepReport
from tacit.dictionaries.pca import PCA
from tacit.dictionaries.random import RandomDirections
from tacit.dictionaries.relu_l1 import ReluL1
from tacit.dictionaries.top_k import TopK

METHODS: dict[str, type[Method]] = {
    "top-k": TopK,
    "relu-l1": ReluL1,
    "pca": PCA,
    "random": RandomDirections,
}

__all__ = [
    "METHODS",
    "PCA",
    "Blocks",
    "Code",
    "Curve",
    "Dictionary",
    "Fitted",
    "InputContract",
    "Method",
    "RandomDirections",
    "ReluL1",
    "RowBlocks",
    "State",
    "StepReport",
    "TopK",
    "fit",
    "load_dictionary",
    "save_dictionary",
]
