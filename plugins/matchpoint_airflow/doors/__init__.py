"""The doors to Alma: its REST API, and files for its own SIS job."""
