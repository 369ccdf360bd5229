"""Where each family of models keeps its blocks, its parts and its head: a table, not code.

To add a family, add its row. Paths are relative to the model's body (what transformers calls
its base model), so one row serves every class of the family; only ``head`` is relative to the
whole model. A row that is wrong is found out when a subject is loaded (``proof.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import final


@final
@dataclass(frozen=True, kw_only=True)
class Family:
    """One row: the paths of a family, ``{n}`` standing for the layer."""

    block: str
    """A block: its first input and its output are the residual stream."""
    attention_out: str
    """The module whose output attention adds to the residual stream."""
    mlp_last: str
    """The MLP's last linear map: its input is ``mlp.N``, its output ``mlp_out.N``."""
    mlp_norm: str | None = None
    """The norm after that map and before the sum, whose output is then ``mlp_out.N``."""
    post_norms: tuple[str, str] | None = None
    """Norms over the stream after attention and after the MLP has been added (as in BERT);
    None where the stream itself is never normalised."""
    final_norm: str | None
    """The norm between the last block and the head; None where there is none."""
    norm_offset: float = 0.0
    """What that norm adds to its weight before it scales by it."""
    head: str | None
    """The map to the logits of the next token; None for an encoder."""
    logit_cap_key: str | None = None
    """The configuration's key for c where logits are c tanh(head / c); None where never."""
    layers_key: str = "num_hidden_layers"
    """The configuration's key for the number of blocks."""
    load_options: Mapping[str, object] = field(default_factory=dict)
    """Extra arguments for loading, for parts that a checkpoint may lack and no site needs."""


LLAMA = Family(
    block="layers.{n}",
    attention_out="layers.{n}.self_attn.o_proj",
    mlp_last="layers.{n}.mlp.down_proj",
    final_norm="norm",
    head="lm_head",
)

GEMMA = Family(
    block="layers.{n}",
    attention_out="layers.{n}.post_attention_layernorm",
    mlp_last="layers.{n}.mlp.down_proj",
    mlp_norm="layers.{n}.post_feedforward_layernorm",
    final_norm="norm",
    norm_offset=1.0,
    head="lm_head",
    logit_cap_key="final_logit_softcapping",
)


def _inside(family: Family, prefix: str) -> Family:
    """Return the row of a model that holds this family's body as one of its parts."""
    return replace(
        family,
        block=f"{prefix}.{family.block}",
        attention_out=f"{prefix}.{family.attention_out}",
        mlp_last=f"{prefix}.{family.mlp_last}",
        mlp_norm=family.mlp_norm and f"{prefix}.{family.mlp_norm}",
        final_norm=family.final_norm and f"{prefix}.{family.final_norm}",
    )


FAMILIES: Mapping[str, Family] = {
    "gpt_neox": Family(
        block="layers.{n}",
        attention_out="layers.{n}.attention.dense",
        mlp_last="layers.{n}.mlp.dense_4h_to_h",
        final_norm="final_layer_norm",
        head="lm_head",
    ),
    "gpt2": Family(
        block="h.{n}",
        attention_out="h.{n}.attn.c_proj",
        mlp_last="h.{n}.mlp.c_proj",
        final_norm="ln_f",
        head="lm_head",
    ),
    "llama": LLAMA,
    "mistral": LLAMA,
    "qwen2": LLAMA,
    "qwen3": LLAMA,
    "gemma": replace(LLAMA, norm_offset=1.0),
    "gemma2": GEMMA,
    "gemma3_text": GEMMA,
    # The larger sizes: beside a vision model, and never with a cap.
    "gemma3": replace(_inside(GEMMA, "language_model"), logit_cap_key=None),
    "bert": Family(
        block="encoder.layer.{n}",
        attention_out="encoder.layer.{n}.attention.output.dense",
        mlp_last="encoder.layer.{n}.output.dense",
        post_norms=(
            "encoder.layer.{n}.attention.output.LayerNorm",
            "encoder.layer.{n}.output.LayerNorm",
        ),
        final_norm=None,
        head=None,
        load_options={"add_pooling_layer": False},
    ),
}
"""Rows by ``config.model_type``."""
