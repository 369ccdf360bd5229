"""Row 2: sparse coding in small transformers."""
