"""The seed case: the whole history of a capital's one-stop system, made up from a seed, and what it must count to."""
