"""Results into pages: a run folder becomes one page that needs no network, model or GPU."""

from tacit.reports.render import render_report

__all__ = ["render_report"]
