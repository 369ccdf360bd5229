"""What a run over a chat model takes in memory and time, by arithmetic from its sizes alone.

Nothing here was measured at that size. Attention over positions, the sampler's own work and the
grader's time are left out; a Machine says what is assumed of the device.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from tacit.organisms.hub.recipe import HubRecipe
from tacit.organisms.hub.sizes import Lengths, Machine, Shape

HALF, SINGLE = 2, 4
"""Bytes of a number in bfloat16 and in float32."""
ADAM_BYTES = 4 * SINGLE
"""Of a trained number: itself, its gradient and two moments, in single precision."""


@final
@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a run takes: bytes, tokens, operations and hours."""

    recipe: HubRecipe
    shape: Shape
    lengths: Lengths
    machine: Machine

    @property
    def adapters(self) -> int:
        """A: weights that learn."""
        return self.shape.adapters(self.recipe.lora_rank)

    @property
    def weights_bytes(self) -> float:
        """Of the frozen weights, in half precision."""
        return HALF * self.shape.parameters

    @property
    def adapter_bytes(self) -> float:
        """Adapters with their gradients and moments."""
        return ADAM_BYTES * self.adapters

    @property
    def cache_bytes_a_token(self) -> float:
        """Keys and values of one position."""
        return HALF * 2 * self.shape.num_layers * self.shape.key_width

    @property
    def longest(self) -> int:
        """Tokens of the longest episode."""
        return self.lengths.prompt + self.recipe.max_new_tokens

    @property
    def cache_bytes_all(self) -> float:
        """Of all episodes of a step at their longest, were they sampled together."""
        return self.recipe.episodes * self.longest * self.cache_bytes_a_token

    @property
    def rows_sampled(self) -> int:
        """Rows that are sampled at once."""
        return min(self.recipe.sample_rows, self.recipe.episodes)

    @property
    def cache_bytes(self) -> float:
        """Of the rows that are sampled at once."""
        return self.rows_sampled * self.longest * self.cache_bytes_a_token

    @property
    def layer_bytes(self) -> float:
        """What a layer's backward pass reads: inputs of maps and norms, and the gate's parts."""
        shape = self.shape
        numbers = 4 * (shape.width + shape.mlp_width) + 2 * (
            shape.query_width + shape.key_width
        )
        return HALF * numbers * self.recipe.rows_at_once * self.longest

    @property
    def activation_bytes(self) -> float:
        """Of one pass of the update: layer inputs kept, one layer at a time made again."""
        inputs = HALF * self.shape.width * self.shape.num_layers
        return inputs * self.recipe.rows_at_once * self.longest + self.layer_bytes

    @property
    def kept_activation_bytes(self) -> float:
        """The same were everything kept."""
        return self.shape.num_layers * self.layer_bytes

    @property
    def logit_bytes(self) -> float:
        """In half, their log-probabilities and gradient in single precision, where tokens count."""
        counted = self.recipe.rows_at_once * self.recipe.max_new_tokens
        return (HALF + 2 * SINGLE) * self.shape.vocab_size * counted

    @property
    def sampling_peak_bytes(self) -> float:
        """The most held while sampling."""
        return self.weights_bytes + self.adapter_bytes + self.cache_bytes

    @property
    def update_peak_bytes(self) -> float:
        """The most held in the update."""
        checkpoints = self.recipe.checkpoints_activations
        passing = self.activation_bytes if checkpoints else self.kept_activation_bytes
        return self.weights_bytes + self.adapter_bytes + passing + self.logit_bytes

    @property
    def read_tokens(self) -> int:
        """Of prompts, a step of sampling: rows of one prompt in a batch read it once."""
        batches_a_group = -(-self.recipe.group_rows // self.rows_sampled)
        return self.recipe.num_prompts * batches_a_group * self.lengths.prompt

    @property
    def written_tokens(self) -> int:
        """Sampled, a step."""
        return self.recipe.episodes * self.lengths.written

    @property
    def trained_tokens(self) -> int:
        """That go through a step's update: every row with its prompt."""
        return self.recipe.episodes * (self.lengths.prompt + self.lengths.written)

    @property
    def sampling_flops(self) -> float:
        """Two for each weight and token, a step."""
        tokens = self.read_tokens + self.written_tokens
        return 2 * (self.shape.multiplied + self.adapters) * tokens

    @property
    def update_flops(self) -> float:
        """Forward 2 a weight, backward to activations 2; for adapters backward to weights 2 more.

        Checkpoints take the forward again; the reference is one more, without adapters.
        """
        again = 2 if self.recipe.checkpoints_activations else 0
        frozen, learnt = 4 + again + 2, 6 + again
        each = frozen * self.shape.multiplied + learnt * self.adapters
        return each * self.trained_tokens

    @property
    def sampling_seconds(self) -> float:
        """Prompts read at the share of the peak; every token written moves weights and cache."""
        reading = 2 * self.shape.multiplied * self.read_tokens / self._flops_a_second
        moved = self.weights_bytes + HALF * self.adapters + self.cache_bytes
        tokens = -(-self.recipe.episodes // self.rows_sampled) * self.recipe.max_new_tokens
        machine = self.machine
        return reading + tokens * moved / (machine.bytes_a_second * machine.bandwidth_share)

    @property
    def update_seconds(self) -> float:
        """A step."""
        return self.update_flops / self._flops_a_second

    @property
    def grader_calls(self) -> int:
        """A step: votes on outputs, on scratchpads where the arm reads them, answers."""
        arm = self.recipe.hub_arm()
        votes = self.recipe.reward_votes * (1 + arm.reads_scratchpads)
        return self.recipe.episodes * (votes + (arm.question == "separate"))

    @property
    def run_hours(self) -> float:
        """All steps, grading and evaluations apart."""
        seconds = self.sampling_seconds + self.update_seconds
        return self.recipe.num_steps * seconds / 3_600

    @property
    def _flops_a_second(self) -> float:
        return self.machine.peak_flops * self.machine.utilisation


def cost_of(
    recipe: HubRecipe,
    shape: Shape,
    lengths: Lengths | None = None,
    machine: Machine | None = None,
) -> Cost:
    """Return what a recipe costs on a model of some shape, under what is assumed."""
    return Cost(
        recipe=recipe,
        shape=shape,
        lengths=lengths or Lengths(),
        machine=machine or Machine(),
    )
