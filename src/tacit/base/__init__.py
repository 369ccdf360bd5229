"""How a run is configured, seeded, recorded and resumed, and how it fails.

Imports neither torch nor numpy at module level: everything above stands on this floor.
"""
