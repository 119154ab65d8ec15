"""The feed health gate: what the files of a run are like, and whether they are like those that were applied before.

Nothing here holds a person's data: counts, shares, the names of columns, and such codes as many rows have.
"""
