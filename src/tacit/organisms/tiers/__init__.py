"""Policies that act by whether they are watched: language, bases, organisms, graders."""
