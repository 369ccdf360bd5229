"""A GPT-2 of zeros to wire by hand, and a tokenizer of whole words for it.

Its LayerNorms do nothing but take the mean away: their epsilon dwarfs every variance that comes
up, and their weight is its root. Both are powers of 2, so that not even rounding is added.
Directions of mean 0 thus pass unchanged, whatever else the stream carries.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

BOS = "<bos>"
CONTEXT = 32
"""Tokens read at once, BOS among them."""
HEADS = 2
"""Heads a layer."""
EPSILON = 2.0**30
"""Of every LayerNorm; its root is a number in half precision too."""


def blank_model(vocabulary: int, width: int, layers: int, neurons: int) -> Any:
    """Return a GPT-2 that adds nothing and predicts nothing, its norms as told above."""
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=vocabulary,
        n_positions=CONTEXT,
        n_embd=width,
        n_layer=layers,
        n_head=HEADS,
        n_inner=neurons,
        activation_function="relu",
        layer_norm_epsilon=EPSILON,
        scale_attn_weights=False,
        tie_word_embeddings=False,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=0,
    )
    with torch.random.fork_rng():
        model = GPT2LMHeadModel(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            is_norm = ".ln_" in name and name.endswith("weight")
            parameter.fill_(EPSILON**0.5 if is_norm else 0.0)
    return model


def word_tokenizer(vocabulary: Sequence[str]) -> PreTrainedTokenizerFast:
    """Return a tokenizer of whole words between spaces; it refuses a word it does not know."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(
        models.WordLevel({word: number for number, word in enumerate(vocabulary)})
    )
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=words, bos_token=BOS, eos_token=BOS, pad_token=BOS
    )
