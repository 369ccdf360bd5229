"""A recipe becomes a folder that loads as a subject and tells everything about its making."""

import json
import math
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from tacit.activations.contexts import cut
from tacit.base.errors import UserError
from tacit.data.text import load_text
from tacit.models import load_subject
from tacit.training.card import card_text
from tacit.training.pretrain import PretrainSettings
from tacit.training.recipes import PYCODE, RECIPES, shortened
from tacit.training.tokenizer import END_OF_TEXT_ID, train_tokenizer
from tacit.training.train_subject import build, train_subject


@pytest.fixture(scope="module")
def recipe(programs):
    return replace(
        PYCODE,
        name="small",
        source=str(programs),
        vocabulary=320,
        width=16,
        num_layers=1,
        num_heads=2,
        context_tokens=24,
        schedule=PretrainSettings(
            num_steps=60, batch_contexts=8, learning_rate=1e-2, warm_up_steps=5
        ),
    )


@pytest.fixture(scope="module")
def trained(recipe, tmp_path_factory):
    """The folder of a subject trained for a few steps, and what was said of it."""
    folder = tmp_path_factory.mktemp("subjects") / "small"
    return folder, train_subject(recipe, folder)


def test_shipped_recipes_build_models_of_the_size_they_say():
    for name, recipe in RECIPES.items():
        model = build(recipe)
        sizes = {"python-stdlib": (5e4, 2e5), "stories": (3e5, 4e5)}
        least, most = (1e6, 2e6) if name == "pycode" else sizes[recipe.source]
        assert least < sum(p.numel() for p in model.parameters()) < most
        assert model.config.max_position_embeddings == recipe.context_tokens


def test_weights_are_the_seeds_and_leave_other_draws_alone(recipe):
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    first = build(recipe).state_dict()
    assert torch.rand(2).equal(expected)
    again, other = build(recipe).state_dict(), build(replace(recipe, seed=1)).state_dict()
    assert all(value.equal(again[name]) for name, value in first.items())
    assert not all(value.equal(other[name]) for name, value in first.items())


def test_the_folder_loads_as_a_subject_with_its_own_tokenizer(trained, recipe, programs):
    subject = load_subject(trained[0])
    assert subject.is_causal
    assert subject.context_tokens == recipe.context_tokens
    assert subject.vocab_size == recipe.vocabulary
    assert subject.bos_id == END_OF_TEXT_ID
    assert subject.width("resid.0") == recipe.width
    text = next(iter(load_text(programs).documents)).text
    read = subject.tokenize(text)
    assert subject.tokenizer.decode(read.ids) == text
    assert "".join(text[a:b] for a, b in read.offsets) == text


def test_weights_may_be_read_by_whoever_may_read_the_rest(trained):
    assert len({path.stat().st_mode for path in trained[0].iterdir()}) == 1


def held_out_windows(subject, recipe):
    corpus = load_text(recipe.source).split("held-out")
    windows = cut(
        lambda text: (subject.tokenize(text).ids, subject.tokenize(text).offsets),
        corpus,
        context_tokens=recipe.context_tokens,
        bos_id=END_OF_TEXT_ID,
    )
    return corpus, windows


def test_the_held_out_loss_is_that_of_the_shipped_weights(trained, recipe):
    """Loaded again and scored by transformers' own loss, a window at a time."""
    folder, found = trained
    subject = load_subject(folder)
    corpus, windows = held_out_windows(subject, recipe)
    total, num_tokens = 0.0, 0
    for row in windows.ids:
        ids = torch.from_numpy(row[row >= 0])[None]
        with torch.no_grad():
            loss = subject.model.float()(input_ids=ids, labels=ids).loss
        total += float(loss) * (ids.numel() - 1)
        num_tokens += ids.numel() - 1
    num_bytes = sum(len(document.text.encode()) for document in corpus.documents)
    assert found.num_tokens == num_tokens
    assert found.num_documents == len(corpus.documents) > 1
    # Scored before rounding to half precision it would differ by about one part in 1e5.
    assert found.nats_per_token == pytest.approx(total / num_tokens, rel=1e-6)
    assert found.nats_per_byte == pytest.approx(total / num_bytes, rel=1e-4)
    assert found.interval[0] <= found.nats_per_token <= found.interval[1]
    assert found.nats_per_token < math.log(recipe.vocabulary) - 1


