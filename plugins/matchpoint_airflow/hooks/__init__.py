"""Hooks: the user store and the SIS's SFTP server, from Airflow connections."""
