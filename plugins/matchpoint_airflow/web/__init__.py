"""Matchpoint's pages in the Airflow UI."""
