"""Alma's REST API served by the user store: the web part."""
