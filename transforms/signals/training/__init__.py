"""Training of the reader; a detector does without it."""
