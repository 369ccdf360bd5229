"""The page of every layer: what a reconstruction costs there, and what dictionaries share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tacit.base.pages import Plot, Table
from tacit.studies.interpretable_directions.everywhere import Shared
from tacit.studies.interpretable_directions.figures import perplexity
from tacit.studies.interpretable_directions.substituting import Substituted

Rows = list[dict[str, Any]]
Key = tuple[Any, ...]


def layer_pages(
    everywhere: Sequence[Substituted], shared: Sequence[Shared]
) -> tuple[Mapping[str, Rows], tuple[Plot | Table, ...]]:
    """Return the tables that are drawn, by name, and the blocks that draw them."""
    rows = _layer_rows(everywhere)
    stream = [row for row in rows if row["kind"] == "resid"]
    tables = {"layers": rows, "stream": stream, "close": _shared_rows(shared)}
    return tables, (*_layer_blocks(), _common())


def _layer_rows(everywhere: Sequence[Substituted]) -> Rows:
    """Return means over seeds of each subject, site and basis."""
    rows: Rows = []
    for subject, site, basis in _keys(everywhere, "subject", "site", "basis"):
        own = [
            e for e in everywhere if (e.subject, e.site, e.basis) == (subject, site, basis)
        ]
        kind, _, number = site.partition(".")
        rows.append(
            {
                "subject": subject,
                "site": site,
                "layer": int(number),
                "basis": basis,
                "kind": kind,
                "series": f"{subject}, {basis}",
                "seeds": len(own),
                "atoms": own[0].atoms,
                **{
                    key: sum(getattr(each, key) for each in own) / len(own)
                    for key in ("l0", "fvu", "live")
                },
                "perplexity": sum(map(perplexity, own)) / len(own),
                "added": sum(each.loss - each.clean for each in own) / len(own),
            }
        )
    return rows


def _shared_rows(shared: Sequence[Shared]) -> Rows:
    """Return means over seeds of each subject, site and other dictionary."""
    rows: Rows = []
    for subject, site, other in _keys(shared, "subject", "site", "other"):
        own = [e for e in shared if (e.subject, e.site, e.other) == (subject, site, other)]
        rows.append(
            {
                "subject": subject,
                "site": site,
                "other": other,
                "penalty": own[0].penalty,
                "other_penalty": own[0].other_penalty,
                "share": sum(each.share for each in own) / len(own),
                "seeds": len(own),
            }
        )
    return rows


def _layer_blocks() -> tuple[Plot | Table, ...]:
    """Return the cost at every layer, and live atoms."""
    plot = Plot(
        table="artifacts/stream.parquet",
        kind="line",
        x="layer",
        y="added",
        group="series",
        x_label="layer",
        y_label="nats a token more",
        title="Loss with the reconstruction of one layer in place",
        caption="Mean over seeds, one layer at a time; the residual stream.",
    )
    table = Table(
        table="artifacts/layers.parquet",
        columns=(
            ("subject", "subject"),
            ("site", "site"),
            ("basis", "basis"),
            ("atoms", "atoms"),
            ("l0", "L0"),
            ("fvu", "FVU"),
            ("live", "live"),
            ("perplexity", "perplexity over the subject's"),
        ),
        title="Every layer and every MLP's output",
        caption="Each subject on a text of its own. Live: fires more than ten times in the rows "
        "looked at.",
    )
    return plot, table


def _common() -> Table:
    """Return what dictionaries share."""
    return Table(
        table="artifacts/close.parquet",
        columns=(
            ("subject", "subject"),
            ("site", "site"),
            ("other", "beside"),
            ("penalty", "penalty"),
            ("other_penalty", "the other's"),
            ("share", "share above .9"),
        ),
        title="Atoms that another dictionary has too",
        caption="ReLU with L1: the share of atoms with a cosine above .9 with an atom of the next "
        "penalty's dictionary (which began from the same directions), of another seed's, and of "
        "as many random directions.",
    )


def _keys(rows: Sequence[Any], *names: str) -> list[Key]:
    return list(dict.fromkeys(tuple(getattr(row, name) for name in names) for row in rows))
