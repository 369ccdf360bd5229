"""How far can an instrument be trusted? What it says where the truth is known."""
