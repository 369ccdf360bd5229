"""Chats written by the tokenizer's own template, and whose words each token is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.activations.chats import TEMPLATE, render
from tacit.activations.harvest import HarvestSettings, harvest
from tacit.base.errors import UserError
from tacit.data.documents import Corpus, Document, Message

PLAIN = (
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}\n{% endfor %}"
)


class Tokenizer:
    """A template of the kind that tokenizers carry, rendered as transformers renders it."""

    def __init__(self, template: str | None) -> None:
        self.chat_template = template

    def apply_chat_template(self, messages, *, tokenize):
        from transformers.utils.chat_template_utils import render_jinja_template

        assert not tokenize
        rendered, _ = render_jinja_template([messages], chat_template=self.chat_template)
        return rendered[0]


def chat_of(*turns: tuple[str, str]) -> Corpus:
    messages = tuple(Message(role=role, content=content) for role, content in turns)
    return Corpus(
        name="chats", documents=(Document(name="0", text="?", messages=messages),)
    )


def spans_of(corpus: Corpus, template: str = PLAIN, opening: str | None = None):
    found = render(corpus, Tokenizer(template), opening)
    text = found.corpus.documents[0].text
    return text, [(text[first:last], role) for first, last, role in found.spans[0]]


turns = st.lists(
    st.tuples(
        st.sampled_from(["system", "user", "assistant"]),
        # Marks and words of the template itself are what could mislead a search.
        st.text(alphabet="u<|>ser\n1", min_size=1, max_size=12).filter(str.strip),
    ),
    min_size=1,
    max_size=5,
)


@given(turns)
def test_each_message_stands_where_the_template_put_it(given_turns):
    text, spans = spans_of(chat_of(*given_turns))
    assert text == "".join(f"<|{role}|>{content}\n" for role, content in given_turns)
    assert spans == [(content, role) for role, content in given_turns]


def test_a_word_of_the_template_is_not_taken_for_the_message():
    _, spans = spans_of(chat_of(("user", "user"), ("assistant", "user")))
    found = render(chat_of(("user", "user")), Tokenizer(PLAIN), None)
    assert found.spans[0] == [(8, 12, "user")]
    assert spans == [("user", "user"), ("user", "assistant")]


def test_a_template_may_trim_and_open_with_bos():
    template = (
        "<s>{% for message in messages %}[{{ message.content | trim }}]{% endfor %}done"
    )
    text, spans = spans_of(chat_of(("user", "  hello ")), template, "<s>")
    assert text == "[hello]done"
    assert spans == [("hello", "user")]


def test_roles_go_by_characters_held():
    found = render(chat_of(("user", "ab"), ("assistant", "cd")), Tokenizer(PLAIN), None)
    text = found.corpus.documents[0].text
    each = np.array([(place, place + 1) for place in range(len(text))])
    names = [found.roles[role] for role in found.roles_at(0, each)]
    said = {
        role: "".join(c for c, n in zip(text, names, strict=True) if n == role)
        for role in names
    }
    assert said == {"user": "ab", "assistant": "cd", TEMPLATE: "<|user|>\n<|assistant|>\n"}


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (None, "no chat template"),
        ("{{ raise_exception('roles must alternate') }}", "roles must alternate.*user"),
        ("{{ messages[0].content | upper }}", "message 0 .* is not as it was"),
        ("nothing", "message 0 .* is not as it was"),
        ("{{ messages[0].content }}{{ messages[0].content | length }}", "not as it was"),
    ],
)
def test_a_chat_that_cannot_be_written_is_refused(template, said):
    with pytest.raises(UserError, match=said):
        spans_of(chat_of(("user", "a longer text")), template)


def test_a_store_knows_the_role_of_every_token(tiny_subject, tmp_path, monkeypatch):
    monkeypatch.setattr(
        tiny_subject.tokenizer,
        "chat_template",
        "{{ bos_token }}" + PLAIN,
        raising=False,
    )
    chats = chat_of(("user", "def area(self):"), ("assistant", "return self.sides"))
    plain = Document(name="1", text="class Shape:\n    pass\n")
    corpus = Corpus(name="mixed", documents=(*chats.documents, plain))
    store = harvest(
        tiny_subject,
        corpus,
        ["resid.0"],
        tmp_path / "store",
        settings=HarvestSettings(context_tokens=32),
    )
    assert store.roles == (TEMPLATE, "assistant", "text", "user")
    decode = tiny_subject.tokenizer.decode
    tokens = store.column("token")
    held = {role: decode(tokens[store.in_role(role)]) for role in store.roles}
    assert "def area(self)" in held["user"]
    assert "return self.sides" in held["assistant"]
    assert held["text"] == plain.text
    assert sum(store.in_role(role).sum() for role in store.roles) == store.num_tokens
    opening = tokens[store.column("position") <= 1]
    # The BOS of the window alone: the template's own would be a second one behind it.
    assert (opening == tiny_subject.bos_id).sum() == len(np.unique(store.column("context")))
    with pytest.raises(UserError, match="role of this store .*'tool'"):
        store.in_role("tool")
