"""What a concept layer carries beyond its concepts: models, measures, swaps, mitigations."""
