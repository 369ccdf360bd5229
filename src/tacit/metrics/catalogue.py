"""What does each name in ``results.json`` mean? One row, and one definition, for every metric.

``docs/metrics.md`` holds the same rows; a test compares the two.
"""

from tacit.metrics.catalogue_of_effects import OF_EFFECTS
from tacit.metrics.catalogue_of_explanations import OF_EXPLANATIONS
from tacit.metrics.catalogue_of_many import OF_MANY
from tacit.metrics.catalogue_of_one import OF_ONE
from tacit.metrics.metric_row import MetricRow

METRICS: dict[str, MetricRow] = {
    row.name: row for row in (*OF_ONE, *OF_MANY, *OF_EFFECTS, *OF_EXPLANATIONS)
}
"""Every metric by the name it has in results."""
