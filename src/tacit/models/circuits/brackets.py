"""A circuit of attention and neurons: is a bracket still open, and of which kind?"""

from __future__ import annotations

import torch

from tacit.models.circuits.blank import CONTEXT
from tacit.models.circuits.circuit import Circuit
from tacit.models.circuits.wiring import Wiring

BRACKETS = ("(", ")", "[", "]")
LETTERS = ("a", "b", "c", "d")
KINDS = ("round", "square")


def bracket_circuit(*, seed: int = 0) -> Circuit:
    """Return a subject of one layer that closes what is open, or else ends: ( a -> ), ( a ) -> .

    | part | place | does |
    |---|---|---|
    | counting | head 0.1 | looks everywhere: ``balance`` is opened less closed, over positions |
    | threshold | MLP 0 | ``open`` is 1 of each kind whose balance is positive, else 0 |

    Two neurons a kind make the step: relu(Tb) - relu(Tb - 1) for a balance b, with T the
    context's length, is 0 for b <= 0 and 1 from b = 1/T on. A full stop has half the logit of an
    open bracket, always, by (``open``, neither). Kinds are counted apart: with both open, both
    closing brackets are predicted alike. Words: a to d, in the space ``word``, and a full stop.
    """
    wiring = Wiring(
        "brackets",
        words={"bracket": BRACKETS, "word": (*LETTERS, ".")},
        inner={"balance": KINDS, "open": (*KINDS, "neither")},
        layers=1,
        neurons=2 * len(KINDS),
        seed=seed,
    )
    balance, opened = wiring.of("balance"), wiring.of("open")
    opens, closes = wiring.of("bracket")[0::2], wiring.of("bracket")[1::2]
    wiring.head(
        "counting",
        (0, 1),
        value=torch.cat([opens, closes]),
        output=torch.cat([balance, -balance]),
    )
    wiring.mlp(
        "threshold",
        0,
        inputs=CONTEXT * torch.cat([balance, balance]),
        bias=-torch.tensor([0.0, 1.0]).repeat_interleave(len(KINDS)),
        outputs=torch.cat([opened[:2], -opened[:2]]),
        constant=opened[2] / 2,
    )
    return wiring.circuit({")": opened[0], "]": opened[1], ".": opened[2]})
