"""Peers: the same job as one would write it with other tools, each by its own documentation.

They do less than Matchpoint: the user's document by primary id is all they keep. There is no table of identifiers, no
history, no plan, no receipt, and nothing is checked.
"""
