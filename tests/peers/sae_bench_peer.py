"""SAEBench's own functions, asked of a dictionary and rows that it is given.

``SCRIPT CASE OUT``: tensors in, what SAEBench says of them out, as JSON. Runs in its own
environment, so it imports nothing of Tacit's. A row is one token. Axes: n rows, d width, f atoms,
w windows, t positions, v vocabulary.
"""

# ruff: noqa: E402 (what stands in for its imports must be there first)

import json
import os
import random
import sys
from pathlib import Path
from types import ModuleType

# Its annotations give probes' rows two lengths at once, which would be refused.
os.environ["JAXTYPING_DISABLE"] = "1"


class Absent(ModuleType):
    """A module that only loads models and data sets, which is not asked of SAEBench here."""

    def __getattr__(self, name: str) -> type:
        """Return a class for annotations to speak of; the list of known dictionaries is empty."""
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (dict,), {})


for name in (
    "sae_lens",
    "sae_lens.loading",
    "sae_lens.loading.pretrained_saes_directory",
    "sae_lens.saes",
    "sae_lens.saes.sae",
    "sae_lens.training",
    "sae_lens.training.activations_store",
    "transformer_lens",
    "transformer_lens.hook_points",
    "transformers",
    "transformers.tokenization_utils_fast",
    "datasets",
    "huggingface_hub",
):
    sys.modules[name] = Absent(name)

import sae_bench.evals.absorption.k_sparse_probing as k_sparse_probing
import sae_bench.evals.scr_and_tpp.main as scr_and_tpp
import sae_bench.evals.sparse_probing.probe_training as probe_training
import torch
from sae_bench.custom_saes.relu_sae import ReluSAE
from sae_bench.evals.absorption.eval_config import AbsorptionEvalConfig
from sae_bench.evals.absorption.feature_absorption_calculator import (
    FeatureAbsorptionCalculator,
)
from sae_bench.evals.absorption.probing import train_multi_probe
from sae_bench.evals.core.eval_config import CoreEvalConfig
from sae_bench.evals.core.main import (
    get_downstream_reconstruction_metrics,
    get_sparsity_and_variance_metrics,
)
from sae_bench.evals.scr_and_tpp.eval_config import ScrAndTppEvalConfig
from safetensors.torch import load_file

SITE = "blocks.0.hook_resid_post"
SEED = 42
KS = (1, 2, 5, 20)
ATOMS = [2, 5, 10, 20]
SCR = ScrAndTppEvalConfig()
SPLITS = AbsorptionEvalConfig()

Tensors = dict[str, torch.Tensor]


def sae_of(case: Tensors) -> ReluSAE:
    """Return the dictionary as one of SAEBench's own."""
    encoder = case["encoder"]
    f, d = encoder.shape
    sae = ReluSAE(d, f, "none", 0, torch.device("cpu"), torch.float32, SITE)
    with torch.no_grad():
        sae.W_enc.copy_(encoder.T)
        sae.W_dec.copy_(case["atoms"])
        sae.b_enc.copy_(case["bias"])
        sae.b_dec.copy_(case["centre"])
    return sae.requires_grad_(False)


class Batches:
    """A store of tokens, which gives them in their order; where rows are asked for, row numbers."""

    def __init__(self, tokens: torch.Tensor) -> None:
        self.tokens, self.place = tokens, 0

    def get_batch_tokens(self, size: int) -> torch.Tensor:
        """Return the next tokens."""
        self.place += size
        return self.tokens[self.place - size : self.place]


class Rows:
    """A model whose site holds given rows: token i has row i."""

    def __init__(self, rows: torch.Tensor) -> None:
        self.rows = rows

    def run_with_cache(self, tokens, **_):
        """Return what the site holds; a prompt of words ends in a row's number."""
        if isinstance(tokens, list):
            tokens = torch.tensor([[int(each.strip().rstrip(":")[1:])] for each in tokens])
        return None, {SITE: self.rows[tokens]}

    def to_tokens(self, _):
        """Return tokens of a prompt, of which only their number matters."""
        return [[0]]


class Head:
    """What follows the last site of a GPT-NeoX: a norm, and logits of the next token."""

    def __init__(self, case: Tensors, start: str) -> None:
        self.own = {
            key.removeprefix(start): case[key] for key in case if key.startswith(start)
        }

    def __call__(self, tokens, **asked):
        """Return logits and losses of a clean run."""
        return self.run_with_hooks(tokens, fwd_hooks=[], **asked)

    def run_with_hooks(self, tokens, fwd_hooks, **_):
        """Return logits and losses of all windows with the site replaced."""
        values = self.own["site"]
        for _, hook in fwd_hooks:
            values = hook(values, hook=None)
        norm = torch.nn.functional.layer_norm(
            values,
            values.shape[-1:],
            self.own["norm_weight"],
            self.own["norm_bias"],
            float(self.own["norm_eps"]),
        )
        logits = norm @ self.own["unembed"].T
        losses = torch.nn.functional.cross_entropy(
            logits[:, :-1].transpose(1, 2), tokens[:, 1:], reduction="none"
        )
        return logits, losses


