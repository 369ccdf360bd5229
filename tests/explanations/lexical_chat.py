"""A scripted chat model that explains and reads by patterns, for runs over the tiny subject."""

from tacit.explanations.lexical import LexicalExplainer, LexicalReader
from tacit.explanations.scripted import Script, scripted_chat
from tacit.features.index import open_index

NAME = "scripted/lexical"


class LexicalChat:
    """Makes the model ``scripted/lexical``; counts what it was asked over all that it made."""

    def __init__(self, run, subject, **settings):
        vocabulary = open_index(run / "index").vocabulary
        self.script = Script(
            LexicalExplainer(),
            LexicalReader(),
            tokens_of=lambda text: [
                vocabulary[each] for each in subject.tokenize(text).ids
            ],
            **settings,
        )

    @property
    def num_asked(self):
        return self.script.asked.total()

    def __call__(self, *, name, base_url, **settings):
        assert (name, base_url) == (NAME, None)
        return scripted_chat(self.script, **settings)
