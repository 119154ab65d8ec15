"""The guard: whether a plan may be applied as it is, or waits, whole or in part, for a person's answer."""
