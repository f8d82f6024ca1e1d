"""Does algorithmic recourse segregate? The stages of the replication as a plain Python library."""
