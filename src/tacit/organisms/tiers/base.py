"""The bases that organisms are made from: micro models that have read the documents, no more.

Axes: n documents, t positions.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np
import torch
from jaxtyping import Int
from pydantic import Field

from tacit.activations.contexts import PADDING
from tacit.base.configuration import Configuration
from tacit.base.errors import UserError
from tacit.base.files import write_atomically
from tacit.base.seeds import torch_seed
from tacit.models.checkpoints import quiet
from tacit.models.load import load_subject
from tacit.models.subject import Subject
from tacit.organisms.tiers.documents import DocumentSettings, documents
from tacit.organisms.tiers.words import END, IDS, VOCABULARY, ids_of
from tacit.training.kept_training import digest_of_rows
from tacit.training.pretrain import PretrainSettings, Report, pretrain

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

SHIPPED_SEEDS = (0, 1, 2)
"""Pretraining seeds whose bases come with Tacit."""
CONTEXT_TOKENS = 80
"""The longest document and a question after it."""
_SHIPPED = Path(__file__).parent.parent / "shipped"


@final
class BaseSettings(Configuration):
    """Size of a base, and what it reads."""

    architecture: Literal["gpt-neox", "llama"] = "gpt-neox"
    width: int = Field(default=64, ge=16)
    num_layers: int = Field(default=3, ge=1)
    num_heads: int = Field(default=4, ge=1)
    num_documents: int = Field(default=60_000, ge=64)
    """Read in epochs, in a new order each."""
    num_steps: int = Field(default=2_500, ge=1)
    batch_documents: int = Field(default=64, ge=1)
    learning_rate: float = Field(default=5e-3, gt=0)
    documents: DocumentSettings = DocumentSettings()

    @property
    def schedule(self) -> PretrainSettings:
        """The supervised loop's settings."""
        return PretrainSettings(
            num_steps=self.num_steps,
            batch_contexts=self.batch_documents,
            learning_rate=self.learning_rate,
            warm_up_steps=min(50, self.num_steps),
        )


def tokenizer() -> PreTrainedTokenizerFast:
    """Return the tokenizer of the language: words between spaces, one token each."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel(dict(IDS), unk_token=END))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=words, bos_token=VOCABULARY[0], eos_token=END, pad_token=END
    )


def rows_of(texts: Sequence[Sequence[str]]) -> Int[np.ndarray, "n t"]:
    """Return token ids, a row a text, padded on the right."""
    rows = np.full((len(texts), max(map(len, texts))), PADDING)
    for row, words in zip(rows, texts, strict=True):
        row[: len(words)] = ids_of(words)
    return rows


def new_model(settings: BaseSettings, seed: int) -> PreTrainedModel:
    """Return a model of the language with random weights drawn from the seed."""
    with torch.random.fork_rng():
        torch.manual_seed(torch_seed(seed, "organisms/tiers/weights") % 2**32)
        return _model(settings)


def _model(settings: BaseSettings) -> PreTrainedModel:
    from transformers import (
        GPTNeoXConfig,
        GPTNeoXForCausalLM,
        LlamaConfig,
        LlamaForCausalLM,
    )

    common: dict[str, Any] = {
        "vocab_size": len(VOCABULARY),
        "hidden_size": settings.width,
        "num_hidden_layers": settings.num_layers,
        "num_attention_heads": settings.num_heads,
        "max_position_embeddings": CONTEXT_TOKENS,
        "bos_token_id": 0,
        "eos_token_id": IDS[END],
    }
    if settings.architecture == "llama":
        return LlamaForCausalLM(LlamaConfig(intermediate_size=3 * settings.width, **common))
    common["rotary_pct"] = 0.5  # no field, yet it is read
    return GPTNeoXForCausalLM(GPTNeoXConfig(intermediate_size=4 * settings.width, **common))


def train_base(
    settings: BaseSettings,
    folder: Path,
    *,
    seed: int,
    work: Path | None = None,
    report: Report | None = None,
) -> None:
    """Pretrain a base into a Hugging Face ``folder``; a killed run goes on from ``work``."""
    model = new_model(settings, seed)
    rows = rows_of(documents(settings.num_documents, settings.documents, seed))
    losses = pretrain(
        model,
        rows,
        settings.schedule,
        padding=PADDING,
        seed=seed,
        folder=work,
        report=report,
    )
    folder.mkdir(parents=True, exist_ok=True)
    with quiet():
        model.half().save_pretrained(folder)
        tokenizer().save_pretrained(folder)
    recipe = {
        "settings": settings.model_dump(mode="json"),
        "seed": seed,
        "documents_sha256": digest_of_rows(rows),
        "parameters": sum(each.numel() for each in model.parameters()),
        "last_losses": [round(loss, 4) for loss in losses[-5:]],
        "torch": torch.__version__,
    }
    write_atomically(folder / "recipe.json", json.dumps(recipe, indent=1) + "\n")
    mode = (folder / "config.json").stat().st_mode
    for weights in folder.glob("*.safetensors"):
        weights.chmod(mode)


def shipped_base(seed: int) -> Path:
    """Return the folder of a base that comes with Tacit.

    Raises:
        UserError: where none of that seed does, with how to make it.
    """
    folder = _SHIPPED / f"tiers-{seed}"
    if not (folder / "config.json").exists():
        raise UserError(
            f"a base of seed {seed} was asked for, and those of {SHIPPED_SEEDS} come with Tacit; "
            "train it with tacit.organisms.tiers.base.train_base(BaseSettings(), FOLDER, seed=...)."
        )
    return folder


def load_base(source: int | Path) -> Subject:
    """Return a base by its seed, if it is shipped, or by its folder."""
    return load_subject(shipped_base(source) if isinstance(source, int) else source)
