"""Alma's REST API for users, by the rules of its documentation, on the user store."""
