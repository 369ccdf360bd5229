"""Chat models through Inspect: limits, prices, budgets, and errors told once and plainly."""

import asyncio
import sys

import pytest
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessageAssistant,
    ModelAPI,
    ModelCost,
    ModelInfo,
    ModelOutput,
    ModelUsage,
    modelapi,
    set_model_info,
)
from pydantic import BaseModel
from tenacity.wait import wait_none

from tacit.base.errors import UserError
from tacit.base.records import Gap
from tacit.models.chat import FAILURES_AT_START, ChatModel
from tacit.models.chat_errors import PROVIDERS
from tacit.models.spending import Budget, BudgetReached, Prices, Usage


class Refusal(Exception):
    def __init__(self, code):
        super().__init__("told by the provider")
        self.status_code = code


class Echo(ModelAPI):
    """Says the last message again; 100 tokens read of which 60 from a cache, 10 written."""

    def __init__(self, model_name, *, state, **options):
        super().__init__(model_name, api_key_vars=["ECHO_API_KEY"], **options)
        self.state = state

    def should_retry(self, ex):
        return isinstance(ex, Refusal) and ex.status_code >= 500

    def retry_wait(self):
        return wait_none()

    async def generate(self, input, tools, tool_choice, config):
        state = self.state
        state["now"] = state.get("now", 0) + 1
        state["most"] = max(state.get("most", 0), state["now"])
        state.setdefault("configs", []).append(config)
        state.setdefault("inputs", []).append(input)
        try:
            await asyncio.sleep(0.002)
            if "error" in state:
                raise state["error"]
            code = state.get("codes", {}).get(input[-1].text, state.get("code"))
            if code is not None:
                raise Refusal(code)
        finally:
            state["now"] -= 1
        output = ModelOutput(
            model="echo",
            choices=[
                ChatCompletionChoice(
                    message=ChatMessageAssistant(content=input[-1].text),
                    stop_reason=state.get("stop", "stop"),
                )
            ],
        )
        if state.get("usage", True):
            output.usage = ModelUsage(
                input_tokens=40,
                output_tokens=10,
                total_tokens=110,
                input_tokens_cache_read=60,
            )
        return output


@pytest.fixture
def echo():
    """Make a chat model of the state that the test sees and sets."""
    modelapi(name="echo")(Echo)

    def make(name="echo/one", state=None, **settings):
        state = {} if state is None else state
        return ChatModel(name=name, options={"state": state}, **settings), state

    return make


def ask_many(chat, texts, **asked):
    async def all_at_once():
        return await asyncio.gather(
            *[chat.ask(text, max_tokens=9, **asked) for text in texts]
        )

    return asyncio.run(all_at_once())


def test_answers_come_in_the_order_asked_and_no_more_are_in_flight_than_allowed(echo):
    chat, state = echo(max_connections=7)
    replies = ask_many(chat, [str(n) for n in range(40)])
    assert [reply.text for reply in replies] == [str(n) for n in range(40)]
    assert state["most"] == 7


def test_each_model_keeps_its_own_limit_in_one_process(echo):
    most = []
    for limit in (2, 9):
        chat, state = echo(max_connections=limit)
        ask_many(chat, "abcdefghijklmnopqrst")
        most.append(state["most"])
    assert most == [2, 9]


def test_one_model_serves_several_event_loops(echo):
    chat, _ = echo(max_connections=1)
    for _ in range(2):
        assert len(ask_many(chat, "abc")) == 3


def test_an_unknown_price_is_none_and_a_given_one_counts_cached_tokens_too(echo):
    (reply,) = ask_many(echo()[0], ["a"])
    assert reply.usage == Usage(input_tokens=100, output_tokens=10, dollars=None)
    chat, _ = echo(prices=Prices(input=2.0, output=30.0))
    (reply,) = ask_many(chat, ["a"])
    assert reply.usage.dollars == pytest.approx((100 * 2 + 10 * 30) / 1e6)


def test_a_price_that_inspect_knows_is_its_own(echo):
    cost = ModelCost(input=1, output=3, input_cache_write=0, input_cache_read=0.5)
    set_model_info("echo/priced", ModelInfo(cost=cost))
    budget = Budget(max_cost=1.0)
    (reply,) = ask_many(echo("echo/priced", budget=budget)[0], ["a"])
    assert reply.usage.dollars == pytest.approx((40 * 1 + 60 * 0.5 + 10 * 3) / 1e6)
    assert budget.spent == reply.usage


def test_a_budget_in_dollars_needs_a_price(echo):
    with pytest.raises(UserError, match="price of echo/one is not known"):
        echo(budget=Budget(max_cost=1.0))


def test_askers_share_a_budget_and_nothing_is_sent_once_it_is_reached(echo):
    budget = Budget(max_tokens=550)
    state = {}
    chats = [echo(state=state, budget=budget, max_connections=1)[0] for _ in range(2)]

    async def one_by_one():
        count = 0
        while True:
            await chats[count % 2].ask("a", max_tokens=9)
            count += 1

    with pytest.raises(BudgetReached, match="550 of 550 tokens"):
        asyncio.run(one_by_one())
    assert len(state["inputs"]) == 5
    assert budget.spent.tokens == 550


def test_what_is_in_flight_when_the_budget_is_reached_is_finished_and_counted(echo):
    budget = Budget(max_tokens=110)
    chat, state = echo(budget=budget, max_connections=4)

    async def all_at_once():
        return await asyncio.gather(
            *[chat.ask(str(n), max_tokens=9) for n in range(10)], return_exceptions=True
        )

    found = asyncio.run(all_at_once())
    answered = [reply for reply in found if not isinstance(reply, BudgetReached)]
    assert [reply.text for reply in answered] == ["0", "1", "2", "3"]
    assert budget.spent.tokens == 4 * 110 == 110 * len(state["inputs"])


