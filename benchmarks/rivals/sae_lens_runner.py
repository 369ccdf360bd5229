"""SAELens's own runner, from a model's folder and text to a saved dictionary.

Arguments: a JSON file with the model's folder, the text's file, the sizes, and where to write.
Prints the seconds without imports and the peak of memory beyond them.
"""

import json
import sys
import time
from pathlib import Path

import torch
from datasets import Dataset
from peak import peak_since, start_of_peak
from sae_lens import (
    LanguageModelSAERunnerConfig,
    LanguageModelSAETrainingRunner,
    TopKTrainingSAEConfig,
)
from sae_lens.config import LoggingConfig


def main() -> None:
    """Train as the file says."""
    asked = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    answers, sys.stdout = sys.stdout, sys.stderr
    torch.set_num_threads(asked["threads"])
    held, began = start_of_peak(), time.perf_counter()
    lines = Path(asked["text"]).read_text(encoding="utf-8").splitlines()
    settings = LanguageModelSAERunnerConfig(
        sae=TopKTrainingSAEConfig(d_in=asked["width"], d_sae=asked["atoms"], k=asked["k"]),
        model_name=asked["model"],
        model_class_name="AutoModelForCausalLM",
        model_from_pretrained_kwargs={"dtype": "float32"},
        hook_name=asked["hook"],
        dataset_path="given",
        is_dataset_tokenized=False,
        streaming=False,
        context_size=asked["context"],
        training_tokens=asked["batch"] * asked["steps"],
        train_batch_size_tokens=asked["batch"],
        exclude_special_tokens=True,
        checkpoint_path=None,
        output_path=asked["out"],
        verbose=False,
        logger=LoggingConfig(log_to_wandb=False),
        **asked["more"],
    )
    texts = Dataset.from_list([json.loads(line) for line in lines])
    LanguageModelSAETrainingRunner(settings, override_dataset=texts).run()
    told = {"seconds": time.perf_counter() - began, "peak": peak_since(held)}
    print("answer: " + json.dumps(told), file=answers, flush=True)


if __name__ == "__main__":
    main()
