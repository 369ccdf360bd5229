"""The parts of ``make hub-check``, offline: a small model, local text, a figure known otherwise."""

import json
import math
import socket

import pytest
import torch
from benchmarks.hub_check import is_near, main, perplexity, told

from tacit.base.errors import UserError
from tacit.models import load_subject

FAST = {"fit.k": 4, "fit.steps": 20, "fit.batch": 64, "frontier": None, "shown_features": 2}


@pytest.fixture(scope="module")
def texts(programs):
    return ["too short"] + [path.read_text() for path in sorted(programs.glob("*.py"))]


def measured(subject, texts, **sizes):
    return perplexity(subject, texts, **{"num_documents": 25, "num_tokens": 20, **sizes})


def test_a_model_that_knows_nothing_has_the_perplexity_of_its_vocabulary(tiny, texts):
    subject = load_subject(tiny)
    with torch.no_grad():
        subject.model.lm_head.weight.zero_()
    found = measured(subject, texts)
    assert found.value == pytest.approx(400, rel=1e-5)
    assert found.interval == pytest.approx((400, 400), rel=1e-5)
    assert (found.num_documents, found.num_passed_over) == (25, 1)


def test_the_perplexity_is_that_of_the_models_own_loss(tiny_subject, texts):
    losses = []
    for text in texts[1:26]:
        ids = torch.tensor([tiny_subject.tokenizer(text)["input_ids"][:20]])
        with torch.no_grad():
            losses.append(float(tiny_subject.model(input_ids=ids, labels=ids).loss))
    found = measured(tiny_subject, texts)
    assert found.value == pytest.approx(math.exp(sum(losses) / len(losses)), rel=1e-4)
    assert found.interval[0] < found.value < found.interval[1]


def test_too_little_text_is_told(tiny_subject, texts):
    with pytest.raises(
        UserError, match="40 documents of 20 tokens .* 30 of 31 are as long"
    ):
        measured(tiny_subject, texts, num_documents=40)


def test_measured_stands_beside_published_with_the_rule(tiny_subject, texts):
    found = measured(tiny_subject, texts)
    edge = found.value * math.exp(0.15)
    assert is_near(found, edge * 0.999) and not is_near(found, edge * 1.001)
    words = told(found, edge * 1.001)
    assert "NOT reproduced" in words and "n = 25 documents (1 shorter" in words
    assert "reproduced: " in told(found, found.value) and "(95 %: " in words


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("hub") / "check"


@pytest.mark.parametrize(("factor", "code"), [(1.0, 0), (2.0, 1)])
def test_the_whole_check_ends_as_the_figure_says(
    tiny, tiny_subject, texts, out, capsys, factor, code
):
    table = out.with_name("texts.jsonl")
    table.write_text("\n".join(json.dumps({"text": text}) for text in texts))
    published = factor * measured(tiny_subject, texts).value
    ended = main(
        ["--out", str(out)],
        model=str(tiny),
        text=str(table),
        published=published,
        sizes=(25, 20),
        site="resid.0",
        learned=FAST,
    )
    assert ended == code
    said = capsys.readouterr().out
    assert said.startswith("perplexity: measured ") and "variance unexplained" in said
    assert (out / "report.html").exists()


def test_without_a_network_it_is_one_error(monkeypatch, tmp_path, capsys):
    def refused(*_arguments, **_options):
        raise socket.gaierror("no network in tests")

    monkeypatch.setattr(socket, "getaddrinfo", refused)
    assert main(["--out", str(tmp_path / "out")], model="nobody/nothing") == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("hub-check: 'nobody/nothing'")
    assert said.err.count("\n") == 1 and list(tmp_path.iterdir()) == []
