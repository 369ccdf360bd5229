"""Many features at once: each kept once, whatever stops the work, and within the budget."""

import asyncio
import contextlib
import json
import signal
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from explanations import wordly
from tacit.base.errors import UserError
from tacit.base.records import Gap
from tacit.explanations.chat_explainer import ChatExplainer
from tacit.explanations.chat_reader import ChatReader
from tacit.explanations.explanation import Explainer, Explanation
from tacit.explanations.ledger import Ledger
from tacit.explanations.ledger_records import (
    explained_key,
    explanation_of,
    record_of,
    scores_of,
)
from tacit.explanations.scorer import Score, Scorer
from tacit.explanations.scripted import Failures, Script, scripted_chat
from tacit.explanations.working import explain_all, score_all
from tacit.models.spending import Budget, Usage


def ledger_at(tmp_path):
    """The ledger, read from the disk again."""
    return Ledger(tmp_path / "answers.jsonl")


def lines_of(tmp_path):
    return (tmp_path / "answers.jsonl").read_text().splitlines()


def script_of(**settings):
    return Script(
        wordly.WordExplainer(), wordly.WordReader(), tokens_of=wordly.split, **settings
    )


def explain(explainer, tmp_path, features=range(30), exhibits=wordly.exhibits, **settings):
    return asyncio.run(
        explain_all(features, exhibits, explainer, ledger_at(tmp_path), **settings)
    )


def explanations_in(tmp_path):
    found = [explanation_of(record) for record in ledger_at(tmp_path).records.values()]
    return [each for each in found if isinstance(each, Explanation)]


def by_chat(*features):
    """Explanations whose words hold the rule, for scripted readers."""
    explainer = ChatExplainer(scripted_chat(script_of()))

    async def every():
        return [await explainer.explain(wordly.exhibits(each)) for each in features]

    return asyncio.run(every())


class Sloth(Explainer):
    """The word explainer, so slow that others are under way; fails at one feature, if told."""

    name, version = "sloth", "1"

    def __init__(self, fails_at=None):
        self.inner, self.fails_at = wordly.WordExplainer(), fails_at
        self.now = self.most = 0

    async def explain(self, exhibits):
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(0.002)
            if exhibits.feature == self.fails_at:
                raise UserError("this key is refused")
            return replace(await self.inner.explain(exhibits), explainer="sloth")
        finally:
            self.now -= 1


def test_a_ledger_holds_what_the_explainer_said(tmp_path):
    explainer = wordly.WordExplainer()
    worked = explain(explainer, tmp_path, range(5))
    assert (worked.num_done, worked.num_before, worked.stopped) == (5, 0, None)
    for feature in range(5):
        record = ledger_at(tmp_path).records[explained_key(explainer, feature)]
        direct = asyncio.run(explainer.explain(wordly.exhibits(feature)))
        assert explanation_of(record) == direct


def test_features_in_the_ledger_are_not_explained_again(tmp_path):
    explainer = wordly.WordExplainer()
    explain(explainer, tmp_path, [1, 2, 2])
    worked = explain(explainer, tmp_path, [2, 3])
    assert (worked.num_done, worked.num_before) == (1, 1)
    assert explainer.num_asked == {1: 1, 2: 1, 3: 1}


def test_no_more_features_are_under_way_than_asked_for(tmp_path):
    sloth = Sloth()
    held = Counter()

    def exhibits(feature):
        held["most"] = max(held["most"], sloth.now + 1)
        return wordly.exhibits(feature)

    explain(sloth, tmp_path, range(40), exhibits, at_once=6)
    assert sloth.most == 6
    assert held["most"] == 6  # exhibits are made as needed
    with pytest.raises(UserError, match="0 features at once"):
        explain(sloth, tmp_path, at_once=0)


def test_gaps_are_records_and_asked_again_on_request_alone(tmp_path):
    failing = script_of(failures=Failures(malformed=0.3, refusing=0.2))
    first = explain(ChatExplainer(scripted_chat(failing)), tmp_path)
    assert first.gaps == {
        "malformed": failing.failed["malformed"],
        "refused": failing.failed["refusing"],
    }
    assert min(first.gaps.values()) > 0
    num_gaps = first.gaps.total()
    well = script_of()
    explainer = ChatExplainer(scripted_chat(well))
    assert explain(explainer, tmp_path).num_done == 0
    again = explain(explainer, tmp_path, again=True)
    assert (again.num_done, again.num_before) == (num_gaps, 30 - num_gaps)
    assert len(explanations_in(tmp_path)) == 30


