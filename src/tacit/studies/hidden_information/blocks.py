"""What the study's pages are made of, in words."""

from __future__ import annotations

from collections.abc import Collection

from tacit.base.pages import Block, Heatmap, Limits, Opening, Pictures, Plot, Table, Text
from tacit.studies.hidden_information.settings import HiddenSettings

NOTHING = Text(text="These pictures hold no twins, so that this was not measured.")


def opening(settings: HiddenSettings) -> Opening:
    """Return the report's title and what was studied."""
    own, birds = settings.pictures, settings.pictures.birds
    drawn = (
        f"{birds.classes} classes of {birds.images} drawn birds at {own.side} pixels. Classes come "
        "in pairs of twins, which have the same concepts and differ in one cue that no concept "
        "names: the concepts can tell twins apart in half of all pictures and no more. "
        "Annotations are noisy, as those of real birds are; what leaks is measured given what was "
        "drawn. These are not CUB-200-2011, and figures do not stand for those of real birds."
    )
    real = f"Real birds of {own.folder} at {own.side} pixels, with annotations alone."
    trunk = (
        settings.network.backbone
        or "a small convolutional network pretrained on other birds"
    )
    return Opening(
        title="Hidden information in concept bottlenecks",
        setting=f"{drawn if own.folder is None else real}\n\n"
        f"The trunk is {trunk}. Each arm has {len(settings.seeds)} runs, which differ in their "
        "heads, the order of pictures and the noise of training; those with trunks of their own "
        "differ in that too.",
    )


def birds() -> Pictures:
    """Return the pictures, row by row."""
    return Pictures(
        table="artifacts/picked.parquet",
        picture="png",
        words="words",
        row="row",
        title="Twins, and what two runs say of them",
        caption="Test pictures of a class, then of its twin. Below each: whether a joint run and a "
        "sequential run name the class, its twin or another.",
    )


def leaks() -> tuple[Block, ...]:
    """Return how much leaks by arm, and the trade-off."""
    return (
        Plot(
            table="artifacts/leaks.parquet", kind="bar", x="arm", y="value",
            low="low", high="high", x_label="arm", y_label="nats",
            title="What the concept layer says of the class beyond its concepts",
            caption="I(class; concept layer | what was drawn), mean over seeds. A twin is worth "
            ".693 nats. Runs on twins without a cue can hold none.",
        ),
        Table(
            table="artifacts/trade-off.parquet",
            columns=(
                ("arm", "arm"), ("task_accuracy", "class right"),
                ("concept_accuracy", "concepts right"), ("twin_accuracy", "twins told"),
                ("leak", "leak, nats"), ("set_accuracy", "class right, concepts set to truth"),
                ("own_accuracy", "set to own answers"), ("task_leakage", "CTL"),
                ("interconcept", "ICL"), ("impurity", "oracle impurity"),
                ("nuisance", "URR of the berry"),
            ),
            sortable=True,
            title="The trade-off: task, concepts, leak",
            caption="Means over seeds on test pictures. CTL, ICL and impurity are the secondary "
            "measures; the berry depends on nothing, and what is said of it is neither task nor "
            "concept.",
        ),
    )  # fmt: skip


def swaps(held: Collection[str]) -> tuple[Block, ...]:
    """Return the swap matrices."""
    told = "Rows are encoders, columns heads, each of another run; the last column is own heads."
    accuracy = Heatmap(
        table="artifacts/swap-accuracy.parquet", row="encoder", column="head", value="value",
        row_label="encoder of", column_label="head of",
        title="Class right after the swap", caption=told,
    )  # fmt: skip
    if "swap-map" not in held:
        return (accuracy, NOTHING)
    twins = Heatmap(
        table="artifacts/swap-map.parquet", row="encoder", column="head", value="value",
        row_label="encoder of", column_label="head of",
        title="Twins told after the swap",
        caption=f"{told} One half is chance: only what both runs hide in the same way survives.",
    )  # fmt: skip
    return (twins, accuracy)


