"""CUB-200-2011: images of birds with named attributes, read from its own layout."""

from __future__ import annotations

from tacit.data.cub.concepts import (
    ConceptLabels,
    check_varied,
    concepts_by_rule,
    constant_concepts,
    count_votes,
    instance_labels,
    majority_labels,
    published_concepts,
)
from tacit.data.cub.folder import Cub, read_cub
from tacit.data.cub.pixels import check_images, read_pixels
from tacit.data.cub.splits import Split, split
from tacit.data.cub.statistics import concept_statistics, imbalance_weights, label_noise

__all__ = [
    "ConceptLabels",
    "Cub",
    "Split",
    "check_images",
    "check_varied",
    "concept_statistics",
    "concepts_by_rule",
    "constant_concepts",
    "count_votes",
    "imbalance_weights",
    "instance_labels",
    "label_noise",
    "majority_labels",
    "published_concepts",
    "read_cub",
    "read_pixels",
    "split",
]
