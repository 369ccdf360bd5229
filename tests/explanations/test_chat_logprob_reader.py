"""Expected activations from probabilities: against a computation of its own, token by token."""

import asyncio
import math

import numpy as np
import pytest
import torch
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessageAssistant,
    Logprob,
    Logprobs,
    ModelAPI,
    ModelOutput,
    TopLogprob,
    modelapi,
)
from jaxtyping import TypeCheckError

from explanations import wordly
from tacit.base.errors import UserError
from tacit.base.records import Gap
from tacit.explanations.explanation import Explanation
from tacit.explanations.logprob_reader import (
    LogprobReader,
    ServedLogprobReader,
    expected,
    opening,
)
from tacit.models import load_subject
from tacit.models.chat import ChatModel

SAYS = Explanation(feature=0, dictionary="d", explainer="e", version="1", text="a\ncat")
PIECES = [wordly.piece(number, 1, tokens=5) for number in range(2)]


@pytest.fixture(scope="module")
def reading(tmp_path_factory, tiny_subject):
    """A random model with the tokenizer of ``tiny`` that reads 2,000 tokens at once."""
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

    torch.manual_seed(1)
    config = GPTNeoXConfig(
        vocab_size=400,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=2_000,
        initializer_range=0.5,
        bos_token_id=0,
        eos_token_id=0,
    )
    model = GPTNeoXForCausalLM(config)
    return load_subject(model, tokenizer=tiny_subject.tokenizer)


def test_one_pass_gives_the_expected_level_that_passes_token_by_token_give(reading):
    reader = LogprobReader(reading)
    answers = asyncio.run(reader.activations(SAYS, PIECES))
    tokenizer, model = reading.tokenizer, reading.model

    def encoded(text):
        return tokenizer(text, add_special_tokens=False)["input_ids"]

    top = [level for level in range(11) if len(encoded(f"\t{level}")) == 2]
    assert top in (list(range(10)), list(range(11)))
    for piece, answer in zip(PIECES, answers, strict=True):
        ids = [reading.bos_id, *encoded(opening("a\ncat"))]
        mean = []
        for token in piece.tokens:
            plain = token.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")
            plain = plain.replace("⟦", "\\⟦").replace("⟧", "\\⟧")
            ids += encoded(plain + "\t")
            with torch.no_grad():
                chances = model(torch.tensor([ids])).logits[0, -1].softmax(dim=0)
            of_levels = [float(chances[encoded(f"\t{level}")[1]]) for level in top]
            mean.append(np.average(top, weights=of_levels))
            ids += encoded("unknown\n")
        np.testing.assert_allclose(answer.value, mean, rtol=1e-4)  # float32 passes


def test_only_what_is_given_to_levels_counts():
    logprobs = torch.log(torch.tensor([[0.1, 0.3], [1e-6, 1e-6], [0.0, 0.2]]))
    found = expected(logprobs, torch.tensor([0.0, 10.0]))
    torch.testing.assert_close(found, torch.tensor([7.5, 5.0, 10.0]).double())


def test_a_piece_too_long_for_the_model_is_a_gap(tiny_subject):
    (answer,) = asyncio.run(LogprobReader(tiny_subject).activations(SAYS, PIECES[:1]))
    assert isinstance(answer.value, Gap)
    assert answer.value.of["kind"] == "too long"


def test_a_model_that_predicts_nothing_is_refused():
    module = load_subject(torch.nn.Linear(2, 2))
    with pytest.raises(UserError, match="causal language model"):
        LogprobReader(module)


class Served(ModelAPI):
    """A server that tells probabilities of its prompt, tokens being words and tabs."""

    def __init__(self, model_name, *, told, **options):
        super().__init__(model_name, **options)
        self.told = told

    async def generate(self, input, tools, tool_choice, config):
        assert (config.prompt_logprobs, config.max_tokens) == (20, 1)
        content, number = [], 0
        lines = input[-1].text.split("\n")
        first = len(lines) - 5
        for place, line in enumerate(lines):
            for token in line.replace("\t", " \t").split(" "):
                more = None
                if token == "\tunknown" and self.told:
                    content.append(Logprob(token=" \t", logprob=-1.0))
                    of_levels = self.told[number] if place >= first else {"3": 0.5}
                    number += place >= first
                    more = [
                        TopLogprob(token=t, logprob=math.log(p))
                        for t, p in of_levels.items()
                    ]
                    token = "unk"
                content.append(Logprob(token=token, logprob=-1.0, top_logprobs=more))
        choice = ChatCompletionChoice(
            message=ChatMessageAssistant(content="x"),
            stop_reason="max_tokens",
            prompt_logprobs=Logprobs(content=content) if self.told else None,
        )
        return ModelOutput(model="served", choices=[choice])


def served(told):
    modelapi(name="served")(Served)
    return ServedLogprobReader(ChatModel(name="served/x", options={"told": told}))


LEVELS = [{"0": 0.2, "10": 0.2, "the": 0.5}, {"4": 0.1}, {"1": 0.3, "2": 0.1}, {"0": 1.0}]


@pytest.mark.filterwarnings("ignore:The 'initial' parameter:DeprecationWarning")
def test_a_served_model_is_read_at_the_tokens_of_the_piece_alone():
    reader = served([*LEVELS, {"9": 0.1, "x": 0.1}])
    (answer,) = asyncio.run(reader.activations(SAYS, PIECES[:1]))
    np.testing.assert_allclose(answer.value, [5, 4, 1.25, 0, 9], rtol=1e-6)


@pytest.mark.filterwarnings("ignore:The 'initial' parameter:DeprecationWarning")
def test_a_token_without_a_likely_level_is_a_gap_of_its_piece():
    (answer,) = asyncio.run(served([*LEVELS, {"x": 1.0}]).activations(SAYS, PIECES[:1]))
    assert isinstance(answer.value, Gap)
    assert "1 of 5 tokens have no likely level" in answer.value.reason


@pytest.mark.filterwarnings("ignore:The 'initial' parameter:DeprecationWarning")
def test_a_provider_that_tells_no_probabilities_is_refused():
    with pytest.raises(UserError, match="tells no probabilities"):
        asyncio.run(served([]).activations(SAYS, PIECES[:1]))


def test_shapes_are_checked():
    with pytest.raises(TypeCheckError):
        expected(torch.zeros(3, 2), torch.zeros(3))
