"""Alma's REST API over HTTP: the store as an Alma to rehearse on, and the API of the product itself."""
