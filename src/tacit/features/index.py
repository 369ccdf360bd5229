"""Questions to a feature index: contexts, bands, documents, densities. No model is needed.

Axes: t tokens of one context.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tacit.activations.store import LABEL, TOKENS
from tacit.activations.tokens import VOCABULARY
from tacit.base.errors import UserError, unknown
from tacit.base.folders import read_manifest
from tacit.base.seeds import stream
from tacit.features.files import parquet

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

KIND = "index"
BY_ROW = "by_row.parquet"
BY_FEATURE = "by_feature.parquet"
FEATURES = "features.parquet"
BAND_EDGES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Bands of activation, as shares of the feature's largest value."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """One firing of a feature with its neighbourhood."""

    feature: int
    kind: str
    """``top``, or the band as ``0.25-0.5`` of the largest value."""
    rank: int
    """Place among the contexts of its kind, the largest activation first (0-based)."""
    value: float
    """Activation of the feature at the firing, with its sign."""
    document: str
    line: int
    """Line of the document on which the token starts (1-based)."""
    row: int
    """Row of the token table."""
    tokens: tuple[str, ...]
    """Text of the tokens around the firing, all of one window."""
    values: tuple[float, ...]
    """The feature's activation on each token, 0 where it is silent."""
    peak: int
    """Place of the firing in ``tokens``."""


