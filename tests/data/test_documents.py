import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.base.errors import UserError
from tacit.data.documents import Corpus, Document, is_held_out

names = st.text(min_size=1, max_size=8)
texts = st.text(min_size=1, max_size=20)
contents = st.dictionaries(names, texts, min_size=1, max_size=30)


def corpus_of(content: dict[str, str], **more: object) -> Corpus:
    documents = tuple(Document(name=name, text=text) for name, text in content.items())
    return Corpus(name="test", documents=documents, **more)


def names_of_part(corpus: Corpus, part: str) -> set[str]:
    try:
        return {document.name for document in corpus.split(part).documents}
    except UserError:
        return set()


@given(contents)
def test_parts_are_disjoint_and_together_the_whole(content):
    corpus = corpus_of(content)
    train, held_out = names_of_part(corpus, "train"), names_of_part(corpus, "held-out")
    assert not train & held_out
    assert train | held_out == set(content)
    assert names_of_part(corpus, "all") == set(content)


@given(contents, contents)
def test_adding_documents_moves_none_across_the_split(first, second):
    before, after = corpus_of(first), corpus_of({**second, **first})
    for part in ("train", "held-out"):
        assert names_of_part(before, part) <= names_of_part(after, part)


@given(contents)
def test_split_keeps_name_labeller_and_counts(content):
    corpus = corpus_of(content, labeller="python", skipped={"binary": 2})
    for part in ("train", "held-out"):
        if names_of_part(corpus, part):
            kept = corpus.split(part)
            assert (kept.name, kept.labeller, kept.skipped) == (
                "test",
                "python",
                {"binary": 2},
            )


def test_one_name_in_ten_is_held_out():
    share = sum(is_held_out(f"folder/file_{i}.py") for i in range(20_000)) / 20_000
    # Five standard deviations of a share over 20,000 names.
    assert share == pytest.approx(0.1, abs=5 * (0.09 / 20_000) ** 0.5)


def test_side_of_the_split_is_recorded_for_all_time():
    # Recorded: a change would mix the held-out text of stored models into their training.
    assert [name for name in "abcdefghijklmnopqrst" if is_held_out(name)] == list("acikl")


def test_documents_stand_in_the_order_of_their_names():
    corpus = corpus_of({"b": "2", "a": "1", "C": "3"})
    assert [document.name for document in corpus.documents] == ["C", "a", "b"]


@given(contents, st.data())
def test_digest_changes_with_any_character(content, data):
    name = data.draw(st.sampled_from(sorted(content)))
    at = data.draw(st.integers(0, len(content[name]) - 1))
    other = data.draw(st.characters())
    changed = content[name][:at] + other + content[name][at + 1 :]
    same = changed == content[name]
    before, after = corpus_of(content), corpus_of({**content, name: changed})
    assert (before.digest() == after.digest()) is same


def test_digest_tells_apart_where_a_name_ends_and_which_text_is_whose():
    variants = [{"a": "bc"}, {"ab": "c"}, {"a": "b", "c": "d"}, {"a": "d", "c": "b"}]
    assert len({corpus_of(content).digest() for content in variants}) == len(variants)


def test_digest_ignores_order_given_and_what_the_corpus_is_called():
    one = corpus_of({"a": "1", "b": "2"})
    other = Corpus(name="other", documents=one.documents[::-1])
    assert one.digest() == other.digest()


def test_digest_takes_lone_surrogates():
    assert corpus_of({"a": "\ud800"}).digest() != corpus_of({"a": "\ud801"}).digest()


def test_digest_tells_apart_what_documents_are_said_to_be_and_is_that_of_the_text_without():
    def digest(*classes):
        documents = tuple(
            Document(name=f"{number}", text="t", class_name=each)
            for number, each in enumerate(classes)
        )
        return Corpus(name="x", documents=documents).digest()

    found = {digest(*each) for each in (("a", "b"), ("b", "a"), ("a", None), (None, "a"))}
    assert len(found) == 4
    assert digest(None, None) == corpus_of({"0": "t", "1": "t"}).digest() not in found


def test_corpus_without_documents_is_refused_with_counts():
    with pytest.raises(UserError, match=r"no text \(left out: 2 binary, 1 empty\)"):
        Corpus(name="x", documents=(), skipped={"empty": 1, "binary": 2})


def test_two_documents_of_one_name_are_refused():
    with pytest.raises(UserError, match="called 'a'"):
        Corpus(name="x", documents=(Document(name="a", text="1"),) * 2)


def test_empty_part_is_refused_and_says_why():
    name = next(f"f{i}" for i in range(100) if not is_held_out(f"f{i}"))
    with pytest.raises(UserError, match=r"held-out part .* is empty: its 1 documents"):
        corpus_of({name: "text"}).split("held-out")


def test_unknown_part_is_refused():
    # Unwrapped: the type checker of the tests would be the first to refuse.
    split = inspect.unwrap(Corpus.split)
    with pytest.raises(UserError, match="Did you mean 'held-out'"):
        split(corpus_of({"a": "text"}), "held_out")