def test_baselines_are_over_the_same_tokens(trained, recipe):
    """The unigram by a count of each training token; the n-grams order as they must here."""
    folder, found = trained
    subject = load_subject(folder)
    train = load_text(recipe.source).split("train")
    ids = [token for each in train.documents for token in subject.tokenize(each.text).ids]
    counts = np.bincount(ids, minlength=recipe.vocabulary) + 1
    _, windows = held_out_windows(subject, recipe)
    scored = windows.ids[:, 1:][windows.ids[:, 1:] >= 0]
    expected = -np.log(counts[scored] / counts.sum()).mean()
    assert found.unigram_nats_per_token == pytest.approx(expected)
    assert found.trigram_nats_per_token < found.unigram_nats_per_token
    ratio = found.nats_per_byte / found.nats_per_token
    assert found.unigram_nats_per_byte == pytest.approx(expected * ratio)
    assert found.trigram_nats_per_byte == pytest.approx(
        found.trigram_nats_per_token * ratio
    )
    assert 0 < found.gzip_nats_per_byte < math.log(256)


def test_facts_and_card_tell_how_it_was_made(trained, recipe):
    folder, found = trained
    facts = json.loads((folder / "training.json").read_text())
    corpus = load_text(recipe.source)
    assert facts["recipe"] == asdict(recipe)
    assert facts["data_digest"] == corpus.digest()
    assert facts["data_documents"] == len(corpus.documents)
    assert facts["held_out"] == json.loads(json.dumps(asdict(found)))
    assert facts["parameters"] == sum(p.numel() for p in build(recipe).parameters())
    assert facts["tokens_seen_at_most"] == 60 * 8 * 24
    assert len(facts["loss_curve_every_50"]) == 2
    assert facts["loss_curve_every_50"][1] < facts["loss_curve_every_50"][0]
    card = (folder / "README.md").read_text()
    assert card == card_text(facts)
    for told in (
        f"{facts['parameters']:,} parameters",
        f"the text `{recipe.source}`",
        facts["data_digest"],
        "60 steps of 8 contexts",
        "seed 0",
        f"{facts['train_tokens']:,} training tokens",
        f"{found.nats_per_token:.3f} ({found.interval[0]:.3f} to {found.interval[1]:.3f})",
        f"{found.trigram_nats_per_token:.3f}",
        f"{found.unigram_nats_per_byte:.3f}",
        f"{found.gzip_nats_per_byte:.3f}",
        torch.__version__,
    ):
        assert told in card, told
    assert "standard library" not in card
    named = card_text(facts | {"recipe": asdict(replace(recipe, source="python-stdlib"))})
    assert named.count("standard library") == 2


def test_the_same_recipe_ends_in_the_same_bytes_even_when_stopped(
    trained, recipe, tmp_path
):
    def stop(step, _loss):
        if step == 30:
            raise KeyboardInterrupt

    often = replace(recipe, schedule=replace(recipe.schedule, checkpoint_seconds=0.0))
    with pytest.raises(KeyboardInterrupt):
        train_subject(often, tmp_path / "again", work=tmp_path / "work", report=stop)
    found = train_subject(recipe, tmp_path / "again", work=tmp_path / "work")
    assert found == trained[1]
    for path in trained[0].iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes(), path.name


def test_a_shortened_recipe_changes_its_steps_alone():
    short = shortened(PYCODE, 20)
    assert (short.schedule.num_steps, short.schedule.warm_up_steps) == (20, 20)
    assert replace(short, schedule=PYCODE.schedule) == PYCODE
    assert shortened(PYCODE, 500).schedule.warm_up_steps == PYCODE.schedule.warm_up_steps


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(UserError, match="5 heads over a width of 128"):
        replace(PYCODE, num_heads=5)


def test_a_tokenizer_gives_text_back_and_opens_with_one_special_token(programs):
    corpus = load_text(programs)
    tokenizer = train_tokenizer(corpus, vocabulary=300)
    assert len(tokenizer) == 300
    assert tokenizer.convert_ids_to_tokens(END_OF_TEXT_ID) == tokenizer.bos_token
    odd = "caf\u00e9 \U0001f600\ttab\r\n\x00 end"
    assert tokenizer.decode(tokenizer(odd)["input_ids"]) == odd
    assert train_tokenizer(corpus, vocabulary=257).vocab_size == 257
    with pytest.raises(UserError, match="257 or more"):
        train_tokenizer(corpus, vocabulary=256)
