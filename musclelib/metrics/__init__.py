"""How alike two sets of sequences are: spatial and temporal features, and the consistency of the content."""
