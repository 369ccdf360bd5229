"""Harvested activations on disk, with the token behind every row.

A store is a folder: ``manifest.json`` (how it was made, a checksum for each file),
``tokens.parquet`` (a row a token) and ``shards/NNNNN.safetensors`` (the vectors of each site, rows
in the order of the token table). Axes: n rows, d width.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from safetensors import SafetensorError, safe_open
from torch import Tensor

from tacit.base.errors import UserError, unknown
from tacit.base.files import sha256_of
from tacit.base.folders import read_manifest

if TYPE_CHECKING:
    import pyarrow as pa

KIND = "store"
TOKENS = "tokens.parquet"
HIGH_NORM = "high_norm."
LABEL = "label."
ROLE = "role"
"""Column with the index into ``Store.roles`` of each row; there if the text has chats."""
LABELLED = "labelled"
"""Column that says whether the truth about a row's document is known; there if any label is."""


def shard_name(number: int) -> str:
    """Return the path of one shard inside its store."""
    return f"shards/{number:05d}.safetensors"


@dataclass(frozen=True)
class Store:
    """A finished store, opened for reading; its vectors are mapped, not loaded."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def sites(self) -> tuple[str, ...]:
        """The sites that were harvested."""
        return tuple(self.manifest["widths"])

    @property
    def num_tokens(self) -> int:
        """Rows of the store: every token that stood in a window, BOS included."""
        return int(self.manifest["num_tokens"])

    def width(self, site: str) -> int:
        """Return the width of a site's vectors."""
        if site not in self.manifest["widths"]:
            raise unknown("site in this store", site, self.sites)
        return int(self.manifest["widths"][site])

    @property
    def documents(self) -> tuple[str, ...]:
        """Names of the documents, in the order of the ``document`` column."""
        return tuple(self.manifest["documents"])

    @property
    def document_classes(self) -> tuple[str | None, ...]:
        """What each document as a whole is, such as ``positive``; None where it is not known."""
        return tuple(self.manifest.get("document_classes", [None] * len(self.documents)))

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the labels whose truth is known for every token."""
        return tuple(self.manifest["labels"])

    @property
    def roles(self) -> tuple[str, ...]:
        """Whose words the tokens are, the template's own first; none for a text without chats."""
        return tuple(self.manifest.get("tokens_of_role", ()))

    @cached_property
    def tokens(self) -> pa.Table:
        """The token table.

        Columns: document, context, position, token, start, end, line, held_out, special, and
        ``high_norm.SITE`` and ``label.NAME`` for each site and label; with chats, role.
        """
        import pyarrow.parquet as pq

        try:
            return pq.read_table(self.folder / TOKENS)
        except (
            Exception
        ) as error:  # pyarrow raises many kinds for one cause: a damaged file
            raise UserError(
                f"{self.folder / TOKENS} is damaged ({error}); harvest again."
            ) from error

    def column(self, name: str) -> np.ndarray:
        """Return one column of the token table."""
        if name not in self.tokens.column_names:
            raise unknown("column of the token table", name, self.tokens.column_names)
        return self.tokens.column(name).to_numpy()

    def label(self, name: str) -> Bool[np.ndarray, " n"]:
        """Return the truth of one label for every row."""
        if name not in self.labels:
            raise unknown("label", name, self.labels)
        return self.column(LABEL + name)

    def in_role(self, name: str) -> Bool[np.ndarray, " n"]:
        """Return the rows that are words of one role of a chat."""
        if name not in self.roles:
            raise unknown("role of this store", name, self.roles)
        return self.column(ROLE) == self.roles.index(name)

    def usable(self, site: str) -> Bool[np.ndarray, " n"]:
        """Return the rows that are fitted and measured: not special, not of high norm there."""
        self.width(site)
        return ~(self.column("special") | self.column(HIGH_NORM + site))

    @cached_property
    def starts(self) -> Int[np.ndarray, " s"]:
        """First row of each shard, and the number of rows at the end."""
        return np.concatenate([[0], np.cumsum(self.manifest["shard_rows"])]).astype(
            np.int64
        )

    @cached_property
    def _mapped(self) -> dict[tuple[int, str], Tensor]:
        return {}

    def shard(self, number: int, site: str) -> Tensor:
        """Return one shard's vectors of a site, mapped from the file in its stored dtype."""
        if (number, site) not in self._mapped:
            path = self.folder / shard_name(number)
            try:
                with safe_open(path, framework="pt") as opened:
                    self._mapped[number, site] = opened.get_tensor(site)
            except (SafetensorError, OSError) as error:
                raise UserError(
                    f"{path} is missing or damaged ({error}); expected {site} with "
                    f"{self.manifest['shard_rows'][number]} rows. Harvest again."
                ) from error
        return self._mapped[number, site]

    def vectors(self, site: str, rows: Int[np.ndarray, " n"]) -> Float[Tensor, "n d"]:
        """Return the vectors of any rows, in the order asked, as fp32."""
        out = torch.empty(len(rows), self.width(site))
        owner = np.searchsorted(self.starts, rows, side="right") - 1
        for number in np.unique(owner):
            here = np.flatnonzero(owner == number)
            inside = torch.from_numpy(rows[here] - self.starts[number])
            out[torch.from_numpy(here)] = self.shard(int(number), site)[inside].float()
        return out


def open_store(folder: str | Path, *, verify: bool = False) -> Store:
    """Return the store in ``folder``; with ``verify``, after reading every checksum."""
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"there is no store at {folder}; make one with `tacit harvest`.")
    manifest = read_manifest(folder)
    if manifest["kind"] != KIND or "checksums" not in manifest:
        raise UserError(
            f"{folder} is no finished store (its manifest says {manifest['kind']!r})."
        )
    for name, expected in manifest["checksums"].items():
        path = folder / name
        if not path.exists():
            raise UserError(f"{path} is missing from the store; harvest again.")
        if path.stat().st_size != expected["bytes"]:
            raise UserError(
                f"{path} holds {path.stat().st_size:,} bytes, expected {expected['bytes']:,}: it "
                "was cut short or changed. Harvest again."
            )
        if verify and sha256_of(path) != expected["sha256"]:
            raise UserError(
                f"{path} does not match its checksum {expected['sha256'][:12]}...: it was changed. "
                "Harvest again."
            )
    return Store(folder, manifest)


def store_identity(store: Store) -> str:
    """Return a hash of everything in the store, from its checksums and classes of documents."""
    import hashlib

    known = (
        {"document_classes": store.document_classes} if any(store.document_classes) else {}
    )
    text = json.dumps({**store.manifest["checksums"], **known}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def shard_norms(folder: Path, site: str, num_shards: int) -> np.ndarray:
    """Return the norm of every stored row of a site."""
    parts = []
    for number in range(num_shards):
        path = folder / shard_name(number)
        try:
            with safe_open(path, framework="np") as opened:
                parts.append(opened.get_tensor(f"norm.{site}"))
        except (SafetensorError, OSError) as error:
            raise UserError(
                f"{path} is damaged ({error}); delete it and resume."
            ) from error
    return np.concatenate(parts)
