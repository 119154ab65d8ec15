"""Reconcile: compare Alma with the store, tell what drifted apart, and put it into the outbox on demand."""