def places(held: Collection[str]) -> tuple[Block, ...]:
    """Return the leak by concept."""
    if "by-concept" not in held:
        return (NOTHING,)
    return (
        Plot(
            table="artifacts/most-leaking.parquet", kind="bar", x="concept", y="leak, joint",
            x_label="concept", y_label="leak in its logit, nats",
            title="The concepts that leak most, joint runs",
            caption="What one logit alone says of the class beyond all concepts, mean over seeds.",
        ),
        Plot(
            table="artifacts/by-concept.parquet", kind="scatter", x="entropy", y="leak, joint",
            x_label="entropy of the concept, bits", y_label="leak in its logit, nats",
            title="Leak of each concept by its entropy, joint runs",
            caption="What one logit alone says of the class beyond all concepts, mean over seeds.",
        ),
        Plot(
            table="artifacts/by-concept.parquet", kind="scatter", x="entropy", y="imbalance",
            x_label="entropy of the concept, bits", y_label="absent over present", log_y=True,
            title="The confound: the published weighting follows the entropy",
            caption="Terms of the concept loss are multiplied by this ratio in the published runs.",
        ),
        Table(
            table="artifacts/by-concept.parquet",
            columns=(
                ("concept", "concept"), ("leak, joint", "leak, joint"),
                ("leak, sequential", "leak, sequential"),
                ("leak, imbalance", "leak, weighted"), ("imbalance", "absent over present"),
                ("entropy", "entropy, bits"), ("shift", "shift from sequential"),
            ),
            sortable=True,
            title="Every concept",
            caption="Leaks in nats, means over seeds; below 0 by chance alone.",
        ),
    )  # fmt: skip


def curves() -> tuple[Block, ...]:
    """Return the intervention curves."""
    return (
        Plot(
            table="artifacts/set-curves.parquet", kind="line", x="groups", y="value", group="set",
            low="low", high="high", x_label="groups of concepts set", y_label="class right",
            title="Concepts set to the truth, and to a run's own yes and no",
            caption="The second is the control: it writes the same values, so that what falls with "
            "it is the values' doing and not a lost leak. Means over orders and seeds.",
        ),
    )  # fmt: skip


def cues(held: Collection[str]) -> tuple[Block, ...]:
    """Return how well the cue is found without being told."""
    if "cue-finders" not in held:
        return (NOTHING,)
    return (
        Plot(
            table="artifacts/cue-finders.parquet", kind="bar", x="of", y="value", group="finder",
            low="low", high="high", x_label="where", y_label="AUROC for the cue",
            title="The best atom's AUROC for the unlabelled cue",
            caption="The atom is chosen on training pictures and read on test pictures. `outputs` "
            "are the site's own outputs one by one; `probe` is told the cue and is the ceiling.",
        ),
        Table(
            table="artifacts/cue-finders.parquet",
            columns=(
                ("of", "where"), ("finder", "finder"), ("value", "AUROC"),
                ("low", "from"), ("high", "to"), ("shuffled", "cue shuffled"),
            ),
            title="The same in numbers, beside a shuffled cue",
            caption="With the cue shuffled over pictures only the choice of an atom is left.",
        ),
    )  # fmt: skip


def limits(settings: HiddenSettings) -> Limits:
    """Return what may not be concluded."""
    items = [
        "All runs see one set of pictures and one split: intervals hold for other runs on these.",
        "The measure sees what a linear softmax within equal concepts can read; it is a lower "
        "bound, and too low for leaks under .05 nats.",
        "A logit's own leak does not see what several logits say together.",
    ]
    if settings.pictures.folder is None:
        items.append(
            "Drawn birds are not CUB-200-2011; the twins make the leak exact, and easy."
        )
    else:
        items.append(
            "Annotations stand for the truth here, so that only differences between arms mean "
            "anything."
        )
    return Limits(items=tuple(items))