def core(sae: ReluSAE, case: Tensors) -> dict[str, float]:
    """Return sparsity and variance of held-out rows, a document being a prompt."""
    tokens = case["held_out"].reshape(-1, int(case["document_rows"]))
    size = len(tokens) // 5
    metrics, _ = get_sparsity_and_variance_metrics(
        sae,
        Rows(case["rows"]),
        Batches(tokens),
        n_batches=5,
        compute_l2_norms=False,
        compute_sparsity_metrics=True,
        compute_variance_metrics=True,
        compute_featurewise_density_statistics=True,
        eval_batch_size_prompts=size,
        model_kwargs={},
    )
    return {**metrics, "batch_rows": size * tokens.shape[1]}


def loss(case: Tensors, start: str) -> dict[str, float]:
    """Return losses with the site left alone, rebuilt and ablated, as its run has it."""
    head = Head(case, start)
    tokens = head.own["tokens"]
    return get_downstream_reconstruction_metrics(
        sae_of(head.own),
        head,
        Batches(tokens),
        compute_kl=False,
        compute_ce_loss=True,
        n_batches=1,
        eval_batch_size_prompts=len(tokens),
        ignore_tokens=set(head.own["special"].tolist()),
        exclude_special_tokens_from_reconstruction=(
            CoreEvalConfig().exclude_special_tokens_from_reconstruction
        ),
    )


def groups(case: Tensors, name: str, side: str) -> Tensors:
    """Return a concept's classes with the numbers of their rows on one side of the split."""
    start = f"{name}/{side}/"
    return {key.removeprefix(start): case[key] for key in case if key.startswith(start)}


def named(case: Tensors, kind: str) -> list[str]:
    """Return the concepts of a kind."""
    return sorted({key.split("/")[0] for key in case if key.startswith(f"{kind} ")})


def probing(sae: ReluSAE, case: Tensors) -> dict[str, dict]:
    """Return of each concept what probes of k atoms and of the whole row tell, and which atoms."""
    found = {}
    for name in named(case, "binary"):
        rows = [
            {key: case["rows"][own] for key, own in groups(case, name, side).items()}
            for side in ("train", "test")
        ]
        codes = [{key: sae.encode(own) for key, own in side.items()} for side in rows]
        acts, labels = probe_training.prepare_probe_data(codes[0], "yes")
        own = {}
        for k in KS:
            mask = probe_training.get_top_k_mean_diff_mask(acts, labels, k)
            _, accuracies = probe_training.train_probe_on_activations(
                *codes, select_top_k=k
            )
            own[f"atoms {k}"] = torch.nonzero(~mask)[:, 0].tolist()
            own[f"accuracy {k}"] = accuracies["yes"]
        _, accuracies = probe_training.train_probe_on_activations(
            *rows, use_sklearn=False, batch_size=250, epochs=100, lr=1e-2
        )
        found[name] = {**own, "dense": accuracies["yes"]}
    return found


def probes_of(train: Tensors, test: Tensors, *, perform_scr: bool) -> dict:
    """Return probes fitted as its run of SCR and TPP fits them."""
    meaned = [{key: own[:, 0] for key, own in side.items()} for side in (train, test)]
    probes, _ = probe_training.train_probe_on_activations(
        *meaned,
        use_sklearn=False,
        batch_size=SCR.probe_train_batch_size,
        epochs=SCR.probe_epochs,
        lr=SCR.probe_lr,
        perform_scr=perform_scr,
        early_stopping_patience=SCR.early_stopping_patience,
        l1_penalty=SCR.probe_l1_penalty,
    )
    torch.set_grad_enabled(False)
    return probes


def perturbed(sae: ReluSAE, case: Tensors, name: str, *, perform_scr: bool) -> dict:
    """Return the accuracies before and after each class's atoms are taken out."""
    train, test = (
        {key: case["rows"][own][:, None] for key, own in groups(case, name, side).items()}
        for side in ("train", "test")
    )
    probes = probes_of(train, test, perform_scr=perform_scr)
    classes = (
        list(scr_and_tpp.dataset_info.PAIRED_CLASS_KEYS) if perform_scr else list(train)
    )
    meaned = {key: own[:, 0] for key, own in test.items()}
    clean = scr_and_tpp.get_probe_test_accuracy(
        probes, classes, meaned, SCR.probe_test_batch_size, perform_scr
    )
    effects = scr_and_tpp.get_all_node_effects_for_one_sae(
        sae, probes, classes, perform_scr, train, SCR.sae_batch_size
    )
    after = scr_and_tpp.perform_feature_ablations(
        probes,
        sae,
        SCR.sae_batch_size,
        test,
        effects,
        ATOMS,
        classes,
        SCR.probe_test_batch_size,
        perform_scr,
    )
    chosen, *_ = taken = [
        scr_and_tpp.select_top_n_features(effects[classes[0]], n, classes[0]) for n in ATOMS
    ]
    kept = scr_and_tpp.ablated_precomputed_activations(
        test[classes[0]], sae, chosen, SCR.sae_batch_size
    )
    return {
        "clean": clean,
        "after": after,
        "class": classes[0],
        "probes": {
            name: [*each.net.weight[0].tolist(), each.net.bias.item()]
            for name, each in probes.items()
        },
        "effects": {name: each.tolist() for name, each in effects.items()},
        "of_taken": {
            n: effects[classes[0]][each].tolist()
            for n, each in zip(ATOMS, taken, strict=True)
        },
        "ablated": torch.nonzero(chosen)[:, 0].tolist(),
        "rows_after": kept.tolist(),
    }


