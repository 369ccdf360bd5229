"""How good is a dictionary? Many measures of it from one cache, each with its intervals."""