def test_work_that_has_begun_is_let_through_and_other_budgets_are_not():
    budget, other = Budget(max_tokens=10), Budget(max_tokens=10)
    with budget.work():
        budget.add(Usage(input_tokens=10))
        other.add(Usage(input_tokens=10))
        budget.check()
        with pytest.raises(BudgetReached):
            other.check()
    with pytest.raises(BudgetReached), budget.work():
        pass


def test_a_provider_that_tells_no_usage_is_counted_and_cannot_hold_a_budget(echo):
    (reply,) = ask_many(echo(state={"usage": False})[0], ["a"])
    assert reply.usage == Usage(dollars=None, num_unreported=1)
    assert (reply.usage + reply.usage).num_unreported == 2
    chat, _ = echo(state={"usage": False}, budget=Budget(max_tokens=5))
    with pytest.raises(UserError, match="does not tell"):
        ask_many(chat, ["a"])


def test_a_request_the_provider_keeps_failing_is_a_gap_after_its_retries(echo):
    chat, state = echo(state={"codes": {"bad": 503}}, max_retries=3)
    ask_many(chat, ["good"])
    (gap,) = ask_many(chat, ["bad"])
    assert isinstance(gap, Gap)
    assert gap.of["kind"] == "unanswered"
    assert gap.reason == "Refusal: told by the provider"
    assert len(state["inputs"]) == 1 + 4


def test_what_a_provider_needs_and_finds_only_when_asked_is_told_at_once(echo):
    from inspect_ai._util.error import pip_dependency_error

    chat, _ = echo(state={"error": pip_dependency_error("Local models", ["vllm"])})
    with pytest.raises(UserError, match="Local models requires .* pip install vllm$"):
        ask_many(chat, ["a"])


def test_a_provider_that_never_answered_is_taken_as_down(echo):
    chat, _ = echo(state={"code": 503}, max_retries=0)
    found = [ask_many(chat, ["a"])[0] for _ in range(FAILURES_AT_START - 1)]
    assert all(isinstance(each, Gap) for each in found)
    with pytest.raises(UserError, match="none of the first 3 requests to echo/one"):
        ask_many(chat, ["a"])


@pytest.mark.parametrize(
    ("code", "said"),
    [(401, "check ECHO_API_KEY"), (403, "check ECHO_API_KEY"), (404, "no such model")],
)
def test_a_mistake_that_every_request_meets_is_told_at_once(echo, code, said):
    with pytest.raises(UserError, match=said):
        ask_many(echo(state={"code": code})[0], ["a"])


def test_a_missing_key_names_its_variable():
    @modelapi(name="keyed")
    def keyed():
        from inspect_ai.model._providers.util import environment_prerequisite_error

        raise environment_prerequisite_error("Keyed", "KEYED_API_KEY")

    with pytest.raises(
        UserError, match="keyed/x cannot be asked: .*KEYED_API_KEY defined in"
    ):
        ChatModel(name="keyed/x")


def test_an_unknown_provider_lists_the_known_ones():
    with pytest.raises(UserError, match="Did you mean 'openai'.*anthropic, "):
        ChatModel(name="opnai/gpt-4o")
    with pytest.raises(UserError, match="as in openai/gpt-4o"):
        ChatModel(name="gpt-4o")


def test_every_provider_named_is_one_of_inspect():
    from inspect_ai._util.registry import registry_find, registry_unqualified_name

    found = registry_find(lambda info: info.type == "modelapi")
    assert set(PROVIDERS) <= {registry_unqualified_name(each) for each in found}


@pytest.mark.parametrize(
    ("stop", "ours"),
    [("stop", "complete"), ("max_tokens", "truncated"), ("model_length", "truncated")]
    + [("content_filter", "refused"), ("unknown", "complete")],
)
def test_how_an_answer_ended_is_kept(echo, stop, ours):
    assert ask_many(echo(state={"stop": stop})[0], ["a"])[0].stop == ours


class Shape(BaseModel):
    size: int


def test_a_schema_is_sent_where_it_is_heeded_and_nowhere_else(echo):
    chat, state = echo(schemas=True)
    ask_many(chat, ["a"], schema=Shape)
    assert (
        state["configs"][0].response_schema.json_schema.properties["size"].type == "integer"
    )
    chat, state = echo()
    ask_many(chat, ["a"], schema=Shape)
    assert state["configs"][0].response_schema is None


def test_turns_keep_their_roles_and_settings_are_passed_on(echo):
    chat, state = echo(attempt_seconds=3)
    turns = [
        ("system", "be brief"),
        ("user", "hello"),
        ("assistant", "hi"),
        ("user", "bye"),
    ]
    asyncio.run(chat.ask(turns, max_tokens=9, temperature=0.5, top_logprobs=4))
    (input,), (config,) = state["inputs"], state["configs"]
    assert [(message.role, message.text) for message in input] == turns
    assert (config.max_tokens, config.temperature, config.attempt_timeout) == (9, 0.5, 3)
    assert (config.logprobs, config.top_logprobs) == (True, 4)


def test_without_inspect_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "inspect_ai.model", None)
    with pytest.raises(UserError, match=r"pip install tacit\[chat\]"):
        ChatModel(name="openai/gpt-4o")


@pytest.mark.parametrize(
    "make", [lambda: Budget(max_tokens=0), lambda: Prices(input=-1, output=0)]
)
def test_limits_and_prices_that_make_no_sense_are_refused(make):
    with pytest.raises(UserError, match="were given|was given"):
        make()
