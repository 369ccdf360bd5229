"""Models with a planted secret: their languages, graders, recipes and references."""
