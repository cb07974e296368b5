"""Training of the semantic layer; a detector does without it."""
