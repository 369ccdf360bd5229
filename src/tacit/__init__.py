"""Tacit finds what a neural network knows but does not say."""

__version__ = "0.1.0"
