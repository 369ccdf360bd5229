"""Names that commands take, each with a phrase on what it is."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from tacit.base.errors import UserError, look_up

Row = tuple[str, str]


def _first_line(thing: object) -> str:
    """Return the first sentence of a docstring, up to its colon or full stop."""
    return (inspect.getdoc(thing) or "").partition("\n")[0].rstrip(".")


def _methods(_: str | None) -> list[Row]:
    from tacit.dictionaries import METHODS

    return [(name, _first_line(method)) for name, method in sorted(METHODS.items())]


def _supervised(_: str | None) -> list[Row]:
    from tacit.dictionaries import SUPERVISED

    return [(name, _first_line(method)) for name, method in sorted(SUPERVISED.items())]


def _metrics(_: str | None) -> list[Row]:
    from tacit.metrics.catalogue import METRICS

    return [
        (name, f"{row.formula}; {row.range_in_words()}; better: {row.direction}")
        for name, row in sorted(METRICS.items())
    ]


def _subjects(_: str | None) -> list[Row]:
    from tacit.models.shipped import SHIPPED
    from tacit.training.recipes import RECIPES

    return [
        (
            name,
            f"width {RECIPES[name].width}, {RECIPES[name].num_layers} layers, "
            f"trained on {RECIPES[name].source}",
        )
        for name in sorted(SHIPPED)
    ]


def _sources(_: str | None) -> list[Row]:
    from tacit.data.text import FORMS, SOURCES

    named = [(name, _first_line(source)) for name, source in sorted(SOURCES.items())]
    return [*named, *FORMS.items()]


def _labellers(_: str | None) -> list[Row]:
    from tacit.data.labels import LABELLERS

    return [(name, _first_line(labeller)) for name, labeller in sorted(LABELLERS.items())]


def _formats(_: str | None) -> list[Row]:
    from tacit.dictionaries.foreign import FORMATS, Format

    def about(form: Format) -> str:
        ways = "read and written" if form.write else "read"
        return f"{_first_line(inspect.getmodule(form.read))}; {ways}"

    return [(name, about(form)) for name, form in FORMATS.items()]


def _sites(model: str | None) -> list[Row]:
    from tacit.models.load import load_subject

    if model is None:
        raise UserError("sites belong to a model: `tacit list sites MODEL`, e.g. pycode.")
    subject = load_subject(model)

    def about(site: str) -> str:
        try:
            return f"{subject.width(site)} wide"
        except UserError:  # a module path that no plain pass goes through
            return "width known once it has run"

    return [(site, about(site)) for site in subject.sites()]


def _explainers(_: str | None) -> list[Row]:
    from tacit.verbs.who_explains import EXPLAINERS

    named = [(name, about) for name, (about, _) in EXPLAINERS.items()]
    return [*named, ("PROVIDER/MODEL", "a chat model by Inspect's name for it")]


def _readers(_: str | None) -> list[Row]:
    from tacit.verbs.who_explains import READERS, SUBJECT

    named = [(name, about) for name, (about, _) in READERS.items()]
    return [
        *named,
        ("PROVIDER/MODEL", "a chat model; with chat.read=probabilities a server's"),
        (f"{SUBJECT}/MODEL", "a causal model in this process, by its probabilities"),
    ]


def _scorers(_: str | None) -> list[Row]:
    from tacit.verbs.who_scores import WAYS

    return [(name, about) for name, (about, _) in WAYS.items()]


def _prompts(_: str | None) -> list[Row]:
    from tacit.explanations.prompts import PROMPTS

    return [(name, _first_line(prompts)) for name, prompts in PROMPTS.items()]


def _measures(_: str | None) -> list[Row]:
    from tacit.evaluations.suite import MEASURES

    return [(name, _first_line(kind)) for name, kind in MEASURES.items()]


def _instruments(_: str | None) -> list[Row]:
    from tacit.calibrations.instruments import INSTRUMENTS

    return [(name, f"{each.kind}: {each.about}") for name, each in INSTRUMENTS.items()]


LISTS: dict[str, Callable[[str | None], list[Row]]] = {
    "sites": _sites,
    "methods": _methods,
    "supervised": _supervised,
    "metrics": _metrics,
    "subjects": _subjects,
    "sources": _sources,
    "labellers": _labellers,
    "formats": _formats,
    "explainers": _explainers,
    "readers": _readers,
    "scorers": _scorers,
    "prompts": _prompts,
    "measures": _measures,
    "instruments": _instruments,
}


def listed(what: str, model: str | None = None) -> list[Row]:
    """Return the names of one kind, each with what it is."""
    return look_up(LISTS, what, "list")(model)
