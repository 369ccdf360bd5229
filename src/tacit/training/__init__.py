"""How behaviour is shaped: the micro subjects that Tacit trains itself."""
