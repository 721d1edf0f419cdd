"""The nouns that everything else speaks of: frozen values, no knowledge, no input and no output."""
