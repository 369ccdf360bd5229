"""What training may change so that a policy does not act by whether it is watched: one file each.

``MITIGATIONS`` holds the named arms; to add one, write its file, then add its line.
"""

from collections.abc import Mapping

from tacit.organisms.mitigations.audits import Audits
from tacit.organisms.mitigations.baseline import Baseline
from tacit.organisms.mitigations.classifiers import Classifier, Exact, Keyword
from tacit.organisms.mitigations.cue_noise import CueNoise
from tacit.organisms.mitigations.cue_removal import CueRemoval
from tacit.organisms.mitigations.decomposition import OutputOnly, ScratchpadOnly
from tacit.organisms.mitigations.following import is_directive_followed, is_followed
from tacit.organisms.mitigations.inoculation import Inoculation
from tacit.organisms.mitigations.interrogation import Interrogation
from tacit.organisms.mitigations.kl_penalty import KlPenalty
from tacit.organisms.mitigations.length_hinge import LengthHinge
from tacit.organisms.mitigations.mitigation import Mitigation
from tacit.organisms.mitigations.monitors import DictionaryFeature, LinearProbe
from tacit.organisms.mitigations.process_supervision import ProcessSupervision
from tacit.organisms.mitigations.recontextualisation import Recontextualisation
from tacit.organisms.mitigations.reward_faking import RewardFaking
from tacit.organisms.tiers.words import QUESTIONS

_ARMS: tuple[Mitigation, ...] = (
    Baseline(),
    LengthHinge(),
    ProcessSupervision(name="process-log", classifier=Exact()),
    ProcessSupervision(name="process-linear", classifier=Exact(), form="linear"),
    ProcessSupervision(name="process-keyword", classifier=Keyword()),
    ProcessSupervision(name="process-probe", classifier=LinearProbe()),
    ProcessSupervision(name="process-feature", classifier=DictionaryFeature()),
    *(Interrogation(name=f"interrogation-{kind}", question=kind) for kind in QUESTIONS),
    Interrogation(
        name="interrogation-separate", question="another", separate_answerer=True
    ),
    OutputOnly(),
    ScratchpadOnly(),
    RewardFaking(),
    Inoculation(),
    Recontextualisation(),
    *(KlPenalty(name=f"kl-{weight}", kl_weight=weight) for weight in (0.03, 0.1, 0.3)),
    CueRemoval(),
    CueNoise(),
    Audits(),
)
MITIGATIONS: Mapping[str, Mitigation] = {each.name: each for each in _ARMS}

__all__ = [
    "MITIGATIONS",
    "Audits",
    "Baseline",
    "Classifier",
    "CueNoise",
    "CueRemoval",
    "DictionaryFeature",
    "Exact",
    "Inoculation",
    "Interrogation",
    "Keyword",
    "KlPenalty",
    "LengthHinge",
    "LinearProbe",
    "Mitigation",
    "OutputOnly",
    "ProcessSupervision",
    "Recontextualisation",
    "RewardFaking",
    "ScratchpadOnly",
    "is_directive_followed",
    "is_followed",
]
