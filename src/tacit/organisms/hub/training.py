"""RL over a chat model on monitored prompts: the same loop as at micro scale, through adapters."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, final

import numpy as np

from tacit.base.errors import UserError
from tacit.base.files import write_atomically
from tacit.base.folders import differences
from tacit.base.seeds import stream
from tacit.models.chat import ChatModel, Turn
from tacit.models.load import load_subject
from tacit.models.subject import Subject
from tacit.organisms.hub.grading import ChatGrader
from tacit.organisms.hub.playing import (
    Transcript,
    chat_episodes,
    play_chats,
)
from tacit.organisms.hub.questioning import with_answers_of, with_question
from tacit.organisms.hub.recipe import HubRecipe
from tacit.organisms.hub.remaking import remake_activations
from tacit.organisms.hub.requests import Request, check_requests, read_requests
from tacit.organisms.hub.rewarding import Worth, worth_of
from tacit.organisms.hub.steps import HubStep, step_of
from tacit.organisms.hub.templates import ChatPrompt, draw_chat_prompts, interrogation
from tacit.training.grpo import Graded, StepFigures, grpo
from tacit.training.grpo.adapters import with_lora, without_adapters

if TYPE_CHECKING:
    from accelerate import Accelerator


def train_hub(
    recipe: HubRecipe,
    *,
    seed: int,
    folder: Path,
    chat: ChatModel | None = None,
    policy: Subject | None = None,
    accelerator: Accelerator | None = None,
    report: Callable[[HubStep], None] | None = None,
) -> tuple[Subject, list[StepFigures]]:
    """Train the recipe's policy; return it with its adapters, and the loop's figures.

    What every step's episodes were is added to ``folder/steps.jsonl``; the same call goes on from
    the last step that was kept, and a step played twice stands there twice. Under an
    ``accelerator`` every process plays its own ``num_prompts``. ``chat`` stands in place of the
    recipe's grader, e.g. with a budget; ``policy`` in place of its model, e.g. an organism, and
    gets the adapters.

    Raises:
        UserError: for requests that cannot be used, and a folder begun by another recipe.
        BudgetReached: with the steps done so far kept.
    """
    _begin(folder, recipe)
    requests = read_requests(recipe.requests)
    base = policy or load_subject(recipe.model, load=recipe.load)
    check_requests(requests, recipe.tier_phrasings(), base)
    learning = with_lora(base, recipe.lora_rank, recipe.lora_alpha, seed=seed)
    for weight in learning.model.parameters():
        if weight.requires_grad:  # steps of this size would vanish in half precision
            weight.data = weight.data.float()
    if recipe.checkpoints_activations:
        remake_activations(learning)
    process = 0 if accelerator is None else accelerator.process_index
    grader = chat or ChatModel(name=recipe.grader.model)
    player = _Player(recipe, requests, grader, seed, process, folder, report)
    figures = grpo(
        learning,
        player.play,
        recipe.grpo(),
        seed=seed,
        reference=without_adapters(learning),
        folder=folder / "grpo",
        accelerator=accelerator,
    )
    return learning, figures


def _begin(folder: Path, recipe: HubRecipe) -> None:
    """Write the recipe into the folder, or refuse one that another recipe has begun."""
    asked, path = recipe.model_dump(mode="json"), folder / "recipe.json"
    if path.exists():
        wrong = differences(asked, json.loads(path.read_text()))
        if wrong:
            raise UserError(
                f"{folder} was begun by another recipe ({'; '.join(wrong)}); give another folder."
            )
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(asked, indent=1) + "\n")


@final
class _Player:
    """Plays and grades a step's episodes."""

    def __init__(
        self,
        recipe: HubRecipe,
        requests: Sequence[Request],
        chat: ChatModel,
        seed: int,
        process: int,
        folder: Path,
        report: Callable[[HubStep], None] | None,
    ) -> None:
        self.recipe, self.requests, self.chat = recipe, requests, chat
        self.arm = recipe.hub_arm()
        votes = recipe.grader.model_copy(update={"votes": recipe.reward_votes})
        self.grader = ChatGrader(chat, votes)
        self.seed, self.process, self.report = seed, process, report
        self.kept = folder / ("steps.jsonl" if process == 0 else f"steps-{process}.jsonl")

    def play(self, policy: Subject, step: int) -> Graded:
        """Return a step's episodes: the same requests and seeds in every arm."""
        recipe, arm = self.recipe, self.arm
        rng = stream(self.seed, f"organisms/hub/step {step}/process {self.process}")
        drawn = draw_chat_prompts(
            self.requests,
            recipe.num_prompts,
            rng,
            tier="monitored",
            phrasings=recipe.tier_phrasings(),
            tells_consequence=recipe.tells_consequence,
        )
        prompts = [each for each in drawn for _ in range(recipe.group_rows)]
        seeds = rng.integers(2**31, size=len(prompts)).tolist()
        shown, trained_as = (
            self._turns(prompts, said) for said in (arm.shown, arm.trained_as)
        )
        played = play_chats(
            policy,
            shown,
            seeds,
            max_new_tokens=recipe.max_new_tokens,
            sample_rows=recipe.sample_rows,
        )
        played = self._questioned(policy, prompts, shown, played, seeds)
        worth = worth_of(prompts, played, self.grader, recipe)
        self._tell(step, played, worth)
        episodes = chat_episodes(
            policy, trained_as, played, worth.is_excluded.tolist(), recipe.group_rows
        )
        rewards = np.sum(list(worth.parts.values()), axis=0)
        return Graded(episodes=episodes, rewards=rewards, parts=worth.parts)

    def _turns(self, prompts: Sequence[ChatPrompt], said: str | None) -> list[list[Turn]]:
        joined = self.recipe.system_in_user_turn
        return [
            replace(each, directive=said).turns(system_in_user_turn=joined)
            for each in prompts
        ]

    def _questioned(
        self,
        policy: Subject,
        prompts: Sequence[ChatPrompt],
        shown: Sequence[Sequence[Turn]],
        played: list[Transcript],
        seeds: Sequence[int],
    ) -> list[Transcript]:
        recipe = self.recipe
        if self.arm.question is None:
            return played
        question = interrogation(self.arm.question)
        if self.arm.question == "separate":
            return with_answers_of(
                self.chat, prompts, played, question, answer_tokens=recipe.answer_tokens
            )
        return with_question(
            policy,
            shown,
            played,
            question,
            seeds,
            answer_tokens=recipe.answer_tokens,
            sample_rows=recipe.sample_rows,
        )

    def _tell(self, step: int, played: Sequence[Transcript], worth: Worth) -> None:
        found = step_of(step, played, worth, asked=self.arm.question is not None)
        with self.kept.open("a") as file:
            file.write(json.dumps(asdict(found)) + "\n")
        if self.report is not None:
            self.report(found)
