"""The tiers for chat models: the same roles by templates over any request set, graded by chat."""
