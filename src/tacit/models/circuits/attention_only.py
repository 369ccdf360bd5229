"""Circuits of attention heads alone: copying, induction, and moving the name that stands once."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from tacit.models.circuits.circuit import Circuit
from tacit.models.circuits.wiring import REST, Wiring

LETTERS = tuple("abcdefgh")
PEOPLE = ("Ann", "Bob", "Cid", "Dora", "Eve", "Finn")
TALK = ("and", "then", "met", "left", "gave", "took", "it", "to", "from", ",")


def copying_circuit(*, seed: int = 0) -> Circuit:
    """Return a subject of one layer that repeats the word before the current one: a b -> a.

    | part | head | looks at | moves |
    |---|---|---|---|
    | previous token | 0.1 | ``position`` one less | ``token`` to ``copied`` |

    ``copied`` is predicted. Words: a to h.
    """
    wiring = Wiring(
        "copying", words={"token": LETTERS}, inner={"copied": LETTERS}, layers=1, seed=seed
    )
    _look_back(wiring, (0, 1), writes="copied")
    return wiring.circuit(_read_off(wiring, "copied", LETTERS))


def induction_circuit(*, seed: int = 0) -> Circuit:
    """Return a subject of two layers that goes on as it did before: a b ... a -> b.

    | part | head | looks at | moves |
    |---|---|---|---|
    | previous token | 0.1 | ``position`` one less | ``token`` to ``previous`` |
    | induction | 1.0 | ``previous`` = own ``token``, else BOS | ``token`` to ``copied`` |

    ``copied`` is predicted: where the current word stood several times before, what followed it
    in equal shares; where it did not, nothing. At ``resid.0`` the direction (``previous``, a)
    right after the first a makes (``copied``, b) at ``resid.1``. Words: a to h.
    """
    wiring = Wiring(
        "induction",
        words={"token": LETTERS},
        inner={"previous": LETTERS, "copied": LETTERS},
        layers=2,
        seed=seed,
    )
    _look_back(wiring, (0, 1), writes="previous")
    wiring.head(
        "induction",
        (1, 0),
        query=wiring.of("token"),
        key=wiring.of("previous"),
        always=REST * wiring.of("start")[0],
        value=wiring.of("token"),
        output=wiring.of("copied"),
    )
    return wiring.circuit(_read_off(wiring, "copied", LETTERS))


def name_mover_circuit(*, seed: int = 0) -> Circuit:
    """Return a subject of three layers that predicts the name that stood once, not the one twice.

    | part | head | looks at | moves |
    |---|---|---|---|
    | duplicate token | 0.0 | own ``name`` elsewhere, else BOS | ``name`` to ``repeated`` |
    | inhibition | 1.1 | ``repeated``, else BOS | ``repeated`` to ``inhibited`` |
    | name mover | 2.0 | each ``name`` but those ``inhibited``, else BOS | ``name`` to ``moved`` |

    ``moved`` is predicted: several names that stand once share it. One name may stand twice or
    more. After the circuit of GPT-2 small for "When Mary and John went ..., John gave ... to" in
    Wang et al. 2022, "Interpretability in the Wild", without its backup and negative heads.
    Words: Ann, Bob, Cid, Dora, Eve, Finn and a few others, in the space ``word``.
    """
    wiring = Wiring(
        "name mover",
        words={"name": PEOPLE, "word": TALK},
        inner={"repeated": PEOPLE, "inhibited": PEOPLE, "moved": PEOPLE},
        layers=3,
        seed=seed,
    )
    at_rest = REST * wiring.of("start")[0]
    wiring.head(
        "duplicate token",
        (0, 0),
        # A name finds itself too; its own position takes that away, were there two names in it.
        query=wiring.of("name", "position"),
        key=torch.cat([wiring.of("name"), -2 * wiring.of("position")]),
        always=at_rest,
        value=wiring.of("name"),
        output=wiring.of("repeated"),
    )
    wiring.head(
        "inhibition",
        (1, 1),
        always=at_rest + wiring.of("repeated").sum(dim=0),
        value=wiring.of("repeated"),
        output=wiring.of("inhibited"),
    )
    wiring.head(
        "name mover",
        (2, 0),
        query=wiring.of("inhibited"),
        key=-wiring.of("name"),
        always=at_rest + wiring.of("name").sum(dim=0),
        value=wiring.of("name"),
        output=wiring.of("moved"),
    )
    return wiring.circuit(_read_off(wiring, "moved", PEOPLE))


def _look_back(wiring: Wiring, at: tuple[int, int], *, writes: str) -> None:
    """Wire a head that writes the token one position earlier."""
    positions = wiring.of("position")
    wiring.head(
        "previous token",
        at,
        query=positions[1:],
        key=positions[:-1],
        value=wiring.of("token"),
        output=wiring.of(writes),
    )


def _read_off(wiring: Wiring, space: str, words: Sequence[str]) -> dict[str, torch.Tensor]:
    return dict(zip(words, wiring.of(space), strict=True))
