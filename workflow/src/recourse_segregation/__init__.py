"""Does algorithmic recourse segregate? The stages of the replication as a plain Python library."""

#: the study that `run` of the configuration itself describes, and the scenario of the main tables
MAIN, DEFAULT = "main", "default"
