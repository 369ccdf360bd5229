"""The verbs of Tacit as Python functions; the command line calls these and nothing else."""
