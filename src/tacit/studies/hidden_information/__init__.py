"""Row 5: universality and hidden information in concept bottlenecks."""
