"""Which directions explain blocks of vectors: methods, fitting, and what they end in.

``METHODS`` is the registry: to add a method, write its file, then add its line. Directions made
from labels are apart, in ``SUPERVISED``.
"""

from tacit.dictionaries.batch_top_k import BatchTopK
from tacit.dictionaries.blocks import Blocks, RowBlocks
from tacit.dictionaries.code import Code
from tacit.dictionaries.dictionary import Dictionary, InputContract
from tacit.dictionaries.early_stop import EarlyStop
from tacit.dictionaries.files import load_dictionary, save_dictionary
from tacit.dictionaries.fit import Curve, Fitted, fit
from tacit.dictionaries.gated import Gated
from tacit.dictionaries.ica import ICA
from tacit.dictionaries.jump_relu import JumpRelu
from tacit.dictionaries.matryoshka import Matryoshka
from tacit.dictionaries.methods import Method, State, StepReport
from tacit.dictionaries.neuron_basis import NeuronBasis
from tacit.dictionaries.nmf import NMF
from tacit.dictionaries.orthonormal import OrthonormalBasis
from tacit.dictionaries.p_annealed import PAnnealed
from tacit.dictionaries.pca import PCA
from tacit.dictionaries.random import RandomDirections
from tacit.dictionaries.relu_l1 import ReluL1
from tacit.dictionaries.supervised import (
    SUPERVISED,
    DifferenceOfMeans,
    LabelledRows,
    LogisticProbes,
    Supervised,
)
from tacit.dictionaries.top_k import TopK

METHODS: dict[str, type[Method]] = {
    "top-k": TopK,
    "batch-top-k": BatchTopK,
    "matryoshka": Matryoshka,
    "jump-relu": JumpRelu,
    "gated": Gated,
    "p-annealed": PAnnealed,
    "relu-l1": ReluL1,
    "pca": PCA,
    "random": RandomDirections,
    "ica": ICA,
    "nmf": NMF,
    "neuron-basis": NeuronBasis,
    "orthonormal": OrthonormalBasis,
}

__all__ = [
    "ICA",
    "METHODS",
    "NMF",
    "PCA",
    "SUPERVISED",
    "BatchTopK",
    "Blocks",
    "Code",
    "Curve",
    "Dictionary",
    "DifferenceOfMeans",
    "EarlyStop",
    "Fitted",
    "Gated",
    "InputContract",
    "JumpRelu",
    "LabelledRows",
    "LogisticProbes",
    "Matryoshka",
    "Method",
    "NeuronBasis",
    "OrthonormalBasis",
    "PAnnealed",
    "RandomDirections",
    "ReluL1",
    "RowBlocks",
    "State",
    "StepReport",
    "Supervised",
    "TopK",
    "fit",
    "load_dictionary",
    "save_dictionary",
]