def test_a_feature_left_out_is_a_gap_that_no_explainer_saw(tmp_path):
    def exhibits(feature):
        reason = "active in 3 fragments, fewer than 20"
        if feature % 2:
            return Gap(name="explanation", reason=reason, of={"feature": feature})
        return wordly.exhibits(feature)

    explainer = wordly.WordExplainer()
    worked = explain(explainer, tmp_path, range(6), exhibits)
    assert worked.gaps == {"left out": 3}
    assert set(explainer.num_asked) == {0, 2, 4}
    found = explanation_of(ledger_at(tmp_path).records[explained_key(explainer, 1)])
    assert found == exhibits(1)


def test_an_error_half_way_loses_nothing_and_pays_nothing_twice(tmp_path):
    broken = Sloth(fails_at=15)
    with pytest.raises(UserError, match="key is refused"):
        explain(broken, tmp_path, at_once=10)
    kept = {each.feature for each in explanations_in(tmp_path)}
    # Those under way when it failed came to their end.
    assert kept == set(broken.inner.num_asked)
    assert 15 <= len(kept) < 30
    mended = Sloth()
    explain(mended, tmp_path, at_once=10)
    assert broken.inner.num_asked + mended.inner.num_asked == Counter(range(30))
    assert len(lines_of(tmp_path)) == 30


def test_ctrl_c_half_way_keeps_what_is_done_and_asks_again_only_what_was_in_flight(
    tmp_path,
):
    script = script_of(seconds=0.05)
    explainer = ChatExplainer(scripted_chat(script, max_connections=10))

    async def interrupted():
        loop = asyncio.get_running_loop()
        loop.call_later(0.18, signal.raise_signal, signal.SIGINT)
        await explain_all(
            range(60), wordly.exhibits, explainer, ledger_at(tmp_path), at_once=10
        )

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(interrupted())
    kept = {each.feature for each in explanations_in(tmp_path)}
    num_sent = script.asked.total()
    assert 0 < len(kept) < 60
    assert num_sent <= len(kept) + 10
    explain(explainer, tmp_path, range(60), at_once=10)
    assert script.asked.total() == num_sent + 60 - len(kept)
    assert {each.feature for each in explanations_in(tmp_path)} == set(range(60))
    assert len(lines_of(tmp_path)) == 60


def test_a_torn_last_line_is_asked_again(tmp_path):
    explainer = wordly.WordExplainer()
    explain(explainer, tmp_path, range(3))
    path = tmp_path / "answers.jsonl"
    path.write_bytes(path.read_bytes()[:-9])
    assert explain(explainer, tmp_path, range(3)).num_done == 1
    assert [json.loads(line)["feature"] for line in lines_of(tmp_path)] == [0, 1, 2]


@pytest.mark.parametrize("at_once", [1, 8])
def test_a_budget_stops_cleanly_and_the_rest_is_done_later(tmp_path, at_once):
    script = script_of(seconds=0.001)
    one = asyncio.run(ChatExplainer(scripted_chat(script_of())).explain(wordly.exhibits(0)))
    budget = Budget(max_tokens=20 * one.usage.tokens)
    explainer = ChatExplainer(scripted_chat(script, budget=budget))
    worked = explain(explainer, tmp_path, at_once=at_once, budget=budget)
    assert worked.stopped is not None and "the budget is reached" in worked.stopped
    # Prompts differ in length by little; the last one begun may pass the limit.
    assert 18 <= worked.num_done <= 22
    kept = explanations_in(tmp_path)
    assert len(kept) == worked.num_done == script.asked.total()
    assert sum((each.usage for each in kept), Usage()) == budget.spent
    later = explain(ChatExplainer(scripted_chat(script)), tmp_path, at_once=at_once)
    assert (later.num_done, later.num_before) == (30 - worked.num_done, worked.num_done)
    assert later.stopped is None
    assert script.asked.total() == 30


def test_a_budget_reached_within_a_feature_lets_it_end(tmp_path):
    budget = Budget(max_tokens=1)
    chat = scripted_chat(script_of(), budget=budget)
    asked = by_chat(1, 2)
    worked = score(asked, ChatReader(chat), tmp_path, budget=budget, at_once=1)
    assert worked.num_done == 1 and worked.stopped
    (record,) = ledger_at(tmp_path).records.values()
    assert [(row.n, row.gaps) for row in scores_of(record)] == [(12, 0)]


