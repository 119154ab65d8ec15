"""Matchpoint's library: SIS extracts in, Alma users out. It imports no Airflow, asks no clock, opens no socket."""
