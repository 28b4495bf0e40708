"""Made-up traffic that behaves like a city's: from a seed, without a single person in it."""
