"""Tiny subjects of every family, randomly initialised, as folders in the hub's layout."""

from pathlib import Path

import pytest
import torch

from tacit.models import Subject, load_subject

TEXTS = (
    "def add(left, right):\n    return left + right\n",
    "for name in sorted(names):\n    print(name, len(name))\n",
    "class Point:\n    # caf\u00e9 \U0001f600\n    x = 0\n",
)
WIDTH, LAYERS, INNER, VOCABULARY, CONTEXT = 32, 2, 48, 320, 64
SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "max_position_embeddings": CONTEXT,
    "initializer_range": 0.2,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "pad_token_id": 0,
}
FAMILY_NAMES = (
    "gpt_neox",
    "gpt_neox_sequential",
    "gpt2",
    "llama",
    "mistral",
    "qwen2",
    "qwen3",
    "gemma",
    "gemma2",
    "gemma3_text",
    "gemma3",
    "bert",
)
CAUSAL_NAMES = tuple(name for name in FAMILY_NAMES if name != "bert")


def build(name: str) -> torch.nn.Module:
    """Return a random model of a family; every norm's weights are moved off 1 and 0."""
    import transformers as hub

    torch.manual_seed(0)
    inner = {"intermediate_size": INNER}
    grouped = {**inner, "num_key_value_heads": 2}
    sequential = {**inner, "use_parallel_residual": False}
    # A cap this low bends the logits of so small a model.
    gemma = {"head_dim": 8, "sliding_window": 8, "final_logit_softcapping": 2.0}
    if name == "gemma3":
        return _with_eyes({**SIZES, **grouped, **gemma})
    classes = {
        "gpt_neox": (hub.GPTNeoXConfig, hub.GPTNeoXForCausalLM, inner),
        "gpt_neox_sequential": (hub.GPTNeoXConfig, hub.GPTNeoXForCausalLM, sequential),
        "gpt2": (hub.GPT2Config, hub.GPT2LMHeadModel, {"n_inner": INNER}),
        "llama": (hub.LlamaConfig, hub.LlamaForCausalLM, grouped),
        "mistral": (
            hub.MistralConfig,
            hub.MistralForCausalLM,
            {**grouped, "sliding_window": 8},
        ),
        "qwen2": (hub.Qwen2Config, hub.Qwen2ForCausalLM, grouped),
        "qwen3": (hub.Qwen3Config, hub.Qwen3ForCausalLM, {**grouped, "head_dim": 8}),
        "gemma": (hub.GemmaConfig, hub.GemmaForCausalLM, {**grouped, "head_dim": 8}),
        "gemma2": (hub.Gemma2Config, hub.Gemma2ForCausalLM, {**grouped, **gemma}),
        "gemma3_text": (hub.Gemma3TextConfig, hub.Gemma3ForCausalLM, {**grouped, **gemma}),
        "bert": (hub.BertConfig, hub.BertModel, inner),
    }
    config_class, model_class, extra = classes[name]
    return _roughened(model_class(config_class(**SIZES, **extra)))


def _with_eyes(text: dict[str, object]) -> torch.nn.Module:
    """Return Gemma 3 as its larger sizes come: a language model beside a vision model."""
    import transformers as hub

    eyes = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 28,
        "patch_size": 14,
    }
    ids = dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"), 0)
    config = hub.Gemma3Config(
        text_config=text,
        vision_config=eyes,
        mm_tokens_per_image=4,
        image_token_index=VOCABULARY - 1,
        **ids,
    )
    return _roughened(hub.Gemma3ForConditionalGeneration(config))


def _roughened(model: torch.nn.Module) -> torch.nn.Module:
    model.eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.add_(0.3 * torch.randn_like(parameter))
    return model


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Models this small only wait for each other's threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tokenizer():
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<end>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator(TEXTS, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=raw, bos_token="<end>", eos_token="<end>", pad_token="<end>"
    )


@pytest.fixture(scope="session")
def folders(tmp_path_factory, tokenizer) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("subjects")
    for name in FAMILY_NAMES:
        build(name).save_pretrained(root / name)
        tokenizer.save_pretrained(root / name)
    return {name: root / name for name in FAMILY_NAMES}


@pytest.fixture(scope="session")
def subjects(folders) -> dict[str, Subject]:
    return {name: load_subject(folder) for name, folder in folders.items()}


@pytest.fixture(params=FAMILY_NAMES)
def subject(request, subjects) -> Subject:
    return subjects[request.param]


@pytest.fixture(params=["gpt_neox", "gpt2", "llama", "gemma2", "bert"])
def kind(request, subjects) -> Subject:
    """One subject of each row of the table."""
    return subjects[request.param]


@pytest.fixture(params=CAUSAL_NAMES)
def causal(request, subjects) -> Subject:
    return subjects[request.param]
