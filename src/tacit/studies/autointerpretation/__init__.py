"""Row 3: which bases have features that an explanation predicts."""
