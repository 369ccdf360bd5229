"""What changes in a subject's output when a site is patched, or a feature ablated."""
