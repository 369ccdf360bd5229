"""How scored explanations are introduced, and what may not be concluded from them."""

from __future__ import annotations

from tacit.base.pages import Limits, Opening
from tacit.verbs.scored import Scored


def opening_of(found: Scored) -> Opening:
    """Return who explained and read what, on which text."""
    run, protocol = found.shown.run, found.shown.protocol
    num, said = len(found.made.explained), len(found.made.said)
    apart = (
        "documents that the explainer did not see"
        if protocol.apart == "documents"
        else "fragments that the explainer did not see, of documents that it may have seen"
    )
    stopped = (
        f"\n\nNot everything was scored: {found.stopped}. The same command goes on."
        if found.stopped
        else ""
    )
    return Opening(
        title=f"Are the explanations by {found.explainer} true?",
        setting=f"{said:,} features of {run.settings.model} at {run.settings.site} "
        f"({run.index.num_atoms:,} in the dictionary) were put to {found.explainer}, which "
        f"explained {num:,} of them. {found.reader} then read each explanation and said what the "
        "feature does on text it was shown, and that was compared with what the feature does.\n\n"
        f"Text was cut into fragments of {protocol.fragment_tokens} tokens. Explanations were "
        f"scored on {apart}: the {protocol.scored} strongest, {protocol.scored} drawn from those "
        f"where the feature is active, {protocol.scored} from those where it is silent, and "
        f"{protocol.scored} from all. Intervals of a mean are over features; seed "
        f"{found.shown.seed}.{stopped}",
    )


def limits_of() -> Limits:
    """Return what may not be concluded from scores."""
    return Limits(
        items=(
            "A score says how well this reader predicts from the words, on this text. A reader "
            "that misses what the words mean lowers it, and one that knows the text raises it.",
            "Features active in too few fragments are not explained, so the means are of the more "
            "frequent ones.",
            "Simulation's first figure weighs strong activations, which are easy; the figure on "
            "any text is the stricter one.",
            "That an explanation predicts a feature is no proof that the model uses the feature "
            "for it: the scorer intervention, or an ablation, tests that.",
            "Scores of few fragments are coarse: read each feature's with its interval.",
        )
    )