def tpp(sae: ReluSAE, case: Tensors) -> dict[str, dict]:
    """Return targeted probe perturbation of each concept."""
    found = {}
    for name in [*named(case, "several"), named(case, "binary")[0]]:
        own = perturbed(sae, case, name, perform_scr=False)
        overall, by_class = scr_and_tpp.create_tpp_plotting_dict(own["after"], own["clean"])
        found[name] = {**own, "overall": overall, "by_class": by_class}
    return found


def scr(sae: ReluSAE, case: Tensors) -> dict[str, dict]:
    """Return spurious correlation removal of the one pair."""
    own = perturbed(sae, case, "pair", perform_scr=True)
    scores = scr_and_tpp.get_scr_plotting_dict(own["after"], own["clean"])
    return {"scores": scores, "probes": own["probes"]}


def absorption(sae: ReluSAE, case: Tensors) -> dict[str, dict]:
    """Return absorbed shares of rows with a concept, of a probe and main atoms that are given.

    ``likewise``: rows without what rows without the concept have in common, and our least cosine.
    """
    found = {}
    for name in named(case, "absorbed"):
        words = [f"w{row}" for row in case[f"{name}/rows"].tolist()]
        without = case[f"{name}/without"]
        moved = sae_of(case)
        moved.b_dec.copy_(sae.b_dec - without)
        for how, coder, rows, cosine in (
            ("as it is", sae, case["rows"], 0.025),
            ("likewise", moved, case["rows"] - without, 0.1),
        ):
            asked = FeatureAbsorptionCalculator(
                model=Rows(rows),
                icl_word_list=["a"],
                max_icl_examples=0,
                word_token_pos=-1,
                full_absorption_probe_cos_sim_threshold=cosine,
            )
            results = asked.calculate_absorption(
                coder,
                words,
                case[f"{name}/probe"],
                case[f"{name}/main"].tolist(),
                layer=0,
                show_progress=False,
            ).word_results
            found.setdefault(name, {})[how] = {
                "full": sum(each.is_full_absorption for each in results) / len(results),
                "fraction": float(sum(each.absorption_fraction for each in results))
                / len(results),
            }
    return found


def splits(sae: ReluSAE, case: Tensors) -> dict[str, dict]:
    """Return over how many atoms each concept is split; its letters are here yes and no."""
    k_sparse_probing.LETTERS = ["no", "yes"]
    found = {}
    for name in named(case, "binary"):
        sides = []
        for side in ("train", "test"):
            own = groups(case, name, side)
            rows = torch.cat([case["rows"][own[key]] for key in ("no", "yes")])
            labels = [
                (key, place) for place, key in enumerate(("no", "yes")) for _ in own[key]
            ]
            sides.append((rows, labels))
        (rows, labels), (test_rows, test_labels) = sides
        truth = torch.nn.functional.one_hot(torch.tensor([place for _, place in labels]))
        with torch.enable_grad():
            probe = train_multi_probe(
                rows, truth, num_epochs=50, lr=1e-2, weight_decay=1e-4, show_progress=False
            )
            probes = k_sparse_probing.train_k_sparse_probes(
                sae, labels, rows, ks=range(1, SPLITS.max_k_value + 1)
            )
        table = k_sparse_probing.build_metrics_df(
            k_sparse_probing.eval_probe_and_sae_k_sparse_raw_scores(
                sae, probe, probes, test_labels, test_rows
            ),
            k_sparse_probing.sae_k_sparse_metadata(sae, probe, probes, "none", 0),
            max_k_value=SPLITS.max_k_value,
        )
        k_sparse_probing.add_feature_splits_to_metrics_df(table, SPLITS.max_k_value)
        row = table[table["letter"] == "yes"].iloc[0]
        f1s = [float(row[f"f1_sparse_sae_{k + 1}"]) for k in range(SPLITS.max_k_value)]
        found[name] = {"f1s": f1s, "atoms": len(row["split_feats"])}
    return found


def main() -> None:
    """Answer all questions that the case has tensors for."""
    case, out = load_file(sys.argv[1]), Path(sys.argv[2])
    sae = sae_of(case)
    found = {}
    for question in (core, probing, tpp, scr, absorption, splits):
        random.seed(SEED)
        torch.manual_seed(SEED)
        found[question.__name__] = question(sae, case)
    for start in ("plain ", "opened "):
        if f"{start}site" in case:
            found[f"{start}loss"] = loss(case, start)
    out.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
