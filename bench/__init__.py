"""The benchmark: Matchpoint against the bare limit of the machine, and against what one would pick instead."""