class Hits(Scorer):
    """Share of tokens on which a reader is right about being active; draws a number too."""

    name = "hits"

    def __init__(self, name="hits"):
        self.name = name

    async def score(self, explanation, exhibits, reader, rng):
        pieces = [each.piece for each in exhibits.scored]
        answers = await reader.activations(explanation, pieces)
        right = [
            float(np.mean((answer.value > 0) == (each.values > 0)))
            for answer, each in zip(answers, exhibits.scored, strict=True)
            if not isinstance(answer.value, Gap)
        ]
        usage = sum((answer.usage for answer in answers), Usage())
        return [
            Score(
                feature=explanation.feature,
                explainer=explanation.explainer,
                reader=reader.name,
                scorer=self.name,
                figure="hits",
                value=float(np.mean(right)) if right else None,
                low=float(rng.random()),
                high=None,
                chance=0.5,
                n=len(right),
                gaps=len(pieces) - len(right),
                input_tokens=usage.input_tokens,
            )
        ]


HITS = (Hits(),)


def score(explanations, reader, tmp_path, scorers=HITS, exhibits=wordly.exhibits, **rest):
    return asyncio.run(
        score_all(explanations, exhibits, reader, scorers, ledger_at(tmp_path), **rest)
    )


@pytest.fixture
def said():
    explainer = wordly.WordExplainer()
    return [asyncio.run(explainer.explain(wordly.exhibits(n))) for n in range(8)]


def test_scores_are_kept_by_feature_and_scorer_and_a_new_scorer_is_asked_alone(
    tmp_path, said
):
    reader = wordly.WordReader()
    assert score(said, reader, tmp_path).num_done == 8
    worked = score(said, reader, tmp_path, (Hits(), Hits("more")))
    assert (worked.num_done, worked.num_before) == (8, 8)
    rows = [row for each in ledger_at(tmp_path).records.values() for row in scores_of(each)]
    assert Counter(row.scorer for row in rows) == {"hits": 8, "more": 8}
    assert {row.value for row in rows} == {1.0}


def test_what_a_scorer_draws_depends_on_the_seed_and_feature_alone(tmp_path, said):
    drawn = []
    for folder, seed, order in (("a", 0, said), ("b", 0, said[::-1]), ("c", 1, said)):
        score(order, wordly.WordReader(), tmp_path / folder, seed=seed, at_once=3)
        records = ledger_at(tmp_path / folder).records
        drawn.append({key: scores_of(record)[0].low for key, record in records.items()})
    assert drawn[0] == drawn[1]
    assert not set(drawn[0].values()) & set(drawn[2].values())


def test_scorings_with_gaps_are_asked_again_on_request(tmp_path, said):
    failing = script_of(failures=Failures(malformed=0.05))
    first = ChatReader(scripted_chat(failing))
    with_rule = by_chat(*range(8))
    score(with_rule, first, tmp_path)
    rows = {
        r.feature: r
        for each in ledger_at(tmp_path).records.values()
        for r in scores_of(each)
    }
    wanting = {feature for feature, row in rows.items() if row.gaps}
    assert 0 < len(wanting) < 8
    assert sum(row.gaps for row in rows.values()) == failing.failed["malformed"]
    well = script_of()
    worked = score(with_rule, ChatReader(scripted_chat(well)), tmp_path, again=True)
    assert worked.num_done == len(wanting)
    assert well.asked.total() == 12 * len(wanting)


def test_explanations_of_another_dictionary_are_refused(tmp_path, said):
    other = [replace(each, dictionary="e" * 64) for each in said]
    with pytest.raises(UserError, match="is of dictionary eeee"):
        score(other, wordly.WordReader(), tmp_path)


def test_an_explanation_whose_feature_has_no_exhibits_has_gaps_for_scores(tmp_path, said):
    gap = Gap(name="explanation", reason="too few", of={"feature": 0})
    worked = score(said[:1], wordly.WordReader(), tmp_path, exhibits=lambda feature: gap)
    assert worked.gaps == {"left out": 1}
    (record,) = ledger_at(tmp_path).records.values()
    assert scores_of(record) == gap


def test_progress_counts_features_those_of_before_apart(tmp_path, said):
    shown = []

    @contextlib.contextmanager
    def progress(title, total, unit):
        shown.append([title, total, unit, Counter()])

        def advance(done=1, *, earlier=False):
            shown[-1][3][earlier] += done

        yield advance

    explain(wordly.WordExplainer(), tmp_path, range(3))
    explain(wordly.WordExplainer(), tmp_path, range(5), progress=progress)
    score(said, wordly.WordReader(), tmp_path, progress=progress)
    assert shown == [
        ["explain", 5, "features", {True: 3, False: 2}],
        ["score", 8, "features", {True: 0, False: 8}],
    ]


def test_records_are_plain_json_and_come_back_equal(said):
    priced = replace(said[0], usage=Usage(input_tokens=3, dollars=None, num_unreported=1))
    gap = Gap(name="explanation", reason="raw", of={"feature": 1, "kind": "malformed"})
    for each in (said[0], priced, gap):
        assert explanation_of(json.loads(json.dumps(record_of(each)))) == each
