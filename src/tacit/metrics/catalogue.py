"""What does each name in ``results.json`` mean? One row, and one definition, for every metric.

``docs/metrics.md`` holds the same rows; a test compares the two.
"""

from tacit.metrics.catalogue_of_bottlenecks import OF_BOTTLENECKS
from tacit.metrics.catalogue_of_calibration import OF_CALIBRATION
from tacit.metrics.catalogue_of_concepts import OF_CONCEPTS
from tacit.metrics.catalogue_of_editing import OF_EDITING
from tacit.metrics.catalogue_of_effects import OF_EFFECTS
from tacit.metrics.catalogue_of_explanations import OF_EXPLANATIONS
from tacit.metrics.catalogue_of_many import OF_MANY
from tacit.metrics.catalogue_of_one import OF_ONE
from tacit.metrics.catalogue_of_policies import OF_POLICIES
from tacit.metrics.catalogue_of_probing import OF_PROBING
from tacit.metrics.catalogue_of_ranking import OF_RANKING
from tacit.metrics.metric_row import MetricRow

METRICS: dict[str, MetricRow] = {
    row.name: row
    for row in (
        *OF_ONE,
        *OF_MANY,
        *OF_EFFECTS,
        *OF_EXPLANATIONS,
        *OF_CALIBRATION,
        *OF_CONCEPTS,
        *OF_EDITING,
        *OF_PROBING,
        *OF_RANKING,
        *OF_BOTTLENECKS,
        *OF_POLICIES,
    )
}
"""Every metric by the name it has in results."""
