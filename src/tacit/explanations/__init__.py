"""What each feature means, and whether the explanation is true: explainers, readers, scorers."""
