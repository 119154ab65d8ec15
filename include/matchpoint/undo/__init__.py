"""Undo: taking back what a run did, to everybody, to one person or in one field, by a plan of its own."""