@dataclass(frozen=True)
class Index:
    """A finished index, opened for questions."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def num_atoms(self) -> int:
        """Features of the dictionary, silent ones included."""
        return int(self.manifest["num_atoms"])

    @property
    def num_rows(self) -> int:
        """Rows that were encoded."""
        return int(self.manifest["num_rows"])

    @cached_property
    def tokens(self) -> pa.Table:
        """The token table of the store that was indexed."""
        import pyarrow.parquet as pq

        return pq.read_table(self.folder / TOKENS)

    @cached_property
    def features(self) -> pa.Table:
        """A row a feature: count, density, max_value, mean_value, histogram."""
        import pyarrow.parquet as pq

        return pq.read_table(self.folder / FEATURES)

    @cached_property
    def vocabulary(self) -> tuple[str, ...]:
        """The text of every token id."""
        return tuple(json.loads((self.folder / VOCABULARY).read_text()))

    @cached_property
    def _columns(self) -> dict[str, np.ndarray]:
        names = ("token", "context", "document", "line")
        return {name: self.tokens.column(name).to_numpy() for name in names}

    def label(self, name: str) -> np.ndarray:
        """Return the truth of one label for every row of the token table."""
        if name not in self.manifest["labels"]:
            raise unknown("label", name, self.manifest["labels"])
        return self.tokens.column(LABEL + name).to_numpy()

    def query(self, sql: str, *values: Any) -> dict[str, np.ndarray]:
        """Return the answer of DuckDB; ``by_feature`` and ``by_row`` are the two orders."""
        # A cursor for each question: a connection answers one thread at a time.
        with self._database.cursor() as asked:
            found = asked.execute(sql, list(values)).fetchnumpy()
            return {name: np.asarray(column) for name, column in found.items()}

    @cached_property
    def _database(self) -> duckdb.DuckDBPyConnection:
        """Views of the two files; what stands in their footers is read once."""
        import duckdb

        database = duckdb.connect()
        database.execute("SET enable_object_cache = true")
        for name, file in (("by_feature", BY_FEATURE), ("by_row", BY_ROW)):
            database.execute(
                f"CREATE VIEW {name} AS SELECT * FROM {parquet(self.folder / file)}"
            )
        return database

    @cached_property
    def _asked(self) -> dict[int, dict[str, np.ndarray]]:
        return {}

    def firings(self, feature: int) -> dict[str, np.ndarray]:
        """Return value and row of every firing of a feature, the largest first."""
        self._check(feature)
        if feature not in self._asked:
            self._asked.clear()  # a card asks of one feature twice, and never again
            self._asked[feature] = self.query(
                "SELECT value, row FROM by_feature WHERE feature = ? "
                "ORDER BY abs(value) DESC, row",
                feature,
            )
        return self._asked[feature]

    def features_of(self, document: str) -> dict[str, np.ndarray]:
        """Return feature, count and max_value of every feature active in a document."""
        if document not in self.manifest["documents"]:
            raise unknown("document", document, self.manifest["documents"])
        return self.query(
            "SELECT feature, count(*) AS count, max(abs(value)) AS max_value FROM by_row "
            "WHERE document = ? GROUP BY feature ORDER BY max_value DESC, feature",
            self.manifest["documents"].index(document),
        )

    def top(self, feature: int, *, num: int = 12, around: int = 12) -> list[Context]:
        """Return the contexts of the largest activations, one a window of text."""
        fired = self.firings(feature)
        context = self._columns["context"][fired["row"]]
        _, first = np.unique(context, return_index=True)
        chosen = np.sort(first)[:num]
        return self._shown(feature, "top", fired, chosen, around)

    def bands(
        self, feature: int, *, num: int = 3, around: int = 12, seed: int = 0
    ) -> list[Context]:
        """Return ``num`` contexts drawn at random from each band of activation, lowest first."""
        fired = self.firings(feature)
        if not len(fired["row"]):
            return []
        size = np.abs(fired["value"].astype(np.float64))
        share = size / size[0]
        shown: list[Context] = []
        for low, high in zip(BAND_EDGES, BAND_EDGES[1:], strict=False):
            inside = np.flatnonzero((share > low) & (share <= high))
            rng = stream(seed, f"features/bands/{feature}/{low}")
            drawn = rng.choice(inside, size=min(num, len(inside)), replace=False)
            shown += self._shown(
                feature, f"{low:g}-{high:g}", fired, np.sort(drawn), around
            )
        return shown

    def _shown(
        self,
        feature: int,
        kind: str,
        fired: dict[str, np.ndarray],
        chosen: np.ndarray,
        around: int,
    ) -> list[Context]:
        """Return the chosen firings with ``around`` tokens on each side, within their window."""
        order = np.argsort(fired["row"])
        rows, values = fired["row"][order], fired["value"][order]
        columns, documents = self._columns, self.manifest["documents"]
        shown = []
        for rank, place in enumerate(chosen):
            row = int(fired["row"][place])
            near = np.arange(
                max(0, row - around), min(len(columns["token"]), row + around + 1)
            )
            near = near[columns["context"][near] == columns["context"][row]]
            at = np.minimum(np.searchsorted(rows, near), len(rows) - 1)
            here = np.where(rows[at] == near, values[at], 0.0)
            shown.append(
                Context(
                    feature=feature,
                    kind=kind,
                    rank=rank,
                    value=float(fired["value"][place]),
                    document=documents[columns["document"][row]],
                    line=int(columns["line"][row]),
                    row=row,
                    tokens=tuple(
                        self.vocabulary[token] for token in columns["token"][near]
                    ),
                    values=tuple(here.tolist()),
                    peak=int(np.flatnonzero(near == row)[0]),
                )
            )
        return shown

    def _check(self, feature: int) -> None:
        if not 0 <= feature < self.num_atoms:
            raise UserError(
                f"feature {feature} was asked for; {self.folder} has features 0 to "
                f"{self.num_atoms - 1}."
            )


def open_index(folder: str | Path) -> Index:
    """Return the index in ``folder``."""
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"there is no index at {folder}; make one with `tacit index`.")
    manifest = read_manifest(folder)
    if manifest["kind"] != KIND or "checksums" not in manifest:
        raise UserError(
            f"{folder} is no finished index (its manifest says {manifest['kind']!r})."
        )
    for name, expected in manifest["checksums"].items():
        path = folder / name
        if not path.exists():
            raise UserError(f"{path} is missing from the index; run `tacit index` again.")
        if path.stat().st_size != expected["bytes"]:
            raise UserError(
                f"{path} holds {path.stat().st_size:,} bytes, expected {expected['bytes']:,}: it "
                "was cut short or changed. Run `tacit index` again."
            )
    return Index(folder, manifest)
