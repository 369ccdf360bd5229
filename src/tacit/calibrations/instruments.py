"""Every instrument that is calibrated, by name. To add one, write its class, then its line."""

from __future__ import annotations

from collections.abc import Mapping

from tacit.calibrations.agreeing import AgreementInstrument
from tacit.calibrations.explaining import LabelInstrument, LexicalInstrument
from tacit.calibrations.instrument import Instrument
from tacit.calibrations.leaking import LeakInstrument
from tacit.calibrations.measuring import MeasureInstrument
from tacit.calibrations.probing import ProbeInstrument
from tacit.calibrations.random_weights import RandomWeights
from tacit.calibrations.scoring import ScorerInstrument, true_accuracy, true_correlation
from tacit.evaluations.absorption import Absorption
from tacit.evaluations.attributes import Attributes
from tacit.evaluations.fidelity import Fidelity
from tacit.evaluations.perturbation import TargetedPerturbation
from tacit.evaluations.planted_world import PlantedWorld
from tacit.evaluations.probing import SparseProbing
from tacit.evaluations.spurious import SpuriousRemoval
from tacit.explanations.detection import Detection
from tacit.explanations.fuzzing import Fuzzing
from tacit.explanations.simulation import Simulation

ROWS = 1_000
"""Most training rows of a probe in these trials, which are many."""
CONCEPTS = PlantedWorld(population=20, num_labels=8, num_families=4, num_attributes=2)
FAMILIES = PlantedWorld(
    population=8,
    num_labels=0,
    num_families=5,
    children=30,
    num_attributes=0,
    num_background=8,
    width=128,
    noise=0.05,
)
"""Children so rare that a concept is not said to be split over them."""
ATTRIBUTES = PlantedWorld(population=20, num_labels=2, num_families=1, num_attributes=4)

INSTRUMENTS: Mapping[str, Instrument] = {
    each.name: each
    for each in (
        MeasureInstrument(
            name="fidelity",
            about="variance unexplained, over held-out documents",
            measure=Fidelity(),
            world="planted rows of one world, whose true number of atoms is kept",
            planted=PlantedWorld(),
            figures=("fvu",),
            null="other text",
            rebuilds=True,
        ),
        MeasureInstrument(
            name="probing",
            about="concepts read off one or a few atoms",
            measure=SparseProbing(ks=(1, 5), train_rows=ROWS),
            planted=CONCEPTS,
            figures=("sparse_probe_accuracy",),
            by=("probe_k",),
        ),
        MeasureInstrument(
            name="absorption",
            about="how often a concept's own atom is silent and another one speaks for it",
            measure=Absorption(candidates=4, most_split=4, train_rows=ROWS),
            world="planted parents of thirty rare children, other ones in each text",
            planted=FAMILIES,
            figures=("absorbed_share",),
            better="perfect",
            worse="absorbing",
            tried="absorbing",
            null="other text",
            lacks={"ranked_rightly": "none but the absorbing one absorbs anything here"},
        ),
        MeasureInstrument(
            name="perturbation",
            about="whether taking a class's atoms out harms that class alone",
            measure=TargetedPerturbation(atoms=(2, 10), train_rows=ROWS),
            planted=CONCEPTS,
            by=("atoms",),
        ),
        MeasureInstrument(
            name="spurious",
            about="whether taking out the atoms of a confounder mends a probe",
            measure=SpuriousRemoval(atoms=(2, 5), pairs=8, train_rows=ROWS),
            planted=CONCEPTS,
            by=("atoms",),
        ),
        MeasureInstrument(
            name="attributes",
            about="whether swapping atoms changes one attribute and leaves the others",
            measure=Attributes(atoms=(1, 4, 16), pairs=200, probe_rows=ROWS),
            world="planted attributes of four values, other ones in each text",
            planted=ATTRIBUTES,
        ),
        ProbeInstrument(
            name="probe",
            about="what a fresh linear or one-hidden-layer probe reads off rows",
        ),
        AgreementInstrument(
            name="agreement", about="how well the best feature of each label tells it"
        ),
        RandomWeights(
            name="random weights",
            about="probes and agreement on a model that has learned nothing: the control",
        ),
        LeakInstrument(
            name="leak", about="what readings of a bottleneck carry beyond its concepts"
        ),
        LexicalInstrument(
            name="lexical", about="patterns of tokens that tell where a feature is active"
        ),
        LabelInstrument(
            name="label", about="known labels that tell where a feature is active"
        ),
        ScorerInstrument(
            name="simulation",
            about="correlation of predicted with true activations",
            make=Simulation,
            metric="explanation_correlation",
            figures=("top-and-random", "any"),
            true_scores=true_correlation,
        ),
        ScorerInstrument(
            name="detection",
            about="is the feature active anywhere in this text?",
            make=Detection,
            metric="detection_accuracy",
            figures=("balanced accuracy",),
            true_scores=true_accuracy,
        ),
        ScorerInstrument(
            name="fuzzing",
            about="are the marked tokens those that activate it?",
            make=Fuzzing,
            metric="fuzzing_accuracy",
            figures=("balanced accuracy",),
            true_scores=true_accuracy,
        ),
    )
}
"""In the order of reports."""
