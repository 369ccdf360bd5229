"""A metric's value with its interval, as the record that results keep."""

from collections.abc import Mapping

from tacit.base.records import Result
from tacit.metrics.catalogue import METRICS
from tacit.metrics.intervals import Interval


def as_result(name: str, interval: Interval, of: Mapping[str, str | int | float]) -> Result:
    """Return the record of a metric of the catalogue."""
    row = METRICS[name]
    return Result(
        name=name,
        value=interval.value,
        unit=row.unit,
        better=row.direction,
        n=interval.n,
        interval=interval.ends,
        of=dict(of),
    )
