"""How a micro subject's own vocabulary is learnt from its text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tacit.base.errors import UserError
from tacit.data.documents import Corpus

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

END_OF_TEXT = "<|endoftext|>"
"""Opens every context; also stands for padding, which is masked. No text is ended by it."""

END_OF_TEXT_ID = 0
"""The trainer gives special tokens the first ids."""

NUM_BYTES = 256
"""Values of a byte, each of which has a token."""


def train_tokenizer(corpus: Corpus, *, vocabulary: int) -> PreTrainedTokenizerFast:
    """Return a byte-level BPE tokenizer with ``vocabulary`` entries, BOS = EOS = padding."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    if vocabulary <= NUM_BYTES:
        raise UserError(
            f"a byte-level vocabulary of {vocabulary} was asked for; it needs "
            f"{NUM_BYTES + 1} or more: one a byte, one for {END_OF_TEXT}."
        )
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((document.text for document in corpus.documents), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=END_OF_TEXT,
        eos_token=END_OF_TEXT,
        pad_token=END_OF_TEXT,
    )
