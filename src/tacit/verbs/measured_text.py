"""What ``tacit measure`` is of: a model, a dictionary of it, and the text that it is scored on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tacit.activations.harvest import harvest
from tacit.activations.store import Store, open_store, store_identity
from tacit.base.errors import UserError
from tacit.base.progress import Progress
from tacit.data.documents import Corpus
from tacit.data.text import load_text
from tacit.dictionaries.dictionary import Dictionary
from tacit.dictionaries.foreign import open_dictionary
from tacit.evaluations.evidence import Live
from tacit.evaluations.gathering import chosen_rows, planned
from tacit.models.load import load_subject
from tacit.models.shipped import SHIPPED
from tacit.models.subject import Subject
from tacit.training.recipes import RECIPES
from tacit.verbs.fidelity import check_fits
from tacit.verbs.settings import MeasureSettings, TextSettings

USUAL_TEXT = "python-stdlib"
USUAL_TOKENS = 200_000


@dataclass(frozen=True, kw_only=True)
class Given:
    """What is asked about, loaded and checked."""

    subject: Subject
    dictionary: Dictionary
    store: Store | None
    """The store that was given; None where the text is to be harvested."""
    corpus: Corpus | None
    """The text that is to be harvested; None where a store was given."""
    text: TextSettings
    store_identity: str
    """Of the store, or of the text that makes it."""


def given_of(settings: MeasureSettings) -> Given:
    """Return model, dictionary and text, or say why they do not belong together."""
    dictionary = open_dictionary(settings.dictionary, site=settings.site)
    subject = load_subject(settings.model, load=settings.load)
    _check_is_of(dictionary, subject, settings)
    if settings.store is not None:
        if settings.text is not None:
            raise UserError(
                f"both a store, {settings.store}, and a text, {settings.text.source}, were given; "
                "give one of them."
            )
        store = open_store(settings.store, verify=True)
        check_fits(dictionary, store)
        found = store.manifest["configuration"]["subject_digest"]
        if found != subject.digest:
            raise UserError(
                f"{subject.name} is not the subject that {store.folder} was harvested from: its "
                "weights differ. Load that subject, or harvest this one."
            )
        identity = store_identity(store)
        return Given(
            subject=subject,
            dictionary=dictionary,
            store=store,
            corpus=None,
            text=TextSettings(),
            store_identity=identity,
        )
    text = _text_of(settings, dictionary)
    corpus = load_text(text.source)
    return Given(
        subject=subject,
        dictionary=dictionary,
        store=None,
        corpus=corpus,
        text=text,
        store_identity=f"text {corpus.digest()}",
    )


def _check_is_of(
    dictionary: Dictionary, subject: Subject, settings: MeasureSettings
) -> None:
    contract = dictionary.contract
    digest = contract.subject_digest
    if digest is not None and digest != subject.digest:
        raise UserError(
            f"{subject.name} is not the subject that the dictionary {settings.dictionary} was "
            f"fitted to, which is called {contract.subject}: its weights differ. Give that model."
        )
    if contract.site is None:
        raise UserError(
            f"the {dictionary.method} dictionary does not tell which site it reads; give it with "
            f"--site. {subject.name} has {', '.join(subject.sites())}."
        )
    width = subject.width(contract.site)
    if width != dictionary.width:
        raise UserError(
            f"the dictionary reads vectors of width {dictionary.width}, and {contract.site} of "
            f"{subject.name} is {width} wide; give the model and site that it is of."
        )


def _text_of(settings: MeasureSettings, dictionary: Dictionary) -> TextSettings:
    """Return how the text is read: as asked, and else as the dictionary's contract says."""
    shipped = settings.model in SHIPPED
    usual = RECIPES[settings.model].source if shipped else USUAL_TEXT
    text = settings.text or TextSettings(source=usual, max_tokens=USUAL_TOKENS)
    contract, own = dictionary.contract, {}
    if text.context_tokens is None and contract.context_tokens is not None:
        own["context_tokens"] = contract.context_tokens
    if text.prepend_bos is None and contract.prepend_bos is not None:
        own["prepend_bos"] = contract.prepend_bos
    if contract.subject_digest is not None:
        own["high_norm_factor"] = contract.high_norm_factor
    return text.model_copy(update=own)


def store_of(given: Given, partial: Path, progress: Progress) -> Store:
    """Return the store that was given, or the text's, harvested into the run."""
    if given.store is not None:
        return given.store
    folder = partial / "store"
    if folder.exists():
        return open_store(folder)
    contract = given.dictionary.contract
    sites = [site for site in (contract.site, contract.target) if site is not None]
    assert given.corpus is not None, "where there is no store there is text"
    return harvest(
        given.subject,
        given.corpus,
        sites,
        folder,
        settings=given.text.harvest(),
        progress=progress,
    )


def foretold(settings: MeasureSettings) -> str:
    """Return what a run's cache will hold, in words, before anything is made."""
    given = given_of(settings)
    own, site = given.dictionary, given.dictionary.contract.site
    assert site is not None, "given_of refuses a dictionary without a site"
    if given.store is None:
        tokens = given.text.max_tokens
        most = "all of it" if tokens is None else f"at most {tokens:,} tokens"
        return (
            f"the text {given.text.source} ({most}) is harvested at {site} first, "
            f"{2 * own.width:,} bytes a token; its codes take about 8 bytes an active atom."
        )
    live = Live(subject=given.subject, store=given.store, site=site, folder=Path())
    rows = chosen_rows(live, own, settings.max_rows, settings.seed)
    return planned(live, own, rows).in_words()
