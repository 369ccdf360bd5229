"""Drawn birds: the layout of CUB-200-2011 with the truth beside every image."""

from tacit.data.birds.draw import draw_birds
from tacit.data.birds.settings import CUES, BirdSettings
from tacit.data.birds.truth import BirdTruth, read_truth

__all__ = ["CUES", "BirdSettings", "BirdTruth", "draw_birds", "read_truth"]
