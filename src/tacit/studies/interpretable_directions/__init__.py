"""Row 4: directions that can be read, replaced and erased."""
