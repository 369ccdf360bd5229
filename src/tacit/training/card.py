"""The model card of a micro subject, written from the facts of its training."""

from collections.abc import Mapping
from typing import Any

_SOURCES = {
    "python-stdlib": "the source of Python's standard library",
    "stories": "Tacit's own stories, which a grammar writes",
}
_CAUTIONS = {
    "python-stdlib": "The standard library differs by Python patch level and distribution.\n"
}


def _told(source: str) -> str:
    """Return a name of a text as a reader knows it."""
    return _SOURCES.get(source, f"the text `{source}`")


def _tasks(facts: Mapping[str, Any]) -> str:
    """Return the marks of the tasks that go with the text, and how they came; empty without."""
    if not facts.get("tasks"):
        return ""
    rows = [
        f"| {task} | {mark['accuracy']:.3f} ({mark['low']:.3f} to {mark['high']:.3f}) | "
        f"{mark['num_prompts']:,} | {mark['num_skipped']} |"
        for task, mark in facts["tasks"].items()
    ]
    curve = facts["task_curve"]
    ways = [
        f"| {task} | "
        + " | ".join(f"{step[task]:.2f}" for step in list(curve.values())[1::2])
        + " |"
        for task in facts["tasks"]
    ]
    steps = list(curve)[1::2]
    return "\n".join(
        (
            "\nHow often the right word is likelier than the wrong one, on prompts whose names "
            "stand together in no\nstory (95 % Wilson interval over prompts). In `ioi` the wrong "
            "name is a stranger's, in `ioi-swapped` the giver's.\n",
            "| task | accuracy | prompts | skipped |",
            "|---|---|---|---|",
            *rows,
            "\nThe same on the way, on 200 prompts each:\n",
            f"| step | {' | '.join(steps)} |",
            f"|---|{'---|' * len(steps)}",
            *ways,
            "",
        )
    )


def card_text(facts: Mapping[str, Any]) -> str:
    """Return the card as Markdown."""
    recipe, found = facts["recipe"], facts["held_out"]
    schedule = recipe["schedule"]
    low, high = found["interval"]
    return f"""# {recipe["name"]}: a micro subject of Tacit

A GPT-NeoX language model of {facts["parameters"]:,} parameters, trained from random weights on
{_told(recipe["source"])}. It exists to be studied: small enough to ship and to run in
seconds, real enough to have features. It is no tool for writing.

| what | value |
|---|---|
| architecture | `GPTNeoXForCausalLM`, width {recipe["width"]}, {recipe["num_layers"]} layers, \
{recipe["num_heads"]} heads, context {recipe["context_tokens"]}, own BPE vocabulary of \
{recipe["vocabulary"]:,} |
| recipe | `tacit train-subject {recipe["name"]}`: {schedule["num_steps"]:,} steps of \
{schedule["batch_contexts"]} contexts, AdamW at {schedule["learning_rate"]}, \
{schedule["warm_up_steps"]} steps of warm-up, cosine to a tenth, seed {recipe["seed"]} |
| data | `{recipe["source"]}` of Python {facts["python"]}, {facts["data_documents"]} files, \
{facts["train_tokens"]:,} training tokens; split by hash of the relative path |
| digest of the data | `{facts["data_digest"]}` |
| tokens seen, at most (padding included) | {facts["tokens_seen_at_most"]:,} |
| torch | {facts["torch"]}, {facts["threads"]} threads |

Held-out loss, over {found["num_tokens"]:,} tokens of {found["num_documents"]} files it never saw
(95 % bootstrap interval over files):

| | nats per token | nats per byte |
|---|---|---|
| **{recipe["name"]}** | {found["nats_per_token"]:.3f} ({low:.3f} to {high:.3f}) | \
{found["nats_per_byte"]:.3f} |
| 3-gram (Witten-Bell) | {found["trigram_nats_per_token"]:.3f} | \
{found["trigram_nats_per_byte"]:.3f} |
| unigram | {found["unigram_nats_per_token"]:.3f} | {found["unigram_nats_per_byte"]:.3f} |
| gzip -9 of the same text | | {found["gzip_nats_per_byte"]:.3f} |
{_tasks(facts)}
What may not be concluded: nothing found in a model of this size is a claim about large models.
{_CAUTIONS.get(recipe["source"], "")}Figures are comparable only on an equal digest of the
data. The weights are stored in half precision, and were scored as stored.
"""
