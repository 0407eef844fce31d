"""How a test pair is made and scored: protocols, metrics, self-ensemble, classical methods."""
