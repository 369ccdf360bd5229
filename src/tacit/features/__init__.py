"""What is known of each learned direction: where it fires, how often, and what it agrees with."""
